"""The products of a busy day: few products with little stock, so that channels compete for the last units."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from examples.demo.channels import build_worlds
from examples.demo.generated import MANCHESTER
from examples.demo.retail import ReceiptLine
from examples.demo.world import is_goods
from gateway.sdk.testing.sandbox import World

STOCK_DIVISOR = 8
"""The demo's stock is divided by this."""

BUFFER = 2
"""The buffer of both shops in the configuration."""


def build_busy_worlds(lines: Sequence[ReceiptLine], articles: int) -> dict[str, World]:
    """Build the demo's data with the best-selling products and little stock."""
    sold = Counter(line.code for line in lines if is_goods(line.code) and line.code == line.code.upper() and line.price)
    chosen = {code for code, _ in sold.most_common(articles)}
    worlds = build_worlds([line for line in lines if line.code in chosen])
    scarce = {key: _reduce_stock(world) for key, world in worlds.items()}
    return {**scarce, "web": _apply_buffer(scarce["web"])}


def _apply_buffer(store: World) -> World:
    """Subtract the shops' buffer from the store's stock, as if it were already pushed."""
    available = {
        (sku, external_location): max(0, units - BUFFER)
        for (sku, external_location), units in store.stock.items()
        if external_location == MANCHESTER
    }
    return replace(store, stock={**store.stock, **available})


def _reduce_stock(world: World) -> World:
    return replace(world, stock={key: units // STOCK_DIVISOR for key, units in world.stock.items()})
