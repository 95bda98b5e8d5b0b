"""The demo's world, made of the lines of Online Retail: what stands and happens at the tills of both shops."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from zoneinfo import ZoneInfo

from examples.demo import made_up
from examples.demo.retail import Sold
from gateway.sdk.testing.sandbox import World, WorldLine, WorldProduct, WorldReceipt

HOME = "United Kingdom"
ZONE = ZoneInfo("Europe/London")
VAT = Decimal("0.175")
MARKETPLACE_LINES = 5
"""Who orders on the marketplace orders few things at once."""
SERVICES = (
    *("POST", "DOT", "M", "D", "S", "B", "C2", "PADS", "CRUK", "BANK CHARGES", "AMAZONFEE"),
    *(f"gift_0001_{pounds}" for pounds in (10, 20, 30, 40, 50, 60, 70, 80, 90)),
)
"""Codes that are no goods. The same stand in `gateway.toml`."""
_NO_GOODS = {code.casefold() for code in SERVICES}


def world_of(lines: Sequence[Sold]) -> World:
    """Two shops with these products, customers and receipts."""
    products = products_of(lines)
    home = sold_over(lines)["till"]
    numbers = sorted({line.customer for line in home if line.customer is not None})
    return World(
        currency="GBP",
        time_zone=ZONE.key,
        tax_rate=VAT,
        places=made_up.SHOPS,
        products=products,
        stock=stock_of(products),
        customers=[made_up.customer(number) for number in numbers],
        receipts=receipts_of(home),
    )


def sold_over(lines: Sequence[Sold]) -> dict[str, list[Sold]]:
    """The lines by channel: who lives abroad ordered in the web store, some whom nobody knows on the marketplace."""
    found: dict[str, list[Sold]] = {"till": [], "web": [], "amazon": []}
    invoices: dict[str, list[Sold]] = defaultdict(list)
    for line in lines:
        invoices[line.invoice].append(line)
    for invoice in invoices.values():
        found[_channel(invoice)] += invoice
    return found


def _channel(invoice: Sequence[Sold]) -> str:
    if invoice[0].country != HOME:
        return "web"
    plain = all(line.quantity > 0 and line.price > 0 and is_goods(line.code) for line in invoice)
    unknown = all(line.customer is None for line in invoice) and invoice[0].invoice.isdigit()
    return "amazon" if plain and unknown and len(invoice) <= MARKETPLACE_LINES else "till"


def is_goods(code: str) -> bool:
    """Whether this is a thing, and not postage or a correction."""
    return code.casefold() not in _NO_GOODS


def products_of(lines: Iterable[Sold]) -> list[WorldProduct]:
    """A product per code, as it is spelled."""
    by_code: dict[str, list[Sold]] = defaultdict(list)
    for line in lines:
        by_code[line.code].append(line)
    return [_product(code, by_code[code]) for code in sorted(by_code)]


def _product(code: str, lines: Sequence[Sold]) -> WorldProduct:
    """The most frequent description and the latest price. At no price clerks note what happened: `check`, `?`."""
    priced = [line for line in lines if line.price > 0]
    titles = Counter(line.description for line in priced or lines if line.description)
    title = titles.most_common(1)[0][0] if titles else code
    latest = max(priced, key=lambda line: line.at, default=None)
    price = latest.price if latest else Decimal(0)
    if not is_goods(code):
        return WorldProduct(sku=code, title=title, price=price, category=("Services",))
    barcode, category = made_up.barcode(code), made_up.category(title)
    return WorldProduct(sku=code, title=title, price=price, barcode=barcode, category=category)


def stock_of(products: Iterable[WorldProduct]) -> dict[tuple[str, str], int]:
    """What is counted in each shop. Services are not."""
    goods = [product.sku for product in products if is_goods(product.sku)]
    found = {(sku, place.id): made_up.counted(sku, place.id) for sku in goods for place in made_up.SHOPS}
    return {key: count for key, count in found.items() if count is not None}


def receipts_of(lines: Iterable[Sold]) -> list[WorldReceipt]:
    """A receipt per invoice, in the order of time."""
    invoices: dict[str, list[Sold]] = defaultdict(list)
    for line in lines:
        if line.quantity and line.price >= 0:
            invoices[line.invoice].append(line)
    found = [(number, invoices[number]) for number in invoices if is_receipt(number, invoices[number])]
    found.sort(key=lambda item: (item[1][0].at, item[0]))
    sales = {int(number): lines for number, lines in found if number.isdigit()}
    return [_receipt(number, lines, sales) for number, lines in found]


def is_receipt(invoice: str, lines: Sequence[Sold]) -> bool:
    """A sale, or its cancellation (C…). What only takes goods off the shelf at no price is a write-off."""
    if not (invoice.isascii() and invoice.removeprefix("C").isdigit()):
        return False
    return invoice.startswith("C") or any(line.quantity > 0 or line.price > 0 for line in lines)


def _receipt(invoice: str, lines: Sequence[Sold], sales: Mapping[int, Sequence[Sold]]) -> WorldReceipt:
    first, refund = lines[0], invoice.startswith("C")
    original = original_of(lines, sales) if refund else None
    number = str(original) if original else invoice
    return WorldReceipt(
        number=int(invoice.removeprefix("C")),
        at=min(line.at for line in lines).replace(tzinfo=ZONE),
        place=made_up.shop(number, first.customer),
        customer=first.customer,
        lines=tuple(WorldLine(line.code, line.quantity, line.price) for line in lines),
        refund=refund,
        refunds=original,
    )


def original_of(lines: Sequence[Sold], sales: Mapping[int, Sequence[Sold]]) -> int | None:
    """The one earlier sale to this customer that had all that is brought back; None: it cannot be told."""
    first = lines[0]
    back = Counter[str]()
    for line in lines:
        back[line.code] -= line.quantity
    fitting = [
        number
        for number, sold in sales.items()
        if first.customer and sold[0].customer == first.customer and sold[0].at <= first.at and _had(sold, back)
    ]
    return fitting[0] if len(fitting) == 1 else None


def _had(sold: Sequence[Sold], back: Mapping[str, int]) -> bool:
    quantities = Counter[str]()
    for line in sold:
        quantities[line.code] += line.quantity
    return all(quantities[code] >= count for code, count in back.items())
