"""A listing as Amazon has it, as a product of its own."""

from __future__ import annotations

from gateway.sdk import (
    Image,
    InvalidValueError,
    ListingStatus,
    Money,
    ProductRecord,
    ProductStatus,
    Raw,
    Ref,
    VariantRecord,
    gtin_or_none,
    pieces,
)
from gateway.sdk.shapes import Shape, optional_instant, optional_text, text, within, wrong
from gateway_amazon.config import AmazonConfig
from gateway_amazon.shapes import money, objects
from gateway_amazon.stores import address_of

GTIN_TYPES = ("gtin", "ean", "upc", "isbn")
CODES = "externally_assigned_product_identifier"


def product_of(raw: Raw, config: AmazonConfig) -> ProductRecord:
    """The product: one variant, its SKU. Amazon groups variations under a parent, which is nothing that is sold."""
    item, store = raw.data, config.store
    sku, summary = text(item, "sku"), summary_of(item, store)
    title = optional_text(summary, "itemName") or attribute_text(item, "item_name", store) or sku
    asin = optional_text(summary, "asin")
    link = optional_text(summary, "mainImage", "link")
    image = Image(url=link) if link else None
    variant = VariantRecord(
        ref=Ref(sku, asin),
        title=title,
        sku=sku,
        gtin=gtin_of(item, store),
        image=image,
        price=price_of(item, store),
        price_includes_tax=config.prices_include_tax,
        units_per_listing=units_of(item, config),
        condition=(optional_text(summary, "conditionType") or "new_new").split("_")[0],
        status=ListingStatus.ACTIVE if is_active(summary) else ListingStatus.INACTIVE,
        url=address_of(store, asin),
    )
    return ProductRecord(
        ref=Ref(sku, asin),
        version=optional_instant(summary, "lastUpdatedDate"),
        title=title,
        brand=attribute_text(item, "brand", store),
        status=ProductStatus.ACTIVE,
        images=(image,) if image else (),
        variants=(variant,),
        created_at=optional_instant(summary, "createdDate"),
    )


def summary_of(item: Shape, store: str) -> Shape:
    """What the store says in short; empty, where it does not list it."""
    return next((one for one in objects(item, "summaries") if one.get("marketplaceId") == store), {})


def is_parent(item: Shape, store: str) -> bool:
    """Whether it only holds variations together."""
    families = (one for one in objects(item, "relationships") if one.get("marketplaceId") == store)
    links = (link for family in families for link in objects(family, "relationships"))
    return any(link.get("type") == "VARIATION" and link.get("childSkus") for link in links)


def is_active(summary: Shape) -> bool:
    """Whether the listing can be bought."""
    found = within(summary, "status") or []
    if not isinstance(found, list):
        raise wrong(("summaries", "status"), "a list", found)
    return "BUYABLE" in found


def price_of(item: Shape, store: str) -> Money | None:
    """What a consumer pays in the store; prices for businesses are others."""
    for offer in objects(item, "offers"):
        if offer.get("marketplaceId") == store and offer.get("offerType") == "B2C":
            return money(offer, "price")
    return None


def attributes(item: Shape, name: str, store: str) -> list[Shape]:
    """The values of an attribute that are those of the store, or of all."""
    return [one for one in objects(item, "attributes", name) if one.get("marketplace_id", store) == store]


def attribute_text(item: Shape, name: str, store: str) -> str | None:
    """The first value of an attribute."""
    return next((optional_text(one, "value") for one in attributes(item, name, store)), None)


def gtin_of(item: Shape, store: str) -> str | None:
    """The first of its codes that is a GTIN: sellers also file what is none."""
    codes = (one for one in attributes(item, CODES, store) if str(one.get("type")).lower() in GTIN_TYPES)
    found = (gtin_or_none(one["value"]) for one in codes if isinstance(one.get("value"), str))
    return next(filter(None, found), None)


def units_of(item: Shape, config: AmazonConfig) -> int:
    """How many units one listing sells: as configured, or as the first attribute says that is there."""
    sku = text(item, "sku")
    if sku in config.units:
        return config.units[sku]
    for name in config.pack_attributes:
        for value in attributes(item, name, config.store):
            units = pieces(name, str(value.get("value")))
            if units < 1:
                raise InvalidValueError(name, f"{units} is no number of units")
            return units
    return 1
