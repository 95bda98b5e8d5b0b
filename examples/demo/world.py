"""The demo's data, built from the lines of Online Retail: the products, customers and receipts of two shops."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from zoneinfo import ZoneInfo

from examples.demo import generated
from examples.demo.account_holder import identify_account_holder
from examples.demo.retail import ReceiptLine
from gateway.sdk.testing.sandbox import World, WorldLine, WorldProduct, WorldReceipt

HOME = "United Kingdom"
ZONE = ZoneInfo("Europe/London")
VAT = Decimal("0.175")
MARKETPLACE_LINES = 5
"""Orders on the marketplace have few lines."""
SERVICES = (
    *("POST", "DOT", "M", "D", "S", "B", "C2", "PADS", "CRUK", "BANK CHARGES", "AMAZONFEE"),
    *(f"gift_0001_{pounds}" for pounds in (10, 20, 30, 40, 50, 60, 70, 80, 90)),
)
"""Codes that are no goods; `gateway.toml` has the same list."""
_NO_GOODS = {code.casefold() for code in SERVICES}


def build_world(lines: Sequence[ReceiptLine]) -> World:
    """Build the two shops with their products, customers and receipts."""
    products = build_products(lines)
    home = split_by_channel(lines)["till"]
    numbers = sorted({line.customer for line in home if line.customer is not None})
    return World(
        currency="GBP",
        time_zone=ZONE.key,
        tax_rate=VAT,
        places=generated.SHOPS,
        products=products,
        stock=build_stock(products),
        customers=[identify_account_holder(generated.generate_customer(number)) for number in numbers],
        receipts=build_receipts(home),
    )


def split_by_channel(lines: Sequence[ReceiptLine]) -> dict[str, list[ReceiptLine]]:
    """Split the lines by channel: customers abroad use the web store, some unknown customers the marketplace."""
    lines_by_channel: dict[str, list[ReceiptLine]] = {"till": [], "web": [], "amazon": []}
    invoices: dict[str, list[ReceiptLine]] = defaultdict(list)
    for line in lines:
        invoices[line.invoice].append(line)
    for invoice in invoices.values():
        lines_by_channel[_choose_channel(invoice)] += invoice
    return lines_by_channel


def _choose_channel(invoice: Sequence[ReceiptLine]) -> str:
    if invoice[0].country != HOME:
        return "web"
    plain = all(line.quantity > 0 and line.price > 0 and is_goods(line.code) for line in invoice)
    unknown = all(line.customer is None for line in invoice) and invoice[0].invoice.isdigit()
    return "amazon" if plain and unknown and len(invoice) <= MARKETPLACE_LINES else "till"


def is_goods(code: str) -> bool:
    """Return whether the code is a product, not postage or a correction."""
    return code.casefold() not in _NO_GOODS


def build_products(lines: Iterable[ReceiptLine]) -> list[WorldProduct]:
    """Build a product for each code, case-sensitively."""
    by_code: dict[str, list[ReceiptLine]] = defaultdict(list)
    for line in lines:
        by_code[line.code].append(line)
    return [_build_product(code, by_code[code]) for code in sorted(by_code)]


def _build_product(code: str, lines: Sequence[ReceiptLine]) -> WorldProduct:
    """Build a product with the most frequent description and the latest price. Lines without a price are remarks."""
    priced = [line for line in lines if line.price > 0]
    titles = Counter(line.description for line in priced or lines if line.description)
    title = titles.most_common(1)[0][0] if titles else code
    latest = max(priced, key=lambda line: line.at, default=None)
    price = latest.price if latest else Decimal(0)
    if not is_goods(code):
        return WorldProduct(sku=code, title=title, price=price, category=("Services",))
    barcode, category = generated.generate_barcode(code), generated.choose_category(title)
    return WorldProduct(sku=code, title=title, price=price, barcode=barcode, category=category)


def build_stock(products: Iterable[WorldProduct]) -> dict[tuple[str, str], int]:
    """Build the counts of each shop, without services."""
    goods = [product.sku for product in products if is_goods(product.sku)]
    counts = {(sku, shop.id): generated.generate_count(sku, shop.id) for sku in goods for shop in generated.SHOPS}
    return {key: count for key, count in counts.items() if count is not None}


def build_receipts(lines: Iterable[ReceiptLine]) -> list[WorldReceipt]:
    """Build a receipt for each invoice, in order of time."""
    invoices: dict[str, list[ReceiptLine]] = defaultdict(list)
    for line in lines:
        if line.quantity and line.price >= 0:
            invoices[line.invoice].append(line)
    receipts = [(number, invoices[number]) for number in invoices if is_receipt(number, invoices[number])]
    receipts.sort(key=lambda item: (item[1][0].at, item[0]))
    sales = {int(number): lines for number, lines in receipts if number.isdigit()}
    return [_build_receipt(number, lines, sales) for number, lines in receipts]


def is_receipt(invoice: str, lines: Sequence[ReceiptLine]) -> bool:
    """Return whether the invoice is a sale or its cancellation (C…). Negative quantities without a price are
    write-offs.
    """
    if not (invoice.isascii() and invoice.removeprefix("C").isdigit()):
        return False
    return invoice.startswith("C") or any(line.quantity > 0 or line.price > 0 for line in lines)


def _build_receipt(
    invoice: str, lines: Sequence[ReceiptLine], sales: Mapping[int, Sequence[ReceiptLine]]
) -> WorldReceipt:
    first, refund = lines[0], invoice.startswith("C")
    original = find_original(lines, sales) if refund else None
    number = str(original) if original else invoice
    return WorldReceipt(
        number=int(invoice.removeprefix("C")),
        at=min(line.at for line in lines).replace(tzinfo=ZONE),
        place=generated.choose_shop(number, first.customer),
        customer=first.customer,
        lines=tuple(WorldLine(line.code, line.quantity, line.price) for line in lines),
        refund=refund,
        refunds=original,
    )


def find_original(lines: Sequence[ReceiptLine], sales: Mapping[int, Sequence[ReceiptLine]]) -> int | None:
    """Find the only earlier sale to this customer with all returned items; None if there is not exactly one."""
    first = lines[0]
    back = Counter[str]()
    for line in lines:
        back[line.code] -= line.quantity
    fitting = [
        number
        for number, sold in sales.items()
        if first.customer and sold[0].customer == first.customer and sold[0].at <= first.at and _has_items(sold, back)
    ]
    return fitting[0] if len(fitting) == 1 else None


def _has_items(sold: Sequence[ReceiptLine], back: Mapping[str, int]) -> bool:
    quantities = Counter[str]()
    for line in sold:
        quantities[line.code] += line.quantity
    return all(quantities[code] >= count for code, count in back.items())
