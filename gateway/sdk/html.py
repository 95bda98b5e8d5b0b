"""Sanitizing of HTML that channels report, by an allow-list: what remains is safe to insert into a page."""

from __future__ import annotations

import html
import re

import nh3

from gateway.model.validation import InvalidValueError, check_text

MAX_HTML = 200_000
"""Maximum number of characters, before and after sanitizing."""

MAX_TAGS = 5_000
"""Maximum number of tags: parsing takes time by the square of nested ones."""

TAGS = frozenset(
    {
        *("a", "abbr", "b", "blockquote", "br", "caption", "cite", "code", "col", "colgroup", "dd", "del"),
        *("dfn", "div", "dl", "dt", "em", "figcaption", "figure", "h1", "h2", "h3", "h4", "h5", "h6", "hr"),
        *("i", "img", "ins", "kbd", "li", "mark", "ol", "p", "pre", "q", "s", "samp", "small", "span"),
        *("strong", "sub", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "u", "ul", "var"),
        *("wbr"),
    }
)
ATTRIBUTES = {
    "a": {"href", "title", "hreflang"},
    "abbr": {"title"},
    "img": {"src", "alt", "title", "width", "height"},
    "ol": {"start", "reversed"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan", "scope"},
    "*": {"lang", "dir"},
}
DROPPED_WITH_CONTENT = frozenset(
    {"script", "style", "template", "noscript", "iframe", "object", "svg", "math", "title"}
)
SCHEMES = frozenset({"http", "https", "mailto", "tel"})

_BLOCKS = re.compile(r"(?i)</?(?:br|p|div|li|ul|ol|table|tr|h[1-6])\b[^>]*>")


def sanitize_html(field: str, value: object, longest: int = MAX_HTML) -> str:
    """Sanitize HTML: no scripts, styles, events, frames, ids or classes, and only links to absolute URLs.

    Args:
        longest: Maximum number of characters, before and after: a character can become an entity of six.

    Raises:
        InvalidValueError: It is no text, or too long.
    """
    text = check_text(field, value, longest, empty=True)
    if text.count("<") > MAX_TAGS:
        raise InvalidValueError(field, f"has more than {MAX_TAGS} tags")
    clean = nh3.clean(
        text,
        tags=set(TAGS),
        clean_content_tags=set(DROPPED_WITH_CONTENT),
        attributes=ATTRIBUTES,
        url_schemes=set(SCHEMES),
        url_relative="deny",
        link_rel="noopener noreferrer",
    )
    return check_text(field, clean, longest, empty=True)


def extract_text(sanitized: str) -> str:
    """Extract the text of sanitized HTML, with a line for each block."""
    lines = html.unescape(nh3.clean(_BLOCKS.sub("\n", sanitized), tags=set())).splitlines()
    return "\n".join(line.strip() for line in lines if line.strip())
