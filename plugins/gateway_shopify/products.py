"""What a product says, with all its variants."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from gateway.sdk import (
    Image,
    InvalidValueError,
    ListingStatus,
    ProductRecord,
    ProductStatus,
    Raw,
    Ref,
    SelectedOption,
    VariantRecord,
    gtin_or_none,
    shapes,
)
from gateway_shopify import answers
from gateway_shopify.answers import Node
from gateway_shopify.config import ShopifyConfig

STATUS: Mapping[str, tuple[ProductStatus, ListingStatus]] = MappingProxyType(
    {
        "ACTIVE": (ProductStatus.ACTIVE, ListingStatus.ACTIVE),
        "UNLISTED": (ProductStatus.ACTIVE, ListingStatus.ACTIVE),  # sold to whoever has its address
        "DRAFT": (ProductStatus.DRAFT, ListingStatus.INACTIVE),
        "ARCHIVED": (ProductStatus.ARCHIVED, ListingStatus.ARCHIVED),
    }
)


def product_of(raw: Raw, config: ShopifyConfig) -> ProductRecord:
    """The product that this node is."""
    node, shop = raw.data["node"], raw.data["shop"]
    status = STATUS.get(shapes.text(node, "status"))
    if status is None:
        raise InvalidValueError("status", f"{shapes.text(node, 'status')[:40]} is not known")
    gross = shapes.flag(shop, "taxesIncluded") if config.prices_include_tax is None else config.prices_include_tax
    variants = [_variant(item, node, status[1], config.currency, gross) for item in answers.nodes(node, "variants")]
    return ProductRecord(
        ref=Ref(answers.number(node, "Product")),
        version=max(shapes.instant(one, "updatedAt") for one in (node, *answers.nodes(node, "variants"))),
        title=shapes.text(node, "title"),
        description=shapes.text(node, "description"),
        brand=shapes.optional_text(node, "vendor"),
        tags=shapes.texts(node, "tags"),
        status=status[0],
        images=_images(node),
        category=_category(node),
        created_at=shapes.instant(node, "createdAt"),
        variants=variants,
    )


def _variant(node: Node, product: Node, status: ListingStatus, currency: str, gross: bool) -> VariantRecord:
    only = shapes.flag(product, "hasOnlyDefaultVariant")
    item = shapes.one(node, "inventoryItem")
    options = () if only else tuple(_option(option) for option in shapes.several(node, "selectedOptions"))
    return VariantRecord(
        ref=Ref(answers.number(node, "ProductVariant")),
        title=shapes.text(product if only else node, "title"),
        sku=shapes.optional_text(node, "sku"),
        gtin=gtin_or_none(shapes.optional_text(node, "barcode")),
        selected_options=options,
        price=answers.money(node, "price", currency),
        compare_at_price=None
        if node.get("compareAtPrice") is None
        else answers.money(node, "compareAtPrice", currency),
        price_includes_tax=gross,
        tracked=shapes.flag(item, "tracked"),
        inventory_item=answers.number(item, "InventoryItem"),
        status=status,
        url=shapes.optional_text(product, "onlineStoreUrl"),
    )


def _option(node: Node) -> SelectedOption:
    return SelectedOption(shapes.text(node, "name"), shapes.text(node, "value"))


def _images(node: Node) -> tuple[Image, ...]:
    media = shapes.optional_one(node, "featuredMedia")
    preview = None if media is None else shapes.optional_one(media, "preview")
    image = None if preview is None else shapes.optional_one(preview, "image")
    if image is None:
        return ()
    width, height = (None if image.get(side) is None else shapes.whole(image, side) for side in ("width", "height"))
    alt = shapes.optional_text(image, "altText")
    return (Image(url=shapes.text(image, "url"), alt_text=alt, width=width, height=height),)


def _category(node: Node) -> tuple[str, ...]:
    """The path in Shopify's taxonomy; else what the shop itself calls the type."""
    category = shapes.optional_one(node, "category")
    if category is not None:
        return tuple(part.strip() for part in shapes.text(category, "fullName").split(" > ") if part.strip())
    kind = shapes.optional_text(node, "productType")
    return () if kind is None else (kind,)
