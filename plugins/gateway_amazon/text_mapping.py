"""Mapping of the texts that a seller filed, by language."""

from __future__ import annotations

import html

from gateway.sdk import ProductText, RecordWarning, read_informative
from gateway.sdk.json_access import Shape, get_text
from gateway_amazon.listing_values import get_attribute

TITLE, DESCRIPTION, BULLETS = "item_name", "product_description", "bullet_point"


def map_texts(item: Shape, store: str) -> tuple[str | None, dict[str, ProductText], list[RecordWarning]]:
    """Map the texts of a listing: the language of its first title, and the texts of each language."""
    values: dict[str, dict[str, list[str]]] = {}
    warnings: list[RecordWarning] = []
    for name in (TITLE, DESCRIPTION, BULLETS):
        entries, skipped = read_informative(get_attribute(item, name, store), _read_value, name)
        warnings += skipped
        for language, value in entries:
            values.setdefault(language, {}).setdefault(name, []).append(value)
    texts = {language: _build_text(language, found) for language, found in values.items()}
    own = next((language for language, found in values.items() if TITLE in found), next(iter(values), None))
    return own, texts, warnings


def _read_value(value: Shape) -> tuple[str, str]:
    """Read a value and its language, which Amazon writes with an underscore."""
    return get_text(value, "language_tag").replace("_", "-"), get_text(value, "value")


def _build_text(language: str, found: dict[str, list[str]]) -> ProductText:
    """Build the texts of a language: the bullet points come before the description, as Amazon shows them."""
    bullets = "".join(f"<li>{html.escape(point)}</li>" for point in found.get(BULLETS, ()))
    descriptions = "".join(f"<div>{part}</div>" for part in found.get(DESCRIPTION, ()))
    markup = (f"<ul>{bullets}</ul>" if bullets else "") + descriptions
    return ProductText(locale=language, title=found.get(TITLE, [""])[0], html=markup or None)
