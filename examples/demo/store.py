"""The web store: what it groups and sells, and who ordered there. Which of it is made up, `made_up` says."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from examples.demo import made_up
from examples.demo.retail import Sold
from examples.demo.world import VAT, ZONE, is_goods, products_of, receipts_of, sold_over
from gateway.sdk.testing.sandbox import World, WorldPlace, WorldProduct

LEEDS = "leeds"
PLACES = (WorldPlace(id=LEEDS, name="Leeds warehouse"), made_up.SHOPS[1])
COLORS = frozenset(
    ("RED", "BLUE", "GREEN", "PINK", "WHITE", "BLACK", "YELLOW", "ORANGE", "PURPLE", "IVORY", "CREAM", "SILVER", "GOLD")
)
_CODE = re.compile(r"(\d{5})[A-Z]{1,2}")


def store_of(lines: Sequence[Sold]) -> World:
    """The store, which has all that has a price. Its places are the warehouse, and one of the shops."""
    products = grouped([product for product in products_of(lines) if product.price > 0 and _is_listed(product.sku)])
    orders = [line for line in sold_over(lines)["web"] if _is_listed(line.code) and line.price > 0]
    skus = {product.sku for product in products}
    receipts = [
        replace(receipt, place=LEEDS)
        for receipt in receipts_of(orders)
        if all(line.sku in skus for line in receipt.lines)
    ]
    return World(
        currency="GBP",
        time_zone=ZONE.key,
        tax_rate=VAT,
        places=PLACES,
        products=products,
        stock=_stock(products),
        customers=[
            made_up.customer(number)
            for number in sorted({receipt.customer for receipt in receipts if receipt.customer})
        ],
        receipts=receipts,
    )


def _is_listed(code: str) -> bool:
    """Goods under one spelling of their code: in shops the same label is sometimes typed in small letters."""
    return is_goods(code) and code == code.upper()


def _stock(products: Iterable[WorldProduct]) -> dict[tuple[str, str], int]:
    """What the warehouse has, and what the store believes the shop to have: the last count that it was told."""
    found: dict[tuple[str, str], int] = {}
    for product in products:
        found[product.sku, LEEDS] = made_up.warehoused(product.sku)
        if (count := made_up.counted(product.sku, made_up.MANCHESTER)) is not None:
            found[product.sku, made_up.MANCHESTER] = max(0, count)
    return found


def grouped(products: Sequence[WorldProduct]) -> list[WorldProduct]:
    """Products in several colors or patterns as one: their codes differ in a letter, and their titles in few words."""
    families: dict[str, list[WorldProduct]] = defaultdict(list)
    for product in products:
        match = _CODE.fullmatch(product.sku)
        families[match[1] if match else product.sku].append(product)
    taken: set[str] = set()
    return [product for family in families.values() for product in _as_one(family, taken)]


def _as_one(family: Sequence[WorldProduct], taken: set[str]) -> Sequence[WorldProduct]:
    titles = [product.title.upper().split() for product in family]
    common = [word for word in dict.fromkeys(titles[0]) if all(word in title for title in titles)]
    values = [" ".join(word for word in title if word not in common).title() for title in titles]
    group = " ".join(common)
    if min(len(family), len(common)) < 2 or "" in values or len(set(values)) < len(family) or group in taken:
        return family
    taken.add(group)
    option = "Color" if all(COLORS & set(value.upper().split()) for value in values) else "Pattern"
    pairs = zip(family, values, strict=True)
    return [replace(product, group=group, options=((option, value),)) for product, value in pairs]
