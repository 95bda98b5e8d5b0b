"""What is sold on a busy day: few things, of which there are few, so that the last one is wanted in several places."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from examples.demo.channels import worlds_of
from examples.demo.made_up import MANCHESTER
from examples.demo.retail import Sold
from examples.demo.world import is_goods
from gateway.sdk.testing.sandbox import World

SCARCE = 8
"""There is one where the demo has so many."""

BUFFER = 2
"""Of both shops, as the configuration says."""


def busy_worlds(lines: Sequence[Sold], most: int) -> dict[str, World]:
    """The demo's worlds, with what sells most and little of it."""
    sold = Counter(line.code for line in lines if is_goods(line.code) and line.code == line.code.upper() and line.price)
    chosen = {code for code, _ in sold.most_common(most)}
    worlds = worlds_of([line for line in lines if line.code in chosen])
    scarce = {key: _scarce(world) for key, world in worlds.items()}
    return {**scarce, "web": _told(scarce["web"])}


def _told(store: World) -> World:
    """The store as one that follows the till already: what the shop keeps back it does not offer."""
    kept = {(sku, place): max(0, units - BUFFER) for (sku, place), units in store.stock.items() if place == MANCHESTER}
    return replace(store, stock={**store.stock, **kept})


def _scarce(world: World) -> World:
    return replace(world, stock={spot: units // SCARCE for spot, units in world.stock.items()})
