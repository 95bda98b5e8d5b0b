"""A world, put into a shop."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

from gateway.sdk.testing.sandbox import World, WorldCustomer, WorldProduct, WorldReceipt
from gateway_shopify.sandbox.selling import Sold, refund, take_order
from gateway_shopify.sandbox.shop import Node, Shop, text

CENT = Decimal("0.01")


def load(shop: Shop, world: World) -> dict[str, str]:
    """Fill the shop; the location of each place of the world."""
    places = {place.id: shop.add("Location", name=place.name) for place in world.places}
    _load_products(shop, world, places)
    customers = {one.number: _customer(shop, one, _begin(world, shop.now())) for one in world.customers}
    variants = {variant["sku"]: variant for variant in reversed(shop.all("ProductVariant"))}
    orders: dict[int, Node] = {}
    for receipt in world.receipts:
        _load_receipt(shop, receipt, variants, customers, orders)
    return {key: place["id"].rpartition("/")[2] for key, place in places.items()}


def _begin(world: World, now: datetime) -> datetime:
    """Before anything was sold: long enough ago not to count as a change."""
    return min([now, *(receipt.at for receipt in world.receipts)]) - timedelta(days=1)


def _load_products(shop: Shop, world: World, places: Mapping[str, Node]) -> None:
    begin, stocked = text(_begin(world, shop.now())), stock_of(world)
    groups: dict[str, Node] = {}
    for product in world.products:
        if product.group is None:
            parent = _product(shop, product, begin)
        else:
            parent = groups.get(product.group) or groups.setdefault(product.group, _product(shop, product, begin))
        _variant(shop, parent, product, product.sku in stocked)
    for variant in shop.all("ProductVariant"):
        for place, units in stocked.get(variant["sku"], {}).items():
            level = shop.stock(variant["inventoryItem"], places[place], available=units, on_hand=units)
            level["updatedAt"] = begin


def stock_of(world: World) -> dict[str, dict[str, int]]:
    """Units by place, by SKU."""
    found: dict[str, dict[str, int]] = {}
    for (sku, place), units in world.stock.items():
        found.setdefault(sku, {})[place] = units
    return found


def _product(shop: Shop, product: WorldProduct, at: str) -> Node:
    category = " > ".join(product.category)
    return shop.add(
        "Product",
        title=product.group or product.title,
        description="",
        vendor="",
        productType="",
        tags=[],
        status="ACTIVE",
        createdAt=at,
        updatedAt=at,
        onlineStoreUrl=None,
        hasOnlyDefaultVariant=product.group is None,
        category={"id": f"gid://shopify/TaxonomyCategory/{category}", "fullName": category} if category else None,
        featuredMedia=None,
        variants=[],
    )


def _variant(shop: Shop, parent: Node, product: WorldProduct, tracked: bool) -> None:
    item = shop.add("InventoryItem", tracked=tracked, updatedAt=parent["updatedAt"])
    chosen = dict(product.options) if product.group is not None else {"Title": "Default Title"}
    variant = shop.add(
        "ProductVariant",
        title=" / ".join(chosen.values()),
        sku=product.sku,
        barcode=product.barcode,
        price=str(priced(shop, product.price)),
        compareAtPrice=None,
        updatedAt=parent["updatedAt"],
        selectedOptions=[{"name": name, "value": value} for name, value in chosen.items()],
        inventoryItem=item,
        product=parent,
    )
    parent["variants"].append(variant)


def priced(shop: Shop, net: Decimal) -> Decimal:
    """What the shop charges for what costs so much before tax."""
    amount = net * (1 + shop.tax_rate) if shop.taxes_included else net
    return amount.quantize(CENT, ROUND_HALF_UP)


def _customer(shop: Shop, customer: WorldCustomer, begin: datetime) -> Node:
    at, home = text(begin), customer.address
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
        defaultEmailAddress={"emailAddress": customer.email} if customer.email else None,
        defaultPhoneNumber={"phoneNumber": customer.phone} if customer.phone else None,
        addressesV2=[] if address is None else [shop.add("MailingAddress", None, **address)],
    )


def _load_receipt(
    shop: Shop,
    receipt: WorldReceipt,
    variants: Mapping[str, Node],
    customers: Mapping[str, Node],
    orders: dict[int, Node],
) -> None:
    """Receipts as orders of the web: sent long ago, and what came back as refunds of theirs."""
    if receipt.refund:
        if receipt.refunds in orders:
            refund(shop, orders[receipt.refunds], {line.sku: -line.quantity for line in receipt.lines}, at=receipt.at)
        return
    lines = [Sold(variants[line.sku], line.quantity, priced(shop, line.unit_price)) for line in receipt.lines]
    customer = None if receipt.customer is None else customers.get(receipt.customer)
    orders[receipt.number] = take_order(shop, lines, customer=customer, at=receipt.at, fulfilled=True)
