"""Seeding of a shop with a world."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

from gateway.sdk.testing.sandbox import World, WorldCustomer, WorldProduct, WorldReceipt
from gateway_shopify_sandbox.collections import put_collection
from gateway_shopify_sandbox.customers import customer_consents
from gateway_shopify_sandbox.orders import SoldLine, create_order
from gateway_shopify_sandbox.refunds import RefundedUnits, compute_value, refund_units
from gateway_shopify_sandbox.state import Node, Shop, format_instant

CENT = Decimal("0.01")
_TAG = re.compile("<[^>]*>")


def load_world(shop: Shop, world: World) -> dict[str, str]:
    """Fill the shop, and return the number of each location by the world's location ID."""
    locations = {location.id: shop.add("Location", name=location.name, isActive=True) for location in world.places}
    _load_products(shop, world, locations)
    for collection in world.collections:
        named = {id(node): node for sku in collection.skus for node in [shop.get_variant(sku)["product"]]}
        put_collection(shop, collection.title, list(named.values()))
    customers = {
        customer.number: _add_customer(shop, customer, _get_start(world, shop.now())) for customer in world.customers
    }
    variants = {variant["sku"]: variant for variant in reversed(shop.list_nodes("ProductVariant"))}
    orders: dict[int, Node] = {}
    for receipt in world.receipts:
        _load_receipt(shop, receipt, variants, customers, orders)
    return {key: location["id"].rpartition("/")[2] for key, location in locations.items()}


def _get_start(world: World, now: datetime) -> datetime:
    """Return a time before the first sale, early enough not to count as a change."""
    return min([now, *(receipt.at for receipt in world.receipts)]) - timedelta(days=1)


def _load_products(shop: Shop, world: World, locations: Mapping[str, Node]) -> None:
    begin, stocked = format_instant(_get_start(world, shop.now())), group_stock(world)
    groups: dict[str, Node] = {}
    for product in world.products:
        if product.group is None:
            parent = _add_product(shop, product, begin)
        else:
            parent = groups.get(product.group) or groups.setdefault(product.group, _add_product(shop, product, begin))
        variant = _add_variant(shop, parent, product, product.sku in stocked)
        for url in product.images:
            add_image(shop, parent, url, variant, product.title)
    for variant in shop.list_nodes("ProductVariant"):
        for location, units in stocked.get(variant["sku"], {}).items():
            level = shop.add_stock(variant["inventoryItem"], locations[location], available=units, on_hand=units)
            level["updatedAt"] = begin


def group_stock(world: World) -> dict[str, dict[str, int]]:
    """Group units by SKU and location."""
    stock: dict[str, dict[str, int]] = {}
    for (sku, location), units in world.stock.items():
        stock.setdefault(sku, {})[location] = units
    return stock


def _add_product(shop: Shop, product: WorldProduct, at: str) -> Node:
    category = " > ".join(product.category)
    return shop.add(
        "Product",
        title=product.group or product.title,
        handle="-".join((product.group or product.title).lower().split()),
        description=" ".join(_TAG.sub(" ", product.description).split()),
        descriptionHtml=product.description,
        seo={"title": None, "description": None},
        translations={},
        swatches={},
        optionLabels={},
        metafields={tuple(name.rsplit(".", 1)): _build_metafield(values) for name, values in product.attributes},
        vendor="",
        productType="",
        tags=[],
        status="ACTIVE",
        createdAt=at,
        updatedAt=at,
        onlineStoreUrl=None,
        hasOnlyDefaultVariant=product.group is None,
        category={"id": f"gid://shopify/TaxonomyCategory/{category}", "fullName": category} if category else None,
        media=[],
        variants=[],
    )


def _build_metafield(values: tuple[str, ...]) -> Node:
    """Build a metafield with one text, or with a list of several."""
    if len(values) == 1:
        return {"type": "single_line_text_field", "value": values[0]}
    return {"type": "list.single_line_text_field", "value": json.dumps(values)}


def add_image(shop: Shop, parent: Node, url: str, variant: Node | None = None, alt: str | None = None) -> Node:
    """Add an image of a product; a variant shows its first one."""
    image = {"url": url, "altText": alt, "width": 1600, "height": 1200}
    medium = shop.add("MediaImage", alt=alt, mediaContentType="IMAGE", preview={"image": image})
    parent["media"].append(medium)
    if variant is not None and not variant["media"]:
        variant["media"].append(medium)
    return medium


def _add_variant(shop: Shop, parent: Node, product: WorldProduct, tracked: bool) -> Node:
    item = shop.add("InventoryItem", tracked=tracked, updatedAt=parent["updatedAt"])
    chosen = dict(product.options) if product.group is not None else {"Title": "Default Title"}
    variant = shop.add(
        "ProductVariant",
        title=" / ".join(chosen.values()),
        sku=product.sku,
        barcode=product.barcode,
        price=str(compute_price(shop, product.price)),
        compareAtPrice=None if product.compare_at is None else str(compute_price(shop, product.compare_at)),
        unitPriceMeasurement=None,
        updatedAt=parent["updatedAt"],
        selectedOptions=[{"name": name, "value": value} for name, value in chosen.items()],
        inventoryItem=item,
        metafields={},
        marketPrices={},
        media=[],
        product=parent,
    )
    parent["variants"].append(variant)
    for value in chosen.values() if product.swatch else ():
        parent["swatches"].setdefault(value, {"color": product.swatch, "image": None})
    return variant


def compute_price(shop: Shop, net: Decimal) -> Decimal:
    """Compute the price that the shop charges for an amount before tax."""
    amount = net * (1 + shop.tax_rate) if shop.taxes_included else net
    return amount.quantize(CENT, ROUND_HALF_UP)


def _add_customer(shop: Shop, customer: WorldCustomer, begin: datetime) -> Node:
    at, home = format_instant(begin), customer.address
    address = (
        None
        if home is None
        else {
            "name": home.name or customer.name,
            "company": home.company,
            "address1": home.line1,
            "address2": home.line2,
            "city": home.city,
            "province": home.region,
            "zip": home.postal_code,
            "countryCodeV2": home.country_code,
            "phone": home.phone,
        }
    )
    return shop.add(
        "Customer",
        displayName=customer.name,
        firstName=customer.given_name,
        lastName=customer.family_name,
        tags=[],
        verifiedEmail=customer.email is not None,
        createdAt=at,
        updatedAt=at,
        defaultEmailAddress=customer_consents.build_email(customer.email),
        defaultPhoneNumber=customer_consents.build_phone(customer.phone),
        addressesV2=[] if address is None else [shop.add("MailingAddress", None, **address)],
        metafields={},
    )


def _load_receipt(
    shop: Shop,
    receipt: WorldReceipt,
    variants: Mapping[str, Node],
    customers: Mapping[str, Node],
    orders: dict[int, Node],
) -> None:
    """Add receipts as shipped orders, and refunds to their orders."""
    if receipt.refund:
        if receipt.refunds in orders:
            _load_refund(
                shop, orders[receipt.refunds], {line.sku: -line.quantity for line in receipt.lines}, receipt.at
            )
        return
    lines = [
        SoldLine(variants[line.sku], line.quantity, compute_price(shop, line.unit_price)) for line in receipt.lines
    ]
    customer = None if receipt.customer is None else customers.get(receipt.customer)
    orders[receipt.number] = create_order(shop, lines, customer=customer, at=receipt.at, fulfilled=True)


def _load_refund(shop: Shop, order: Node, quantities: Mapping[str, int], at: datetime) -> None:
    """Add a refund of shipped units, by SKU."""
    refunded = [
        RefundedUnits(line, quantities[line["sku"]], "RETURN")
        for line in order["lineItems"]
        if quantities.get(line["sku"])
    ]
    amount = sum((compute_value(shop, order, entry.line, entry.quantity) for entry in refunded), Decimal(0))
    refund_units(shop, order, refunded, amount, at)
