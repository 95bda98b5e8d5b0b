"""Mapping of the translations of a product."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from gateway.sdk import ProductText, RecordWarning, json_access, read_informative
from gateway_shopify.graphql_values import Node
from gateway_shopify.read_documents import TRANSLATIONS

FIELDS: Mapping[str, str] = MappingProxyType(
    {"title": "title", "body_html": "html", "meta_title": "seo_title", "meta_description": "seo_description"}
)
"""Fields of a text, by the key of a translation."""


def map_translations(node: Node, locales: Sequence[str]) -> tuple[list[ProductText], list[RecordWarning]]:
    """Map the translations into these locales. A locale without translations has none."""

    def map_texts(position: int) -> ProductText | None:
        alias = f"{TRANSLATIONS}{position}"
        values = {
            FIELDS[key]: value
            for entry in json_access.get_objects(node, alias)
            if (key := json_access.get_text(entry, "key")) in FIELDS
            and (value := json_access.get_optional_text(entry, "value")) is not None
        }
        return ProductText(locale=locales[position], **values) if values else None

    texts, warnings = read_informative(range(len(locales)), map_texts, "translations")
    return [text for text in texts if text is not None], warnings
