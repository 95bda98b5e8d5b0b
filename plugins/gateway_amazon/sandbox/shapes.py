"""What a world holds, as the API tells it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from gateway.sdk import Money
from gateway.sdk.testing.sandbox import World, WorldProduct, WorldReceipt

Shape = dict[str, Any]
CREATED = datetime(2024, 1, 1, tzinfo=UTC)
FBA = "fba"


@dataclass(frozen=True, slots=True)
class Line:
    """What one line of an order sells. `price`: of one listing, as the buyer pays it."""

    sku: str
    title: str
    quantity: int
    price: Decimal


@dataclass(frozen=True, slots=True)
class Sale:
    """An order that is to be written down."""

    id: str
    at: datetime
    place: str
    lines: Sequence[Line]
    status: str = "UNSHIPPED"


@dataclass(frozen=True, slots=True)
class Shaping:
    """What all shapes have in common. `merchant`: what the merchant's own place is called."""

    currency: str
    tax_rate: Decimal
    store: str
    merchant: str

    def gross(self, net: Decimal) -> Decimal:
        """What a buyer pays."""
        return net * (1 + self.tax_rate)

    def money(self, amount: Decimal) -> Shape:
        """An amount."""
        return {"amount": Money.rounded(amount, self.currency).amount, "currencyCode": self.currency}

    def listing(self, product: WorldProduct, number: int, quantity: int | None) -> Shape:
        """A listing. `quantity`: what the merchant offers; None: Amazon keeps it."""
        created, store = stamp(CREATED + timedelta(minutes=number)), self.store
        summary = {
            "marketplaceId": store,
            "asin": asin(product.sku),
            "productType": "PRODUCT",
            "conditionType": "new_new",
            "status": ["BUYABLE", "DISCOVERABLE"],
            "fnSku": f"X00{asin(product.sku)[3:]}",
            "itemName": product.title,
            "createdDate": created,
            "lastUpdatedDate": created,
        }
        offer = {
            "marketplaceId": store,
            "offerType": "B2C",
            "price": self.money(self.gross(product.price)),
            "audience": {"value": "ALL", "displayName": "Sell on Amazon"},
        }
        return {
            "sku": product.sku,
            "summaries": [summary],
            "attributes": self.attributes(product, quantity),
            "offers": [offer],
            "fulfillmentAvailability": [availability(quantity)],
        }

    def attributes(self, product: WorldProduct, quantity: int | None) -> Shape:
        """What the seller filed."""
        found: Shape = {
            "item_name": [{"value": product.title, "language_tag": "en_GB", "marketplace_id": self.store}],
            "number_of_items": [{"value": product.units, "marketplace_id": self.store}],
        }
        if product.barcode:
            code = {"type": "ean", "value": product.barcode, "marketplace_id": self.store}
            found["externally_assigned_product_identifier"] = [code]
        if quantity is not None:
            filed = {"fulfillment_channel_code": "DEFAULT", "quantity": quantity, "lead_time_to_ship_max_days": 2}
            found["fulfillment_availability"] = [{**filed, "marketplace_id": self.store}]
        return found

    def order(self, sale: Sale) -> Shape:
        """An order. While it is pending, nobody is told what it costs."""
        pending, shipped = sale.status == "PENDING", sale.status == "SHIPPED"
        items = [self.item(sale.id, number, line, pending, shipped) for number, line in enumerate(sale.lines, 1)]
        grand = sum((self.exact(line) for line in sale.lines), Decimal(0))
        return {
            "orderId": sale.id,
            "createdTime": stamp(sale.at),
            "lastUpdatedTime": stamp(sale.at),
            "programs": [],
            "salesChannel": {"channelName": "AMAZON", "marketplaceId": self.store, "marketplaceName": "Amazon"},
            "buyer": {"buyerEmail": f"{sale.id.replace('-', '')}@marketplace.amazon.example"},
            "recipient": {"deliveryAddress": {"city": "Bath", "postalCode": "BA1 1AA", "countryCode": "GB"}},
            **({} if pending else {"proceeds": {"grandTotal": self.money(grand)}}),
            "fulfillment": {
                "fulfillmentStatus": sale.status,
                "fulfilledBy": "AMAZON" if sale.place == FBA else "MERCHANT",
                "fulfillmentServiceLevel": "STANDARD",
            },
            "orderItems": items,
        }

    def exact(self, line: Line) -> Decimal:
        """What a line costs: its price is rounded once."""
        return Decimal(self.money(line.price)["amount"]) * line.quantity

    def item(self, order: str, number: int, line: Line, pending: bool, shipped: bool) -> Shape:
        """A line of an order."""
        product: Shape = {"asin": asin(line.sku), "title": line.title, "sellerSku": line.sku}
        done = line.quantity if shipped else 0
        found: Shape = {
            "orderItemId": f"{order.replace('-', '')[-11:]}{number:03d}",
            "quantityOrdered": line.quantity,
            "product": product,
            "fulfillment": {"quantityFulfilled": done, "quantityUnfulfilled": line.quantity - done},
        }
        if not pending:
            full = self.money(self.exact(line))
            product["price"] = {"unitPrice": self.money(line.price)}
            found["proceeds"] = {"proceedsTotal": full, "breakdowns": [{"type": "ITEM", "subtotal": full}]}
        return found

    def receipt(self, receipt: WorldReceipt, products: Mapping[str, WorldProduct]) -> Shape | None:
        """A sale of the world as an order that is shipped. Refunds leave no order."""
        lines = [
            Line(line.sku, products[line.sku].title, line.quantity, self.gross(line.unit_price))
            for line in receipt.lines
            if line.quantity > 0 and line.sku in products
        ]
        if receipt.refund or not lines:
            return None
        return self.order(Sale(order_id(receipt.number), receipt.at, receipt.place, lines, "SHIPPED"))


def summary(product: WorldProduct, quantity: int) -> Shape:
    """What Amazon keeps of one SKU."""
    none = {"totalResearchingQuantity": 0, "researchingQuantityBreakdown": []}
    kinds = ("customerDamaged", "warehouseDamaged", "distributorDamaged", "carrierDamaged", "defective", "expired")
    return {
        "asin": asin(product.sku),
        "fnSku": f"X00{asin(product.sku)[3:]}",
        "sellerSku": product.sku,
        "condition": "NewItem",
        "inventoryDetails": {
            "fulfillableQuantity": quantity,
            "inboundWorkingQuantity": 0,
            "inboundShippedQuantity": 0,
            "inboundReceivingQuantity": 0,
            "reservedQuantity": {
                "totalReservedQuantity": 0,
                "pendingCustomerOrderQuantity": 0,
                "pendingTransshipmentQuantity": 0,
                "fcProcessingQuantity": 0,
            },
            "researchingQuantity": none,
            "unfulfillableQuantity": {"totalUnfulfillableQuantity": 0, **{f"{kind}Quantity": 0 for kind in kinds}},
        },
        "lastUpdatedTime": stamp(CREATED),
        "productName": product.title,
        "totalQuantity": quantity,
        "stores": [],
    }


def availability(quantity: int | None) -> Shape:
    """Who ships a listing, and how many the merchant offers."""
    if quantity is None:
        return {"fulfillmentChannelCode": "AMAZON_EU"}
    return {"fulfillmentChannelCode": "DEFAULT", "quantity": quantity}


def order_id(number: int) -> str:
    """An order's id, of its number."""
    return f"202-{number // 10_000_000:07d}-{number % 10_000_000:07d}"


def asin(sku: str) -> str:
    """A number for a product, always the same."""
    return "B0" + hashlib.blake2b(sku.encode(), digest_size=4).hexdigest().upper()


def stamp(moment: datetime) -> str:
    """A moment as Amazon writes it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def loaded(world: World, shaping: Shaping) -> dict[str, dict[str, Shape]]:
    """Everything in a world."""
    products = {product.sku: product for product in world.products}
    kept = {sku: units // products[sku].units for (sku, place), units in world.stock.items() if place == FBA}
    own: dict[str, int] = dict.fromkeys(products, 0)
    for (sku, place), units in world.stock.items():
        if place != FBA:
            own[sku] += max(0, units)
    offered = {sku: None if sku in kept else units // products[sku].units for sku, units in own.items()}
    listings = {p.sku: shaping.listing(p, number, offered[p.sku]) for number, p in enumerate(world.products)}
    orders = [order for one in world.receipts if (order := shaping.receipt(one, products)) is not None]
    return {
        "listings": listings,
        "fba": {sku: summary(products[sku], max(0, quantity)) for sku, quantity in kept.items()},
        "orders": {order["orderId"]: order for order in orders},
    }
