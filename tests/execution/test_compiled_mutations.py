"""Compiled mutations (rule E1): they write once, answer as the reference executor, and nothing of them is cached."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from gateway.execution import executor
from gateway.execution.compiler.compiled_operation import execute_compiled
from gateway.execution.compiler.generator import Generator
from gateway.execution.compiler.run import PlanRun
from gateway.execution.context import Context
from tests.conftest import NEVER
from tests.execution.test_engines import count_calls, use_engine
from tests.graphql.shopper import TABLES, Shopper, build_stores, make_key, run_as_staff
from tests.graphql.world import ADMIN, Answer, Client, World, open_world
from tests.graphql.writable_channels import select_variant_id

pytestmark = [pytest.mark.anyio, pytest.mark.any_database]

ADD = """mutation ($input: CartCreateInput!) { cartCreate(input: $input) { cart {
  id lines { quantity variant { id product { title variants { nodes { sku stock { available } } } } } } } } }"""


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with open_world(database_url, build_stores(), **TABLES) as world:
        yield world


class ComparedMutations:
    """Sends every mutation four times with its idempotency key, to both engines in turn, and compares the responses to
    the repeated ones.

    Attributes:
        compared: the names of the mutations that both engines have answered alike, without errors.
        differing: the responses that differ.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.compared: set[str] = set()
        self.differing: list[object] = []
        self._by_reference = count_calls(monkeypatch)
        self._ask = Client.ask
        monkeypatch.setattr(Client, "ask", self._get_compared())

    def _get_compared(self) -> Any:
        async def ask(client: Client, query: str, token: str | None = None, **variables: Any) -> Answer:
            if not query.startswith("mutation"):
                return await self._ask(client, query, token, **variables)
            answers = [await self._ask_engine(n, client, query, token, variables) for n in (0, NEVER, 0, NEVER)]
            self._compare(query, answers)
            return answers[0]

        return ask

    async def _ask_engine(
        self, executions: int, client: Client, query: str, token: str | None, variables: dict[str, Any]
    ) -> Answer:
        before = self._by_reference[0]
        with use_engine(executions):
            answer = await self._ask(client, query, token, **variables)
        if "errors" not in answer.body:
            assert self._by_reference[0] - before == (executions == NEVER), query
        return answer

    def _compare(self, query: str, answers: list[Answer]) -> None:
        shown = [render(answer) for answer in answers[1:]]
        if shown[0] != shown[1] or shown[1] != shown[2]:
            self.differing.append(shown)
        if "errors" not in answers[0].body:
            self.compared.add(query.split("{ ")[1].split("(")[0])


def render(answer: Answer) -> tuple[int, str]:
    """Render a response without ids of requests."""
    for error in answer.body.get("errors", ()):
        error["extensions"].pop("requestId")
    return answer.status, json.dumps(answer.body)


async def test_both_engines_show_the_same_of_a_mutation(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    mutations = ComparedMutations(monkeypatch)
    await fill_and_buy(world)
    await collect_order(world)
    await move_stock(world)
    assert mutations.differing == []
    assert mutations.compared == {
        *("cartCreate", "cartLinesAdd", "cartLinesUpdate", "cartLinesRemove", "cartMove"),
        *("orderPlace", "orderPaymentRecord", "orderCancel", "fulfillmentMarkReady", "fulfillmentCollect"),
        *("stockReserve", "stockRelease", "stockAdjust", "channelPause", "channelResume"),
    }


async def fill_and_buy(world: World) -> None:
    """Change a cart in all ways, buy what is in it, and cancel the order. Some inputs are wrong."""
    shopper = Shopper(world)
    mug, tee = [await select_variant_id(world, sku) for sku in ("MUG", "TEE-R")]
    await shopper.fill("till", MUG=1)
    await shopper.ask("cartLinesAdd", cartToken=shopper.cart["token"], lines=[{"variantId": tee, "quantity": 1}])
    await shopper.ask("cartLinesAdd", cartToken=shopper.cart["token"], lines=[{"variantId": mug, "quantity": 10**6}])
    await shopper.ask("cartLinesAdd", cartToken="wrong", lines=[{"variantId": mug, "quantity": 1}])
    first, second = (line["id"] for line in shopper.cart["lines"])
    update = {"lineId": first, "quantity": 2}
    await shopper.ask("cartLinesUpdate", cartToken=shopper.cart["token"], lines=[update])
    await shopper.ask("cartLinesRemove", cartToken=shopper.cart["token"], lineIds=[second])
    await shopper.ask("cartMove", cartToken=shopper.cart["token"], channelKey="web")
    order = (await shopper.buy(await shopper.find_option("SHIPPING", "depot")))["order"]
    await world.gateway.run_due()
    await run_as_staff(world, "orderCancel", orderId=order["id"], version=order["version"])


async def collect_order(world: World) -> None:
    """Place an order that is picked up. A wrong code is refused."""
    shopper = Shopper(world)
    await shopper.fill("web", MUG=1)
    order = (await shopper.buy(await shopper.find_option("PICKUP", "london")))["order"]
    await world.gateway.run_due()
    (part,) = order["fulfillments"]
    await run_as_staff(world, "fulfillmentMarkReady", fulfillmentId=part["id"], version=part["version"])
    for code in ("wrong", part["pickupCode"]):
        await run_as_staff(world, "fulfillmentCollect", fulfillmentId=part["id"], pickupCode=code)


async def move_stock(world: World) -> None:
    """Reserve, release and adjust stock; some callers may not."""
    variant = await select_variant_id(world, "MUG")
    line = {"variantId": variant, "quantity": 1, "locationKey": "london"}
    staff = Shopper(world, ADMIN)
    held = await staff.ask("stockReserve", lines=[line], holdSeconds=60)
    await staff.ask("stockRelease", reservationIds=[one["id"] for one in held["reservations"]])
    for on_hand in (41, 41):  # the second expects another number
        await run_as_staff(world, "stockAdjust", **build_adjustment(variant, 40, on_hand))
    for name in ("channelPause", "channelResume"):
        await run_as_staff(world, name, channelKey="web")
        text = f'mutation {{ {name}(input: {{channelKey: "web", idempotencyKey: "{make_key()}"}}) {{ __typename }} }}'
        assert (await world.client.ask(text)).codes == ["UNAUTHENTICATED"]


def build_adjustment(variant: str, expected: int, on_hand: int) -> dict[str, Any]:
    """Build the input of `stockAdjust` that sets what London has of a variant."""
    where = {"variantId": variant, "locationKey": "london"}
    return {**where, "expectedOnHand": expected, "onHand": on_hand, "reason": "COUNT"}


async def test_a_mutation_whose_response_fails_has_written_once(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The reference executor completes what the compiled function has left, with what it has written."""

    def fail(*_: object) -> None:
        raise ValueError("planted")

    variant, key = await select_variant_id(world, "MUG"), make_key()
    given = {"channelKey": "web", "idempotencyKey": key, "lines": [{"variantId": variant, "quantity": 1}]}
    calls = count_calls(monkeypatch)
    with monkeypatch.context() as planted, use_engine(0):
        planted.setattr(PlanRun, "start_load", fail)
        created = await world.client.fetch_data(ADD, input=given)
    assert calls == [1] and "planted" in caplog.text
    assert (await world.client.fetch_data(ADD, input=given)) == created
    assert [one["quantity"] for one in created["cartCreate"]["cart"]["lines"]] == [1]


async def test_equal_mutations_write_again(world: World) -> None:
    """Only the idempotency key makes two mutations one: nothing of the first is taken for the second."""
    variant = await select_variant_id(world, "MUG")
    lines, ids = [{"variantId": variant, "quantity": 1}], set()
    for key in (make_key(), make_key(), make_key()):
        given = {"channelKey": "web", "idempotencyKey": key, "lines": lines}
        ids.add((await world.client.fetch_data(ADD, input=given))["cartCreate"]["cart"]["id"])
    assert len(ids) == 3


RESERVE = """mutation ($input: StockReserveInput!) { stockReserve(input: $input) { reservations {
  variant { product { variants { nodes { sku stock(channelKey: "till") { available } } } } } } } }"""


async def reserve_mugs(world: World) -> list[int]:
    """Reserve a mug, send that again, and reserve another. Returns how many each response shows as available."""
    line = {"variantId": await select_variant_id(world, "MUG"), "quantity": 1, "locationKey": "london"}
    first, found = make_key(), []
    for key in (first, first, make_key()):
        given = {"lines": [line], "holdSeconds": 60, "idempotencyKey": key}
        found.append(find_available(await world.client.fetch_data(RESERVE, ADMIN, input=given)))
    return found


async def test_a_mutation_shows_what_it_has_just_written(world: World) -> None:
    assert await reserve_mugs(world) == [45, 45, 44]


async def test_the_proof_executed_as_a_query_it_shows_what_was_before(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A query shows a cached object that was right when the request began."""
    monkeypatch.setattr(Generator, "_writes", False)
    monkeypatch.setattr(executor, "execute_compiled_mutation", execute_compiled)
    assert await reserve_mugs(world) == [45, 45, 45]


def find_available(data: Any) -> int:
    """Find how many mugs a response shows as available."""
    if isinstance(data, list):
        return sum(map(find_available, data))
    if not isinstance(data, dict):
        return 0
    own = data["stock"]["available"] if data.get("sku") == "MUG" else 0
    return int(own) + sum(map(find_available, data.values()))


async def test_nothing_of_a_mutation_is_kept(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its arguments have tokens and idempotency keys."""
    generations: list[int | None] = []
    close = Context.close

    def close_recorded(self: Context) -> None:
        generations.append(self.generation)
        close(self)

    monkeypatch.setattr(Context, "close", close_recorded)
    gateway, variant = world.gateway, await select_variant_id(world, "MUG")
    sizes = (gateway.responses.size, gateway.rendered.size)
    generations.clear()
    for _ in range(3):
        given = {"channelKey": "web", "idempotencyKey": make_key(), "lines": [{"variantId": variant, "quantity": 1}]}
        await world.client.fetch_data(ADD, input=given)
    assert (gateway.responses.size, gateway.rendered.size) == sizes and generations == [None] * 3
