"""The marketplace: a few hundred offers, and the orders of people whom nobody knows. What is odd about it is real life:
some offers are of two at once, some stand under a code that only the barcode connects, some have a wrong barcode.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from examples.demo import made_up
from examples.demo.made_up import chance
from examples.demo.retail import Sold
from examples.demo.world import VAT, ZONE, is_goods, products_of, receipts_of, sold_over
from gateway.sdk.testing.sandbox import World, WorldPlace, WorldProduct

FBA, MERCHANT = "fba", "merchant"
PLACES = (WorldPlace(id=FBA, name="Kept and sent by the marketplace"), WorldPlace(id=MERCHANT, name="Leeds warehouse"))
OFFERS = 300
SHOWN = "22423"
"""Always offered: the product of the README."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A product as it is offered. `kept`: by the marketplace, in a place of its own."""

    product: WorldProduct
    code: str
    kept: bool


def account_of(lines: Sequence[Sold]) -> World:
    """The seller's account."""
    sold = sold_over(lines)["amazon"]
    offers = {offer.code: offer for offer in offers_of(lines, {line.code for line in sold})}
    receipts = [
        replace(
            receipt,
            place=FBA if all(offers[line.sku].kept for line in receipt.lines) else MERCHANT,
            lines=tuple(replace(line, sku=offers[line.sku].product.sku) for line in receipt.lines),
        )
        for receipt in receipts_of([line for line in sold if line.code in offers])
    ]
    return World(
        currency="GBP",
        time_zone=ZONE.key,
        tax_rate=VAT,
        places=PLACES,
        products=[offer.product for offer in offers.values()],
        stock={(offer.product.sku, FBA if offer.kept else MERCHANT): _units(offer) for offer in offers.values()},
        receipts=receipts,
    )


def offers_of(lines: Sequence[Sold], sold: set[str]) -> list[Offer]:
    """What was sold there, and as many more as it takes."""
    goods = [one for one in products_of(lines) if one.price > 0 and is_goods(one.sku) and one.sku == one.sku.upper()]
    goods.sort(key=lambda one: (one.sku != SHOWN, one.sku not in sold, chance("offer", one.sku)))
    chosen = goods[:OFFERS]
    return [_offer(product, chosen[place - 1]) for place, product in enumerate(chosen)]


def _offer(product: WorldProduct, other: WorldProduct) -> Offer:
    dice = chance("marketplace", product.sku) % 20
    kept = chance("kept", product.sku) % 3 == 0
    if product.sku == SHOWN:
        dice, kept = 19, False
    if dice == 0:
        pair = f"{product.title}, 2 pieces"
        two = replace(product, sku=f"{product.sku}-2PK", title=pair, price=product.price * 2, units=2)
        return Offer(two, product.sku, kept)
    if dice in (1, 2):
        return Offer(replace(product, sku=f"M-{chance('sku', product.sku) % 10**8:08}"), product.sku, kept)
    if dice == 3:
        return Offer(replace(product, barcode=other.barcode), product.sku, kept)
    return Offer(product, product.sku, kept)


def _units(offer: Offer) -> int:
    """What the marketplace keeps; or what it was last told of the warehouse."""
    return chance("kept units", offer.code) % 40 if offer.kept else made_up.warehoused(offer.code)
