"""Mutations that wait: until their transaction begins they can be given up, after that they run to their end."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.execution.write_permit import WritePermit
from gateway.sdk.testing.fault_injection import Barrier
from gateway.storage.tables import cart_lines, carts, idempotency
from tests.graphql.mutation_documents import build_document
from tests.graphql.shopper import TABLES, TRUSTING, build_stores, make_key
from tests.graphql.world import World, open_world
from tests.graphql.writable_channels import select_variant_id
from tests.http.blocked_channel import build_query_message
from tests.http.server import serve, wait_until
from tests.http.test_cancellation import RecordingShopper

pytestmark = pytest.mark.anyio

ORDER_AND_CART = """mutation ($one: OrderPlaceInput!, $two: CartCreateInput!) {
  one: orderPlace(input: $one) { order { number } } two: cartCreate(input: $two) { cart { token } } }"""


@pytest.fixture(params=["sqlite"])
def database_kind(request: pytest.FixtureRequest) -> str:
    """SQLite: another process holds its write lock, which no mutation gets."""
    kind: str = request.param
    return kind


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with open_world(database_url, build_stores(), **{**TRUSTING, "limits": {"deadline": "500ms"}}) as world:
        yield world


class Lock:
    """The write lock of the database, held by another connection."""

    def __init__(self, url: str) -> None:
        self._connection = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)

    def __enter__(self) -> Lock:
        self._connection.execute("BEGIN IMMEDIATE")
        return self

    def release(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    def __exit__(self, *_: object) -> None:
        self.release()
        self._connection.close()


async def build_input(world: World, key: str) -> dict[str, Any]:
    line = {"variantId": await select_variant_id(world, "MUG"), "quantity": 1}
    return {"channelKey": "web", "lines": [line], "idempotencyKey": key}


async def count_rows(world: World) -> tuple[int, int, int]:
    """Count carts, their lines, and idempotency keys."""

    def count(conn: Connection) -> list[int]:
        tables = (carts, cart_lines, idempotency)
        return [conn.scalar(sa.select(sa.func.count()).select_from(table)) or 0 for table in tables]

    cart_count, line_count, key_count = await world.gateway.database.read(count)
    return cart_count, line_count, key_count


async def test_a_mutation_that_waits_past_its_deadline_is_given_up_and_leaves_nothing(
    world: World, database_url: str
) -> None:
    given = await build_input(world, make_key())
    with Lock(database_url) as lock:
        answer = await world.client.ask(build_document("cartCreate"), input=given)
        assert (answer.status, answer.codes, list(answer.body)) == (400, ["DEADLINE_EXCEEDED"], ["errors"])
        assert "changed nothing" in answer.body["errors"][0]["message"]
        lock.release()
        await world.gateway.database.write(lambda _: None)  # what waited has had its turn
        assert await count_rows(world) == (0, 0, 0)
    again = await world.client.ask(build_document("cartCreate"), input=given)
    assert again.data["cartCreate"]["cart"]["lines"][0]["quantity"] == 1
    assert await count_rows(world) == (1, 1, 1)


async def test_the_proof_is_a_gate_that_is_never_closed(
    world: World, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proof that the test above can fail: what was given up writes after all."""
    monkeypatch.setattr(WritePermit, "begin", lambda _: None)
    given = await build_input(world, make_key())
    with Lock(database_url) as lock:
        answer = await world.client.ask(build_document("cartCreate"), input=given)
        assert answer.codes == ["DEADLINE_EXCEEDED"]
        lock.release()
        await world.gateway.database.write(lambda _: None)
    assert await count_rows(world) == (1, 1, 1)


async def test_a_client_that_leaves_before_its_mutation_begins_leaves_nothing(database_url: str) -> None:
    async with open_world(database_url, build_stores(), **TABLES) as world, serve(world.gateway) as server:
        given = await build_input(world, make_key())
        with Lock(database_url) as lock:
            async with server.connect() as line:
                await line.send(build_query_message(build_document("cartCreate"), input=given))
                await wait_until(lambda: bool(server.server.server_state.tasks))
                line.writer.transport.abort()
                await wait_until(lambda: not server.server.server_state.tasks)
            lock.release()
            await world.gateway.database.write(lambda _: None)
        assert await count_rows(world) == (0, 0, 0)


async def test_of_several_mutations_those_that_have_not_begun_are_given_up(world: World) -> None:
    """The first one waits for a channel until the deadline has passed. Its answer is not lost."""
    shopper, barrier = RecordingShopper(world), Barrier()
    await shopper.fill("web", TEE_B=1)
    await shopper.submit(await shopper.find_option("SHIPPING", "depot"))
    before, two = await count_rows(world), await build_input(world, make_key())
    with world.stores["web"].under(barrier, method="send"):
        running = asyncio.create_task(
            world.client.ask(ORDER_AND_CART, one={"idempotencyKey": make_key(), **shopper.request}, two=two)
        )
        await barrier.reached.wait()
        asyncio.get_running_loop().call_later(1, barrier.open)
        answer = await running
    assert answer.codes == ["DEADLINE_EXCEEDED"] and answer.body["errors"][0]["path"] == ["two"]
    assert answer.body["data"]["one"]["order"]["number"] and answer.body["data"]["two"] is None
    assert (await count_rows(world))[0] == before[0]


@pytest.mark.parametrize("seed", range(3))
async def test_an_answer_and_the_rows_always_agree(world: World, database_url: str, seed: int) -> None:
    """Mutations that are given up about when they begin: each one is whole, or it was never there."""
    keys = [make_key() for _ in range(12)]
    inputs = [await build_input(world, key) for key in keys]
    with Lock(database_url) as lock:
        asyncio.get_running_loop().call_later(0.46 + 0.02 * seed, lock.release)
        answers = await asyncio.gather(
            *(world.client.ask(build_document("cartCreate"), input=given) for given in inputs)
        )
    await world.gateway.database.write(lambda _: None)
    done = sum("errors" not in answer.body for answer in answers)
    assert all(answer.codes in ([], ["DEADLINE_EXCEEDED"]) for answer in answers)
    assert await count_rows(world) == (done, done, done)
