"""The record of a collection: products that a channel shows together, such as `Summer` or `Gifts under 20`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from gateway.model import record_validation, validation
from gateway.model.content import ProductText, normalize_locale
from gateway.model.media import Image
from gateway.model.validation import InvalidValueError
from gateway.sdk.html import extract_text, sanitize_html
from gateway.sdk.record_fields import check_optional, cut_list, drop_invalid, normalize_items, put
from gateway.sdk.records import Record, normalize_translation

MAX_PRODUCTS = 25_000
"""Maximum number of products of a collection."""


@dataclass(frozen=True, kw_only=True)
class CollectionRecord(Record):
    """A collection of products. It belongs to its channel, and is never matched with those of others.

    Attributes:
        products: IDs of its products in the channel, in their order. Read all pages before the record is returned, at
            most 25,000. A product that the gateway does not have, or not any more, is shown once it has it.
        description: May be empty.
        description_html: The description as HTML. It is sanitized; None: there is none. If `description` is empty, it
            becomes the text of it.
        seo_title, seo_description: Texts for search engines; None: there are none.
        locale: BCP 47 language tag of the texts; None: the first locale of the channel in the configuration.
        translations: Texts in other locales; `ProductText.html` is sanitized.
        handle: The channel's part of the collection's URL, such as ``summer``; None: the channel has none.
        image: None: there is none.
    """

    title: str
    products: Sequence[str] = ()
    description: str = ""
    description_html: str | None = None
    seo_title: str | None = None
    seo_description: str | None = None
    locale: str | None = None
    translations: Sequence[ProductText] = ()
    handle: str | None = None
    image: Image | None = None

    def check(self) -> None:
        """Check and normalize the fields; see `Record.check`."""
        validation.check_text("title", self.title, record_validation.MAX_TITLE)
        validation.check_text("description", self.description, record_validation.MAX_LONG_TEXT, empty=True)
        put(self, "products", _check_products(self.products))
        self._check_informative()

    def _check_informative(self) -> None:
        """Check and sanitize the fields without which the collection is stored if they are invalid."""
        for name, field, check in (
            ("description_html", "descriptionHtml", partial(check_optional, sanitize_html, "descriptionHtml")),
            ("locale", "locale", partial(check_optional, normalize_locale, "locale")),
            ("seo_title", "seoTitle", _limit("seoTitle", record_validation.MAX_TITLE)),
            ("seo_description", "seoDescription", _limit("seoDescription", record_validation.MAX_SEO)),
            ("handle", "handle", record_validation.check_handle),
            ("image", "image.url", record_validation.check_image),
        ):
            drop_invalid(self, name, field, check)
        if self.description_html and self.description == "":
            put(self, "description", extract_text(self.description_html))
        normalize_items(self, "translations", "translations", normalize_translation)
        cut_list(self, "translations", record_validation.MAX_LOCALES)


def _limit(field: str, longest: int) -> partial[str | None]:
    return partial(validation.check_optional_text, field, longest=longest)


def _check_products(ids: Sequence[str]) -> tuple[str, ...]:
    """Check the IDs of products, and leave out repeated ones."""
    if isinstance(ids, str):
        raise InvalidValueError("products", "expected a list of IDs, found a text")
    if len(ids) > MAX_PRODUCTS:
        raise InvalidValueError("products", f"has {len(ids)} IDs; at most {MAX_PRODUCTS} are allowed")
    return tuple(dict.fromkeys(validation.check_text("products", id, record_validation.MAX_CODE) for id in ids))
