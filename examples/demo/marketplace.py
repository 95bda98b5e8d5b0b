"""The marketplace: 300 offers, and orders of anonymous customers. As in reality, some offers are packs of two, some
have another SKU and match by barcode only, and some have a wrong barcode.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from examples.demo import generated
from examples.demo.generated import compute_number
from examples.demo.retail import ReceiptLine
from examples.demo.world import VAT, ZONE, build_products, build_receipts, is_goods, split_by_channel
from gateway.sdk.testing.sandbox import World, WorldPlace, WorldProduct

FBA, MERCHANT = "fba", "merchant"
EXTERNAL_LOCATIONS = (
    WorldPlace(id=FBA, name="Fulfilled by the marketplace"),
    WorldPlace(id=MERCHANT, name="Leeds warehouse"),
)
OFFER_COUNT = 300
SHOWN = "22423"
"""The product of the README, which is always offered."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A product as offered. `is_fba`: the marketplace stores and ships it."""

    product: WorldProduct
    code: str
    is_fba: bool


def build_account(lines: Sequence[ReceiptLine]) -> World:
    """Build the seller's account."""
    sold = split_by_channel(lines)["amazon"]
    offers = {offer.code: offer for offer in build_offers(lines, {line.code for line in sold})}
    receipts = [
        replace(
            receipt,
            place=FBA if all(offers[line.sku].is_fba for line in receipt.lines) else MERCHANT,
            lines=tuple(replace(line, sku=offers[line.sku].product.sku) for line in receipt.lines),
        )
        for receipt in build_receipts([line for line in sold if line.code in offers])
    ]
    return World(
        currency="GBP",
        time_zone=ZONE.key,
        tax_rate=VAT,
        places=EXTERNAL_LOCATIONS,
        products=[offer.product for offer in offers.values()],
        stock={
            (offer.product.sku, FBA if offer.is_fba else MERCHANT): _count_units(offer) for offer in offers.values()
        },
        receipts=receipts,
    )


def build_offers(lines: Sequence[ReceiptLine], sold: set[str]) -> list[Offer]:
    """Build offers of the products sold there, filled up with others."""
    goods = [one for one in build_products(lines) if one.price > 0 and is_goods(one.sku) and one.sku == one.sku.upper()]
    goods.sort(key=lambda one: (one.sku != SHOWN, one.sku not in sold, compute_number("offer", one.sku)))
    chosen = goods[:OFFER_COUNT]
    return [_build_offer(product, chosen[number - 1]) for number, product in enumerate(chosen)]


def _build_offer(product: WorldProduct, other: WorldProduct) -> Offer:
    dice = compute_number("marketplace", product.sku) % 20
    is_fba = compute_number("kept", product.sku) % 3 == 0
    if product.sku == SHOWN:
        dice, is_fba = 19, False
    if dice == 0:
        pair = f"{product.title}, 2 pieces"
        two = replace(product, sku=f"{product.sku}-2PK", title=pair, price=product.price * 2, units=2)
        return Offer(two, product.sku, is_fba)
    if dice in (1, 2):
        return Offer(replace(product, sku=f"M-{compute_number('sku', product.sku) % 10**8:08}"), product.sku, is_fba)
    if dice == 3:
        return Offer(replace(product, barcode=other.barcode), product.sku, is_fba)
    return Offer(product, product.sku, is_fba)


def _count_units(offer: Offer) -> int:
    """Return the units that the marketplace stores, or the last quantity pushed for the warehouse."""
    return (
        compute_number("kept units", offer.code) % 40
        if offer.is_fba
        else generated.generate_warehouse_count(offer.code)
    )
