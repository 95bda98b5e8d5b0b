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
    status = STATUS.get(answers.text(node, "status"))
    if status is None:
        raise InvalidValueError("status", f"{answers.text(node, 'status')[:40]} is not known")
    gross = answers.flag(shop, "taxesIncluded") if config.prices_include_tax is None else config.prices_include_tax
    variants = [_variant(item, node, status[1], config.currency, gross) for item in answers.nodes(node, "variants")]
    return ProductRecord(
        ref=Ref(answers.number(node, "Product")),
        version=max(answers.moment(one, "updatedAt") for one in (node, *answers.nodes(node, "variants"))),
        title=answers.text(node, "title"),
        description=answers.text(node, "description"),
        brand=answers.optional_text(node, "vendor"),
        tags=answers.texts(node, "tags"),
        status=status[0],
        images=_images(node),
        category=_category(node),
        created_at=answers.moment(node, "createdAt"),
        variants=variants,
    )


def _variant(node: Node, product: Node, status: ListingStatus, currency: str, gross: bool) -> VariantRecord:
    only = answers.flag(product, "hasOnlyDefaultVariant")
    item = answers.one(node, "inventoryItem")
    options = () if only else tuple(_option(option) for option in answers.several(node, "selectedOptions"))
    return VariantRecord(
        ref=Ref(answers.number(node, "ProductVariant")),
        title=answers.text(product if only else node, "title"),
        sku=answers.optional_text(node, "sku"),
        gtin=gtin_or_none(answers.optional_text(node, "barcode")),
        selected_options=options,
        price=answers.money(node, "price", currency),
        compare_at_price=None
        if node.get("compareAtPrice") is None
        else answers.money(node, "compareAtPrice", currency),
        price_includes_tax=gross,
        tracked=answers.flag(item, "tracked"),
        inventory_item=answers.number(item, "InventoryItem"),
        status=status,
        url=answers.optional_text(product, "onlineStoreUrl"),
    )


def _option(node: Node) -> SelectedOption:
    return SelectedOption(answers.text(node, "name"), answers.text(node, "value"))


def _images(node: Node) -> tuple[Image, ...]:
    media = answers.optional(node, "featuredMedia")
    preview = None if media is None else answers.optional(media, "preview")
    image = None if preview is None else answers.optional(preview, "image")
    if image is None:
        return ()
    width, height = (None if image.get(side) is None else answers.whole(image, side) for side in ("width", "height"))
    alt = answers.optional_text(image, "altText")
    return (Image(url=answers.text(image, "url"), alt_text=alt, width=width, height=height),)


def _category(node: Node) -> tuple[str, ...]:
    """The path in Shopify's taxonomy; else what the shop itself calls the type."""
    category = answers.optional(node, "category")
    if category is not None:
        return tuple(part.strip() for part in answers.text(category, "fullName").split(" > ") if part.strip())
    kind = answers.optional_text(node, "productType")
    return () if kind is None else (kind,)
