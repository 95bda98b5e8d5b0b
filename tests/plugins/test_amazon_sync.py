"""A seller account behind a gateway, through real HTTP: what arrives, and what of a change."""

from __future__ import annotations

from pathlib import Path

import pytest

from .amazon import house

pytestmark = pytest.mark.anyio


async def test_listings_both_stocks_and_orders_arrive(tmp_path: Path) -> None:
    async with house(tmp_path) as amazon:
        await amazon.gateway.run_due()
        known = await amazon.state()
    assert {key[1]: row[:4] for key, row in known["listings"].items()} == {
        "TEA-1": ("TEA-1", "05012345678900", "Breakfast tea", 306),
        "MUG-1-PAIR": ("MUG-1-PAIR", None, "Mug, pair", 814),
        "MUG, LARGE/1": ("MUG, LARGE/1", None, "Mug, large", 510),
    }
    assert known["stock"] == [
        ("amazon", "MUG, LARGE/1", "leeds", 3),
        ("amazon", "MUG-1-PAIR", "fba", 10),
        ("amazon", "TEA-1", "leeds", 12),
    ]
    assert known["orders"] == [("202-0000000-0000007", 2650, None)]
    assert known["rejects"] == []
