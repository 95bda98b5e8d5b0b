"""Texts of products for a storefront, by locale."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass

from gateway.model.validation import InvalidValueError, check_text

UNKNOWN_LOCALE = "und"
"""The locale of texts whose language is not known (BCP 47)."""

MAX_SEO_DESCRIPTION = 160
"""Characters of a description for search engines that is made of the description of the product."""

_LOCALE = re.compile(r"[A-Za-z]{2,8}(?:[-_][A-Za-z0-9]{1,8})*")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductText:
    """The texts of a product in one locale.

    Attributes:
        locale: BCP 47 language tag: ``de-CH``.
        title, description: Empty: as in the channel's own language.
        html: The description as HTML, sanitized; None: there is none.
        seo_title, seo_description: For search engines; None: there is none.
    """

    locale: str
    title: str = ""
    description: str = ""
    html: str | None = None
    seo_title: str | None = None
    seo_description: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Seo:
    """Texts for search engines; never empty."""

    title: str
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """Texts to show. `locale`: that of the texts; `description_html`: sanitized."""

    locale: str
    title: str
    description: str
    description_html: str
    seo: Seo


def normalize_locale(field: str, value: object) -> str:
    """Normalize a BCP 47 language tag: ``de_ch`` is ``de-CH``.

    Raises:
        InvalidValueError: It is no language tag.
    """
    text = check_text(field, value, 35)
    if not _LOCALE.fullmatch(text):
        raise InvalidValueError(field, f"{text!r} is not a language tag such as de-CH")
    language, *subtags = re.split("[-_]", text)
    return "-".join([language.lower(), *map(_normalize_subtag, subtags)])


def _normalize_subtag(subtag: str) -> str:
    if len(subtag) == 4 and subtag.isalpha():
        return subtag.title()
    return subtag.upper() if len(subtag) == 2 and subtag.isalpha() else subtag.lower()


def list_fallbacks(locale: str) -> tuple[str, ...]:
    """List a locale and those that it falls back to: ``de-CH``, ``de``."""
    subtags = locale.split("-")
    return tuple("-".join(subtags[:length]) for length in range(len(subtags), 0, -1))


def build_content(text: ProductText) -> Content:
    """Build the texts to show."""
    seo = Seo(
        title=text.seo_title or text.title,
        description=text.seo_description or shorten_text(text.description) or text.title,
    )
    return Content(
        locale=text.locale,
        title=text.title,
        description=text.description,
        description_html=_format_paragraphs(text.description) if text.html is None else text.html,
        seo=seo,
    )


def shorten_text(text: str) -> str:
    """Shorten a text to what search engines show, at a word."""
    words = " ".join(text.split())
    if len(words) <= MAX_SEO_DESCRIPTION:
        return words
    start = words[: MAX_SEO_DESCRIPTION - 1]
    return f"{start.rpartition(' ')[0] or start}…"


def _format_paragraphs(text: str) -> str:
    """Format plain text as HTML."""
    paragraphs = (part.strip() for part in re.split(r"\n\s*\n", text))
    return "".join(f"<p>{html.escape(part).replace(chr(10), '<br>')}</p>" for part in paragraphs if part)
