"""The web store: its product groups, stock and orders. `generated` supplies what the data lacks."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import replace

from examples.demo import generated
from examples.demo.account_holder import identify_account_holder
from examples.demo.presentation import PICTURES, present_product
from examples.demo.retail import ReceiptLine
from examples.demo.world import VAT, ZONE, build_products, build_receipts, is_goods, split_by_channel
from gateway.sdk.testing.sandbox import World, WorldCollection, WorldPlace, WorldProduct

LEEDS = "leeds"
EXTERNAL_LOCATIONS = (WorldPlace(id=LEEDS, name="Leeds warehouse"), generated.SHOPS[1])
COLORS = frozenset(
    ("RED", "BLUE", "GREEN", "PINK", "WHITE", "BLACK", "YELLOW", "ORANGE", "PURPLE", "IVORY", "CREAM", "SILVER", "GOLD")
)
COLLECTIONS: Mapping[str, Set[str]] = {
    "Christmas": {"CHRISTMAS"},
    "Tea time": {"TEAPOT", "TEACUP", "TEA", "CAKESTAND", "CAKE"},
    "Garden": {"GARDEN", "WATERING", "BIRDBATH"},
}
_CODE = re.compile(r"(\d{5})[A-Z]{1,2}")


def build_store(lines: Sequence[ReceiptLine], pictures: str = PICTURES) -> World:
    """Build the store: all products with a price. Its locations are the warehouse and one of the shops."""
    listed = [product for product in build_products(lines) if product.price > 0 and _is_listed(product.sku)]
    products = share_colors([present_product(product, pictures) for product in group_products(listed)])
    orders = [line for line in split_by_channel(lines)["web"] if _is_listed(line.code) and line.price > 0]
    skus = {product.sku for product in products}
    receipts = [
        replace(receipt, place=LEEDS)
        for receipt in build_receipts(orders)
        if all(line.sku in skus for line in receipt.lines)
    ]
    return World(
        currency="GBP",
        time_zone=ZONE.key,
        tax_rate=VAT,
        places=EXTERNAL_LOCATIONS,
        products=products,
        stock=_build_stock(products),
        customers=[
            identify_account_holder(generated.generate_customer(number))
            for number in sorted({receipt.customer for receipt in receipts if receipt.customer})
        ],
        receipts=receipts,
        collections=build_collections(products),
    )


def build_collections(products: Iterable[WorldProduct]) -> list[WorldCollection]:
    """Build the collections that the store's staff have put together, of products with one of these words."""
    named = [(product.sku, set(product.title.upper().split())) for product in products]
    found = {title: tuple(sku for sku, words in named if words & chosen) for title, chosen in COLLECTIONS.items()}
    return [WorldCollection(title=title, skus=skus) for title, skus in found.items() if skus]


def share_colors(products: Sequence[WorldProduct]) -> list[WorldProduct]:
    """Give the first variant of each group, which describes the product, the colors of all its variants."""
    colors: dict[str, dict[str, None]] = defaultdict(dict)
    for product in products:
        colors[product.group or product.sku].update(dict.fromkeys(dict(product.attributes).get("shop.color", ())))
    return [_set_colors(product, tuple(colors[product.group or product.sku])) for product in products]


def _set_colors(product: WorldProduct, colors: tuple[str, ...]) -> WorldProduct:
    attributes = dict(product.attributes) | ({"shop.color": colors} if colors else {})
    return replace(product, attributes=tuple(sorted(attributes.items())))


def _is_listed(code: str) -> bool:
    """Return whether the code is in upper case: the shops sometimes entered the same code in lower case."""
    return is_goods(code) and code == code.upper()


def _build_stock(products: Iterable[WorldProduct]) -> dict[tuple[str, str], int]:
    """Build the warehouse's stock, and the last known stock of the shop."""
    counts: dict[tuple[str, str], int] = {}
    for product in products:
        counts[product.sku, LEEDS] = generated.generate_warehouse_count(product.sku)
        if (count := generated.generate_count(product.sku, generated.MANCHESTER)) is not None:
            counts[product.sku, generated.MANCHESTER] = max(0, count)
    return counts


def group_products(products: Sequence[WorldProduct]) -> list[WorldProduct]:
    """Group products in several colors or patterns: their codes differ in a letter, their titles in few words."""
    families: dict[str, list[WorldProduct]] = defaultdict(list)
    for product in products:
        match = _CODE.fullmatch(product.sku)
        families[match[1] if match else product.sku].append(product)
    taken: set[str] = set()
    return [product for family in families.values() for product in _group_family(family, taken)]


def _group_family(family: Sequence[WorldProduct], taken: set[str]) -> Sequence[WorldProduct]:
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
