"""Mapping of Amazon's listings to products."""

from __future__ import annotations

from collections.abc import Collection

from gateway.sdk import (
    InvalidValueError,
    ListingStatus,
    Money,
    ProductRecord,
    ProductStatus,
    Raw,
    Ref,
    VariantRecord,
    parse_gtin,
    parse_number_gtin,
    parse_pieces,
)
from gateway.sdk.json_access import Shape, get_optional_instant, get_optional_text, get_text, get_value, make_type_error
from gateway_amazon.attribute_mapping import map_attributes
from gateway_amazon.config import AmazonConfig
from gateway_amazon.image_mapping import map_images
from gateway_amazon.json_values import get_optional_money, get_optional_objects
from gateway_amazon.listing_values import get_attribute, get_attribute_text, get_summary
from gateway_amazon.marketplaces import build_product_url
from gateway_amazon.text_mapping import map_texts
from gateway_amazon.unit_count import get_net_content

GTIN_TYPES = ("gtin", "ean", "upc", "isbn")
IDENTIFIER_ATTRIBUTE = "externally_assigned_product_identifier"


def map_product(raw: Raw, config: AmazonConfig, attributes: Collection[str] = ()) -> ProductRecord:
    """Map a listing to a product with one variant, its SKU. Amazon groups variations under a parent, which is not for
    sale.
    """
    item, store = raw.data, config.store
    sku, summary = get_text(item, "sku"), get_summary(item, store)
    title = get_optional_text(summary, "itemName") or get_attribute_text(item, "item_name", store) or sku
    asin = get_optional_text(summary, "asin")
    images, warnings = map_images(item, store)
    variant = VariantRecord(
        ref=Ref(sku, asin),
        title=title,
        sku=sku,
        gtin=get_gtin(item, store),
        image=images[0] if images else None,
        price=get_price(item, store),
        price_includes_tax=config.prices_include_tax,
        units_per_listing=get_units_per_listing(item, config),
        condition=(get_optional_text(summary, "conditionType") or "new_new").split("_")[0],
        status=ListingStatus.ACTIVE if is_active(summary) else ListingStatus.INACTIVE,
        url=build_product_url(store, asin),
        net_content=get_net_content(item, store),
    )
    values, dropped = map_attributes(item, store, attributes)
    locale, texts, skipped = map_texts(item, store)
    own = texts.pop(locale or "", None)
    return ProductRecord(
        ref=Ref(sku, asin),
        version=get_optional_instant(summary, "lastUpdatedDate"),
        title=title,
        description=own.description if own else "",
        description_html=own.html if own else None,
        locale=locale,
        translations=list(texts.values()),
        attributes=dict(values),
        brand=get_attribute_text(item, "brand", store),
        status=ProductStatus.ACTIVE,
        images=tuple(images),
        warnings=[*warnings, *skipped, *dropped],
        variants=(variant,),
        created_at=get_optional_instant(summary, "createdDate"),
    )


def is_parent(item: Shape, store: str) -> bool:
    """Whether the listing only groups variations."""
    families = (
        relationship
        for relationship in get_optional_objects(item, "relationships")
        if relationship.get("marketplaceId") == store
    )
    links = (link for family in families for link in get_optional_objects(family, "relationships"))
    return any(link.get("type") == "VARIATION" and link.get("childSkus") for link in links)


def is_active(summary: Shape) -> bool:
    """Whether the listing can be bought."""
    statuses = get_value(summary, "status") or []
    if not isinstance(statuses, list):
        raise make_type_error(("summaries", "status"), "a list", statuses)
    return "BUYABLE" in statuses


def get_price(item: Shape, store: str) -> Money | None:
    """Return the consumer price in the marketplace; business prices are ignored."""
    for offer in get_optional_objects(item, "offers"):
        if offer.get("marketplaceId") == store and offer.get("offerType") == "B2C":
            return get_optional_money(offer, "price")
    return None


def get_gtin(item: Shape, store: str) -> str | None:
    """Return the first identifier that is a valid GTIN; sellers also file invalid ones."""
    codes = (
        code for code in get_attribute(item, IDENTIFIER_ATTRIBUTE, store) if str(code.get("type")).lower() in GTIN_TYPES
    )
    return next(filter(None, (_parse_code(code.get("value")) for code in codes)), None)


def _parse_code(value: object) -> str | None:
    """Parse a GTIN. Attributes are typed by the seller's tool: some file a code as a number."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return parse_number_gtin(value)
    return parse_gtin(value) if isinstance(value, str) else None


def get_units_per_listing(item: Shape, config: AmazonConfig) -> int:
    """Return the number of units in one listing: as configured, or from the first attribute that is present."""
    sku = get_text(item, "sku")
    if sku in config.units:
        return config.units[sku]
    for name in config.pack_attributes:
        for value in get_attribute(item, name, config.store):
            units = parse_pieces(name, str(value.get("value")))
            if units < 1:
                raise InvalidValueError(name, f"{units} is not a valid number of units")
            return units
    return 1
