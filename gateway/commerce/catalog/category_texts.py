"""Texts of categories, as the configuration has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from gateway.commerce.catalog.categories import build_key
from gateway.model.content import ProductText
from gateway.sdk.html import extract_text, sanitize_html

CategoryTexts = Mapping[str, Sequence[ProductText]]
"""Texts of categories by their path, the default language first."""


def build_category_texts(configured: Mapping[tuple[str, ...], Sequence[ProductText]]) -> CategoryTexts:
    """Sanitize the texts of categories. `configured`: by the titles of the path, from the root."""
    return {build_key(titles): [_sanitize_text(text) for text in texts] for titles, texts in configured.items()}


def _sanitize_text(text: ProductText) -> ProductText:
    if text.html is None:
        return text
    html = sanitize_html("html", text.html)
    return replace(text, html=html, description=text.description or extract_text(html))
