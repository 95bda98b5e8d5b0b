"""Delivery of commands to channels: a command is in delivery from the commit that enqueues it, is sent once, and the
mutation waits for its result (rule O1, rule O3).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any
from unittest.mock import patch

import pytest
from sqlalchemy.engine import Connection
from sqlalchemy.exc import OperationalError

from gateway.commerce import idempotency
from gateway.runtime.command_bus import CommandBus
from gateway.sdk.testing import record_builders
from gateway.sync.outbox_worker import Delivery, deliver_due
from tests.graphql.mutation_documents import list_user_error_codes
from tests.graphql.shopper import TRUSTING, Shopper, build_stores
from tests.graphql.test_statements import capture_statements
from tests.graphql.world import World, open_world

pytestmark = [pytest.mark.anyio, pytest.mark.any_database]

MOST = 60
"""Maximum number of statements for an order whose channel accepts it, including the read of its whole payload."""


def list_sent_commands(world: World) -> list[str]:
    """List the commands that the web store received."""
    return [ask.feed for ask in world.stores["web"].calls if ask.method == "send"]


async def test_no_other_worker_takes_a_command_in_delivery_so_that_the_payload_shows_its_result(
    database_url: str,
) -> None:
    async with open_world(database_url, build_stores(), **TRUSTING) as world:
        shopper, others, complete = Shopper(world), [], CommandBus.deliver

        async def deliver_concurrently(self: CommandBus, deliveries: Sequence[Delivery]) -> None:
            others.append(await deliver_due(world.gateway.channel_syncs["web"]))
            await complete(self, deliveries)

        await shopper.fill("web", MUG=2)
        with patch.object(CommandBus, "deliver", deliver_concurrently):
            payload = await shopper.submit(await shopper.find_option("SHIPPING", "depot"))
        assert (list_user_error_codes(payload), payload["order"]["status"]) == ([], "OPEN")
        assert others == [0] and list_sent_commands(world) == ["PlaceOrder"]


async def test_a_transaction_that_is_retried_delivers_only_the_commands_of_its_last_run(
    database_url: str,
) -> None:
    async with open_world(database_url, build_stores(), **TRUSTING) as world:
        shopper, finish = Shopper(world), idempotency.store_result
        tries: list[int] = []

        def fail_once(conn: Connection, *given: Any) -> Any:
            tries.append(len(tries))
            if len(tries) == 1:
                raise build_conflict(conn)
            return finish(conn, *given)

        await shopper.fill("web", MUG=2)
        option = await shopper.find_option("SHIPPING", "depot")
        with patch.object(idempotency, "store_result", fail_once):
            payload = await shopper.submit(option)
        assert (list_user_error_codes(payload), payload["order"]["status"]) == ([], "OPEN")
        assert tries == [0, 1] and list_sent_commands(world) == ["PlaceOrder"]


def build_conflict(conn: Connection) -> OperationalError:
    """Build the error that a database raises when another transaction holds the lock."""
    error: Any = sqlite3.OperationalError("database is locked")
    error.sqlite_errorcode, error.sqlstate = sqlite3.SQLITE_BUSY, "40001"
    return OperationalError("COMMIT", {}, error)


async def test_an_order_takes_the_same_few_statements_however_many_lines_it_has(database_url: str) -> None:
    channels = build_stores()
    for n in range(10):
        channels["web"].put("products", record_builders.build_product(f"w-{n}", sku=f"THING-{n}", price="1.00"))
        channels["web"].put("stock", {"id": f"w-{n}@D", "item": f"w-{n}", "place": "D", "on_hand": 5})
    async with open_world(database_url, channels, **TRUSTING) as world:
        counts = []
        for size in (1, 10):
            shopper = Shopper(world)
            await shopper.fill("web", **{f"THING_{n}": 1 for n in range(size)})
            option = await shopper.find_option("SHIPPING", "depot")
            with capture_statements() as seen:
                payload = await shopper.submit(option)
            assert payload["order"]["status"] == "OPEN" and len(payload["order"]["lines"]["nodes"]) == size
            counts.append(len([one for one in seen if not one.startswith("BEGIN")]))
        assert counts[0] == counts[1] <= MOST, counts
