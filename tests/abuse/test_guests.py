"""Orders of guests: found only by who knows number and address, and not by guessing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from gateway.commerce.orders import guest_lookup
from gateway.graphql.inputs import GUEST_LOOKUP_COST
from gateway.storage import tables
from gateway.storage.writes import attempts
from tests.abuse.clients import connect_from, place_order_for_pickup
from tests.graphql.shopper import CONTACT, TABLES, build_stores
from tests.graphql.test_statements import capture_statements
from tests.graphql.world import ACCEPT, ADMIN, CLERK, Answer, Client, World, open_world

pytestmark = [pytest.mark.anyio, pytest.mark.any_database]

FOUND = """query ($by: OrderIdentifierInput!) { order(by: $by) {
  number status accessToken contact { name email } shippingAddress { line1 } billingAddress { line1 }
  customer { displayName } lines { nodes { sku quantity } }
  fulfillments { method status pickupCode location { name } order { number contact { name } } }
  payments { status } events { nodes { kind } } } }"""
BATCHES = {**TABLES, "server": {"batching": 10}}


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with open_world(database_url, build_stores(), **BATCHES) as world:
        yield world


@pytest.fixture
async def order(world: World) -> dict[str, Any]:
    """An order that a guest has placed in the web store, to be collected in London."""
    return await place_order_for_pickup(world)


def build_guest(number: str, email: str = CONTACT["email"]) -> dict[str, Any]:
    return {"guest": {"channelKey": "web", "number": number, "email": email}}


async def look_up(client: Client, number: str, email: str = CONTACT["email"], token: str | None = None) -> Answer:
    return await client.ask(FOUND, token, by=build_guest(number, email))


async def test_a_guest_sees_the_state_and_the_lines_but_no_personal_data(world: World, order: dict[str, Any]) -> None:
    found = (await look_up(world.client, order["number"], " ADA@example.com")).data["order"]
    (part,) = found["fulfillments"]
    assert (found["number"], found["lines"]["nodes"]) == (order["number"], [{"sku": None, "quantity": 1}])
    assert (part["method"], part["location"], part["pickupCode"]) == ("PICKUP", {"name": "London"}, None)
    hidden = ("accessToken", "contact", "shippingAddress", "billingAddress", "customer")
    assert [found[name] for name in hidden] == [None] * 5
    assert part["order"] == {"number": order["number"], "contact": None}


async def test_the_access_token_opens_the_whole_order(world: World, order: dict[str, Any]) -> None:
    found = (await world.client.ask(FOUND, by={"accessToken": order["accessToken"]})).body["data"]["order"]
    assert (found["contact"]["email"], found["fulfillments"][0]["pickupCode"]) == (
        CONTACT["email"],
        order["fulfillments"][0]["pickupCode"],
    )


async def test_one_request_looks_up_one_order(world: World, order: dict[str, Any]) -> None:
    aliases = "{" + "".join(f"a{n}: order(by: $by) {{ number }}" for n in range(5)) + "}"
    answer = await world.client.ask(f"query ($by: OrderIdentifierInput!) {aliases}", by=build_guest(order["number"]))
    assert answer.codes == ["BAD_USER_INPUT"] * 4
    one = {"query": FOUND, "variables": {"by": build_guest("wrong")}}
    batch = (await world.client.http.post("/graphql", json=[one] * 3, headers=ACCEPT)).json()
    assert ["errors" in answer for answer in batch] == [False, True, True]


async def test_a_lookup_costs_more_than_a_field(world: World, order: dict[str, Any]) -> None:
    query = "query ($by: OrderIdentifierInput!) { order(by: $by) { number } }"
    costs = []
    for by in (build_guest(order["number"]), {"accessToken": order["accessToken"]}):
        response = await world.client.http.post("/graphql", json={"query": query, "variables": {"by": by}})
        costs.append(int(response.headers["graphql-cost"].partition(";")[0]))
    assert costs[0] - costs[1] == GUEST_LOOKUP_COST


async def test_after_five_wrong_addresses_a_number_is_found_by_its_token_only(
    world: World, order: dict[str, Any]
) -> None:
    number = order["number"]
    for _ in range(5):
        assert (await look_up(world.client, number, "eve@example.com")).data == {"order": None}
    assert (await look_up(world.client, number)).data == {"order": None}, "the right answer is like a wrong one"
    assert (await world.client.ask(FOUND, by={"accessToken": order["accessToken"]})).body["data"]["order"]
    world.clock.forward(hours=1, seconds=1)
    assert (await look_up(world.client, number)).data["order"]["number"] == number


async def test_a_guest_who_knows_the_order_may_look_as_often_as_they_like(world: World, order: dict[str, Any]) -> None:
    for _ in range(25):
        assert (await look_up(world.client, order["number"])).data["order"]
    rows = await world.gateway.database.read(lambda conn: conn.execute(sa.select(tables.attempts)).all())
    assert rows == []


async def test_after_twenty_wrong_numbers_a_network_has_to_wait(world: World, order: dict[str, Any]) -> None:
    async with connect_from(world, "192.0.2.1") as one, connect_from(world, "192.0.2.200") as neighbor:
        for number in range(20):
            client = one if number % 2 else neighbor
            assert (await look_up(client, str(number))).data == {"order": None}
        body = {"query": FOUND, "variables": {"by": build_guest(order["number"])}}
        response = await neighbor.http.post("/graphql", json=body, headers=ACCEPT)
        (error,) = response.json()["errors"]
        assert (error["extensions"]["code"], response.json()["data"]) == ("RATE_LIMITED", {"order": None})
        assert 3_500 < error["extensions"]["retryAfterSeconds"] == int(response.headers["retry-after"]) <= 3_601
        world.clock.forward(seconds=error["extensions"]["retryAfterSeconds"])
        assert (await look_up(one, order["number"])).data["order"]
    async with connect_from(world, "198.51.100.1") as other:
        assert (await look_up(other, order["number"])).data["order"]


async def test_a_server_with_a_token_is_not_one_guest(world: World, order: dict[str, Any]) -> None:
    for number in range(21):
        await look_up(world.client, f"wrong {number}", token=CLERK)
    assert (await look_up(world.client, order["number"], token=CLERK)).body["data"]["order"]


async def guess_at_once(world: World, number: str, times: int) -> int:
    """Guess a number's address at once, all wrong, and return how many guesses were counted or refused."""
    answers = await asyncio.gather(*(look_up(world.client, number, f"{n}@example.com") for n in range(times)))
    return sum(answer.codes == ["RATE_LIMITED"] for answer in answers)


async def test_guesses_at_once_are_counted_one_by_one(world: World, order: dict[str, Any]) -> None:
    assert await guess_at_once(world, order["number"], 30) == 10


async def test_the_proof_that_without_the_count_a_number_can_be_guessed(
    world: World, order: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempts, "record_failure", lambda *_: None)
    assert await guess_at_once(world, order["number"], 30) == 0
    assert (await look_up(world.client, order["number"])).data["order"]


async def test_wrong_and_absent_numbers_take_the_same_work(world: World, order: dict[str, Any]) -> None:
    counts = []
    for number, email in (("absent", "eve@example.com"), (order["number"], "eve@example.com"), ("absent", "x")):
        with capture_statements() as statements:
            assert (await look_up(world.client, number, email)).data == {"order": None}
        counts.append(sorted(statement.split()[0] for statement in statements))
    assert counts[0] == counts[1] == counts[2]


async def test_both_digests_are_compared_whatever_is_wrong(
    world: World, order: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[str] = []
    real = guest_lookup._digest

    def note_digest(text: str) -> bytes:
        compared.append(text)
        return real(text)

    monkeypatch.setattr(guest_lookup, "_digest", note_digest)
    for number in ("absent", order["number"]):
        compared.clear()
        await look_up(world.client, number, "eve@example.com")
        assert len(compared) == 4


async def test_counts_of_guesses_are_bounded_and_expire(world: World) -> None:
    for number in range(5):
        await look_up(world.client, f"wrong {number}")
    await world.gateway.database.write(attempts.prune_attempts, world.clock() - timedelta(hours=1), 3)
    count = sa.select(sa.func.count()).select_from(tables.attempts)
    assert await world.gateway.database.read(lambda conn: conn.scalar(count)) in range(4)
    world.clock.forward(hours=2)
    await world.gateway.purge_expired()
    assert await world.gateway.database.read(lambda conn: conn.scalar(count)) == 0


async def test_staff_need_no_guesses(world: World, order: dict[str, Any]) -> None:
    by = {"number": {"channelKey": "web", "number": order["number"]}}
    assert (await world.client.ask(FOUND, ADMIN, by=by)).body["data"]["order"]["contact"]["email"] == CONTACT["email"]
