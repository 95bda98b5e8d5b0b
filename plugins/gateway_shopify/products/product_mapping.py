"""Mapping of Shopify's products, with all their variants."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from gateway.sdk import (
    InvalidValueError,
    ListingStatus,
    Media,
    ProductRecord,
    ProductStatus,
    Raw,
    Ref,
    VariantRecord,
    json_access,
    parse_gtin,
)
from gateway_shopify import graphql_values
from gateway_shopify.config import ShopifyConfig
from gateway_shopify.graphql_values import Node
from gateway_shopify.products.market_prices import map_market_prices
from gateway_shopify.products.media_mapping import map_media
from gateway_shopify.products.metafield_mapping import Metafields, map_metafields
from gateway_shopify.products.option_mapping import ShownOptions, map_options, map_selected_option
from gateway_shopify.products.rating_mapping import map_rating
from gateway_shopify.products.translation_mapping import map_translations
from gateway_shopify.products.unit_price_mapping import map_net_content

STATUSES: Mapping[str, tuple[ProductStatus, ListingStatus]] = MappingProxyType(
    {
        "ACTIVE": (ProductStatus.ACTIVE, ListingStatus.ACTIVE),
        "UNLISTED": (ProductStatus.ACTIVE, ListingStatus.ACTIVE),  # hidden from lists, but on sale at its URL
        "DRAFT": (ProductStatus.DRAFT, ListingStatus.INACTIVE),
        "ARCHIVED": (ProductStatus.ARCHIVED, ListingStatus.ARCHIVED),
    }
)


NO_METAFIELDS = Metafields()


@dataclass(frozen=True, slots=True)
class ParentProduct:
    """What the variants of a product share. `gross`: whether prices include tax."""

    node: Node
    status: ListingStatus
    config: ShopifyConfig
    gross: bool
    media: Mapping[str, Media]
    options: ShownOptions
    metafields: Sequence[str]


def map_product(raw: Raw, config: ShopifyConfig, metafields: Metafields = NO_METAFIELDS) -> ProductRecord:
    """Map a product, with the metafields that its query has requested."""
    node, shop = raw.data["node"], raw.data["shop"]
    status = STATUSES.get(json_access.get_text(node, "status"))
    if status is None:
        raise InvalidValueError("status", f"{json_access.get_text(node, 'status')[:40]} is not known")
    gross = (
        json_access.get_flag(shop, "taxesIncluded") if config.prices_include_tax is None else config.prices_include_tax
    )
    nodes = graphql_values.get_nodes(node, "variants")
    media, warnings = map_media(graphql_values.get_nodes(node, "media"))
    translations, skipped = map_translations(node, config.translations)
    attributes, dropped = map_metafields(node, metafields.products)
    rating, unread = map_rating(node)
    options, unshown = map_options(node, config.translations)
    parent = ParentProduct(node, status[1], config, gross, media, options, metafields.variants)
    return ProductRecord(
        ref=Ref(graphql_values.get_id(node, "Product")),
        version=max(json_access.get_instant(entry, "updatedAt") for entry in (node, *nodes)),
        title=json_access.get_text(node, "title"),
        description=json_access.get_text(node, "description"),
        handle=json_access.get_optional_text(node, "handle"),
        description_html=json_access.get_optional_text(node, "descriptionHtml"),
        seo_title=json_access.get_optional_text(node, "seo", "title"),
        seo_description=json_access.get_optional_text(node, "seo", "description"),
        translations=translations,
        attributes=dict(attributes),
        brand=json_access.get_optional_text(node, "vendor"),
        tags=json_access.get_texts(node, "tags"),
        status=status[0],
        media=tuple(media.values()),
        category=_map_category(node),
        created_at=json_access.get_instant(node, "createdAt"),
        variants=[_map_variant(variant, parent) for variant in nodes],
        rating=rating,
        warnings=[*warnings, *skipped, *dropped, *unread, *unshown],
    )


def _map_variant(node: Node, parent: ParentProduct) -> VariantRecord:
    only = json_access.get_flag(parent.node, "hasOnlyDefaultVariant")
    item = json_access.get_object(node, "inventoryItem")
    content, per = map_net_content(node)
    attributes, dropped = map_metafields(node, parent.metafields)
    prices, unpriced = map_market_prices(node, parent.config.countries, parent.config.currency)
    chosen = [] if only else json_access.get_objects(node, "selectedOptions")
    return VariantRecord(
        ref=Ref(graphql_values.get_id(node, "ProductVariant")),
        title=json_access.get_text(parent.node if only else node, "title"),
        sku=json_access.get_optional_text(node, "sku"),
        gtin=parse_gtin(json_access.get_optional_text(node, "barcode")),
        selected_options=tuple(map_selected_option(option, parent.options) for option in chosen),
        price=graphql_values.get_money(node, "price", parent.config.currency),
        compare_at_price=None
        if node.get("compareAtPrice") is None
        else graphql_values.get_money(node, "compareAtPrice", parent.config.currency),
        price_includes_tax=parent.gross,
        tracked=json_access.get_flag(item, "tracked"),
        inventory_item=graphql_values.get_id(item, "InventoryItem"),
        status=parent.status,
        url=json_access.get_optional_text(parent.node, "onlineStoreUrl"),
        media=_select_media(node, parent.media),
        net_content=content,
        price_per=per,
        attributes=dict(attributes),
        prices=prices,
        warnings=[*dropped, *unpriced],
    )


def _select_media(node: Node, media: Mapping[str, Media]) -> tuple[Media, ...]:
    """Select the media of a variant among those of its product."""
    ids = (json_access.get_text(medium, "id") for medium in graphql_values.get_nodes(node, "media"))
    return tuple(media[id] for id in ids if id in media)


def _map_category(node: Node) -> tuple[str, ...]:
    """Return the path in Shopify's taxonomy; otherwise the shop's own product type."""
    category = json_access.get_optional_object(node, "category")
    if category is not None:
        return tuple(part.strip() for part in json_access.get_text(category, "fullName").split(" > ") if part.strip())
    kind = json_access.get_optional_text(node, "productType")
    return () if kind is None else (kind,)
