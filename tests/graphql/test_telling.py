"""O1, O3: what channels are to be told is under way from the commit that wishes for it, told once, and waited for."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest
from sqlalchemy.engine import Connection
from sqlalchemy.exc import OperationalError

from gateway.commerce import once
from gateway.runtime import Gateway
from gateway.sdk.testing import rows
from gateway.sync.outbox import Delivery, deliver
from tests.graphql.buying import TABLES, Shopper, stores
from tests.graphql.mutating import codes
from tests.graphql.test_statements import statements
from tests.graphql.world import World, opened

pytestmark = [pytest.mark.anyio, pytest.mark.any_database]

MOST = 48
"""Statements that an order takes whose channel takes it, its whole answer read anew."""


def told(world: World) -> list[str]:
    """What the web store was told."""
    return [ask.feed for ask in world.stores["web"].calls if ask.method == "send"]


async def test_nobody_else_takes_up_what_is_being_told_so_that_the_answer_says_what_came_of_it(
    database_url: str,
) -> None:
    async with opened(database_url, stores(), **TABLES) as world:
        shopper, others, tell = Shopper(world), [], Gateway.tell

        async def beside(self: Gateway, deliveries: Sequence[Delivery], within: timedelta) -> None:
            others.append(await deliver(self.syncing["web"]))
            await tell(self, deliveries, within)

        await shopper.fill("web", MUG=2)
        with patch.object(Gateway, "tell", beside):
            payload = await shopper.buy(await shopper.option("SHIPPING", "depot"))
        assert (codes(payload), payload["order"]["status"]) == ([], "OPEN")
        assert others == [0] and told(world) == ["PlaceOrder"]


async def test_a_transaction_that_is_run_again_tells_channels_only_what_it_came_to_in_the_end(
    database_url: str,
) -> None:
    async with opened(database_url, stores(), **TABLES) as world:
        shopper, finish = Shopper(world), once.finish
        tries: list[int] = []

        def in_the_way(conn: Connection, *given: Any) -> Any:
            tries.append(len(tries))
            if len(tries) == 1:
                raise conflict(conn)
            return finish(conn, *given)

        await shopper.fill("web", MUG=2)
        option = await shopper.option("SHIPPING", "depot")
        with patch.object(once, "finish", in_the_way):
            payload = await shopper.buy(option)
        assert (codes(payload), payload["order"]["status"]) == ([], "OPEN")
        assert tries == [0, 1] and told(world) == ["PlaceOrder"]


def conflict(conn: Connection) -> OperationalError:
    """What a database says when another transaction is in the way."""
    error: Any = sqlite3.OperationalError("database is locked")
    error.sqlite_errorcode, error.sqlstate = sqlite3.SQLITE_BUSY, "40001"
    return OperationalError("COMMIT", {}, error)


async def test_an_order_takes_the_same_few_statements_however_many_lines_it_has(database_url: str) -> None:
    channels = stores()
    for n in range(10):
        channels["web"].put("products", rows.product(f"w-{n}", sku=f"THING-{n}", price="1.00"))
        channels["web"].put("stock", {"id": f"w-{n}@D", "item": f"w-{n}", "place": "D", "on_hand": 5})
    async with opened(database_url, channels, **TABLES) as world:
        counts = []
        for size in (1, 10):
            shopper = Shopper(world)
            await shopper.fill("web", **{f"THING_{n}": 1 for n in range(size)})
            option = await shopper.option("SHIPPING", "depot")
            with statements() as seen:
                payload = await shopper.buy(option)
            assert payload["order"]["status"] == "OPEN" and len(payload["order"]["lines"]["nodes"]) == size
            counts.append(len([one for one in seen if not one.startswith("BEGIN")]))
        assert counts[0] == counts[1] <= MOST, counts
