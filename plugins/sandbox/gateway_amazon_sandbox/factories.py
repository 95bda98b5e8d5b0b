"""Records of a world in the format of the API."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from gateway.sdk import Money
from gateway.sdk.testing.sandbox import World, WorldProduct, WorldReceipt

Shape = dict[str, Any]
CREATED_AT = datetime(2024, 1, 1, tzinfo=UTC)
FBA_LOCATION = "fba"
IMAGE_ATTRIBUTES = ("main_product_image_locator", *(f"other_product_image_locator_{number}" for number in range(1, 9)))


@dataclass(frozen=True, slots=True)
class Charges:
    """Proceeds of a sale beside its goods.

    Attributes:
        amounts: by type: SHIPPING, GIFT_WRAP, COD_FEE, …
        discounts: discounts on proceeds, by the type of these.
        tip: for the delivery.
    """

    amounts: Mapping[str, Decimal] = field(default_factory=dict)
    discounts: Mapping[str, Decimal] = field(default_factory=dict)
    tip: Decimal = Decimal(0)


NO_CHARGES = Charges()


@dataclass(frozen=True, slots=True)
class SaleLine:
    """A line of a sale.

    Attributes:
        quantity: in listings.
        price: of one listing, with tax.
    """

    sku: str
    title: str
    quantity: int
    price: Decimal
    charges: Charges = NO_CHARGES


@dataclass(frozen=True, slots=True)
class Sale:
    """A sale from which an order is built."""

    id: str
    at: datetime
    location: str
    lines: Sequence[SaleLine]
    status: str = "UNSHIPPED"

    @property
    def tip(self) -> Decimal:
        """The tip for the delivery."""
        return sum((line.charges.tip for line in self.lines), Decimal(0))


@dataclass(frozen=True, slots=True)
class ShapeFactory:
    """Builds records in the format of the API. `merchant_location`: ID of the merchant's own location."""

    currency: str
    tax_rate: Decimal
    store: str
    merchant_location: str

    def add_tax(self, net: Decimal) -> Decimal:
        """Return the price with tax."""
        return net * (1 + self.tax_rate)

    def build_money(self, amount: Decimal) -> Shape:
        """Build an amount."""
        return {"amount": Money.rounded(amount, self.currency).amount, "currencyCode": self.currency}

    def build_listing(self, product: WorldProduct, number: int, quantity: int | None) -> Shape:
        """Build a listing. `quantity`: the merchant's offer; None: fulfilled by Amazon."""
        created, store = format_instant(CREATED_AT + timedelta(minutes=number)), self.store
        summary: Shape = {
            "marketplaceId": store,
            "asin": derive_asin(product.sku),
            "productType": "PRODUCT",
            "conditionType": "new_new",
            "status": ["BUYABLE", "DISCOVERABLE"],
            "fnSku": f"X00{derive_asin(product.sku)[3:]}",
            "itemName": product.title,
            "createdDate": created,
            "lastUpdatedDate": created,
        }
        if product.images:
            summary["mainImage"] = {"link": product.images[0], "width": 1600, "height": 1200}
        offer = {
            "marketplaceId": store,
            "offerType": "B2C",
            "price": self.build_money(self.add_tax(product.price)),
            "audience": {"value": "ALL", "displayName": "Sell on Amazon"},
        }
        return {
            "sku": product.sku,
            "summaries": [summary],
            "attributes": self.build_attributes(product, quantity),
            "offers": [offer],
            "fulfillmentAvailability": [build_availability(quantity)],
        }

    def build_attributes(self, product: WorldProduct, quantity: int | None) -> Shape:
        """Build the attributes that the seller filed."""
        attributes: Shape = {
            "item_name": [{"value": product.title, "language_tag": "en_GB", "marketplace_id": self.store}],
            "number_of_items": [{"value": product.units, "marketplace_id": self.store}],
        }
        if product.barcode:
            code = {"type": "ean", "value": product.barcode, "marketplace_id": self.store}
            attributes["externally_assigned_product_identifier"] = [code]
        if quantity is not None:
            filed = {"fulfillment_channel_code": "DEFAULT", "quantity": quantity, "lead_time_to_ship_max_days": 2}
            attributes["fulfillment_availability"] = [{**filed, "marketplace_id": self.store}]
        for name, url in zip(IMAGE_ATTRIBUTES, product.images, strict=False):
            attributes[name] = [{"media_location": url, "marketplace_id": self.store}]
        return attributes

    def build_order(self, sale: Sale) -> Shape:
        """Build an order. A pending order has no prices."""
        pending, shipped = sale.status == "PENDING", sale.status == "SHIPPED"
        items = [self.build_item(sale.id, number, line, pending, shipped) for number, line in enumerate(sale.lines, 1)]
        grand = sum((self.sum_proceeds(line) for line in sale.lines), sale.tip)
        tip = {"type": "DELIVERY_TIP", "status": "FINALIZED", "subtotal": self.build_money(sale.tip)}
        proceeds = {"grandTotal": self.build_money(grand), **({"breakdowns": [tip]} if sale.tip else {})}
        return {
            "orderId": sale.id,
            "createdTime": format_instant(sale.at),
            "lastUpdatedTime": format_instant(sale.at),
            "programs": [],
            "salesChannel": {"channelName": "AMAZON", "marketplaceId": self.store, "marketplaceName": "Amazon"},
            "buyer": {"buyerEmail": f"{sale.id.replace('-', '')}@marketplace.amazon.example"},
            "recipient": {"deliveryAddress": {"city": "Bath", "postalCode": "BA1 1AA", "countryCode": "GB"}},
            **({} if pending else {"proceeds": proceeds}),
            "fulfillment": {
                "fulfillmentStatus": sale.status,
                "fulfilledBy": "AMAZON" if sale.location == FBA_LOCATION else "MERCHANT",
                "fulfillmentServiceLevel": "STANDARD",
            },
            "orderItems": items,
        }

    def sum_line(self, line: SaleLine) -> Decimal:
        """Return the total of a line; its unit price is rounded once."""
        return Decimal(self.build_money(line.price)["amount"]) * line.quantity

    def sum_proceeds(self, line: SaleLine) -> Decimal:
        """Return the total of a line with its charges, after discounts."""
        return self.sum_line(line) + sum(line.charges.amounts.values()) - sum(line.charges.discounts.values())

    def build_item(self, order: str, number: int, line: SaleLine, pending: bool, shipped: bool) -> Shape:
        """Build a line of an order."""
        product: Shape = {"asin": derive_asin(line.sku), "title": line.title, "sellerSku": line.sku}
        done = line.quantity if shipped else 0
        item: Shape = {
            "orderItemId": f"{order.replace('-', '')[-11:]}{number:03d}",
            "quantityOrdered": line.quantity,
            "product": product,
            "fulfillment": {"quantityFulfilled": done, "quantityUnfulfilled": line.quantity - done},
        }
        if not pending:
            product["price"] = {"unitPrice": self.build_money(line.price)}
            total = self.build_money(self.sum_proceeds(line))
            item["proceeds"] = {"proceedsTotal": total, "breakdowns": self.build_breakdowns(line)}
        return item

    def build_breakdowns(self, line: SaleLine) -> list[Shape]:
        """Build the proceeds of a line by type. Discounts are negative."""
        amounts = {"ITEM": self.sum_line(line), **line.charges.amounts}
        breakdowns = [{"type": kind, "subtotal": self.build_money(amount)} for kind, amount in amounts.items()]
        discounts = line.charges.discounts
        details = [{"subtype": kind, "value": self.build_money(-amount)} for kind, amount in discounts.items()]
        if not details:
            return breakdowns
        discount = self.build_money(-sum(discounts.values(), Decimal(0)))
        return [*breakdowns, {"type": "DISCOUNT", "subtotal": discount, "detailedBreakdowns": details}]

    def build_receipt_order(self, receipt: WorldReceipt, products: Mapping[str, WorldProduct]) -> Shape | None:
        """Build a shipped order from a receipt of the world. Refunds have no order."""
        lines = [
            SaleLine(line.sku, products[line.sku].title, line.quantity, self.add_tax(line.unit_price))
            for line in receipt.lines
            if line.quantity > 0 and line.sku in products
        ]
        if receipt.refund or not lines:
            return None
        return self.build_order(Sale(build_order_id(receipt.number), receipt.at, receipt.place, lines, "SHIPPED"))


def build_summary(product: WorldProduct, quantity: int) -> Shape:
    """Build the FBA stock of a SKU."""
    none = {"totalResearchingQuantity": 0, "researchingQuantityBreakdown": []}
    kinds = ("customerDamaged", "warehouseDamaged", "distributorDamaged", "carrierDamaged", "defective", "expired")
    return {
        "asin": derive_asin(product.sku),
        "fnSku": f"X00{derive_asin(product.sku)[3:]}",
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
        "lastUpdatedTime": format_instant(CREATED_AT),
        "productName": product.title,
        "totalQuantity": quantity,
        "stores": [],
    }


def build_availability(quantity: int | None) -> Shape:
    """Build the fulfillment channel of a listing, with the merchant's quantity."""
    if quantity is None:
        return {"fulfillmentChannelCode": "AMAZON_EU"}
    return {"fulfillmentChannelCode": "DEFAULT", "quantity": quantity}


def build_order_id(number: int) -> str:
    """Build an order ID from a number."""
    return f"202-{number // 10_000_000:07d}-{number % 10_000_000:07d}"


def derive_asin(sku: str) -> str:
    """Derive a stable ASIN from a SKU."""
    return "B0" + hashlib.blake2b(sku.encode(), digest_size=4).hexdigest().upper()


def format_instant(moment: datetime) -> str:
    """Format an instant as Amazon does."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def build_shapes(world: World, factory: ShapeFactory) -> dict[str, dict[str, Shape]]:
    """Build all records of a world, by kind and ID."""
    products = {product.sku: product for product in world.products}
    fba_listings = {
        sku: units // products[sku].units for (sku, location), units in world.stock.items() if location == FBA_LOCATION
    }
    own: dict[str, int] = dict.fromkeys(products, 0)
    for (sku, location), units in world.stock.items():
        if location != FBA_LOCATION:
            own[sku] += max(0, units)
    offered = {sku: None if sku in fba_listings else units // products[sku].units for sku, units in own.items()}
    listings = {p.sku: factory.build_listing(p, number, offered[p.sku]) for number, p in enumerate(world.products)}
    orders = [
        order for receipt in world.receipts if (order := factory.build_receipt_order(receipt, products)) is not None
    ]
    return {
        "listings": listings,
        "fba": {sku: build_summary(products[sku], max(0, quantity)) for sku, quantity in fba_listings.items()},
        "orders": {order["orderId"]: order for order in orders},
    }
