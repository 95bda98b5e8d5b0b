"""Mapping of Shopify's collections, manual and automated ones, with the IDs of their products in the shop's order."""

from __future__ import annotations

from gateway.sdk import CollectionRecord, Image, Raw, RecordWarning, Ref, json_access, read_informative
from gateway_shopify import graphql_values
from gateway_shopify.config import ShopifyConfig
from gateway_shopify.graphql_values import Node
from gateway_shopify.products.media_mapping import map_image
from gateway_shopify.products.translation_mapping import map_translations


def map_collection(raw: Raw, config: ShopifyConfig) -> CollectionRecord:
    """Map a collection."""
    node = raw.data["node"]
    translations, skipped = map_translations(node, config.translations)
    image, dropped = _map_image(node)
    return CollectionRecord(
        ref=Ref(graphql_values.get_id(node, "Collection")),
        version=json_access.get_instant(node, "updatedAt"),
        title=json_access.get_text(node, "title"),
        products=[graphql_values.get_id(product, "Product") for product in graphql_values.get_nodes(node, "products")],
        description=json_access.get_text(node, "description"),
        description_html=json_access.get_optional_text(node, "descriptionHtml"),
        seo_title=json_access.get_optional_text(node, "seo", "title"),
        seo_description=json_access.get_optional_text(node, "seo", "description"),
        translations=translations,
        handle=json_access.get_optional_text(node, "handle"),
        image=image,
        warnings=[*skipped, *dropped],
    )


def _map_image(node: Node) -> tuple[Image | None, list[RecordWarning]]:
    found = json_access.get_optional_object(node, "image")
    images, warnings = read_informative([] if found is None else [found], map_image, "image")
    return next(iter(images), None), warnings
