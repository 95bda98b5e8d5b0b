"""Too much at once, as clients see it: refused before anything is read, and never those who look after the gateway."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx2
import pytest

from gateway.http.gate import Gate, OverloadedError
from gateway.http.turn import Turn
from tests.graphql.buying import TABLES, Shopper, stores
from tests.graphql.test_stock import variant_id
from tests.graphql.world import ADMIN, STAFF, World, opened, small_world
from tests.http.asking import GRAPHQL, JSON, media

pytestmark = pytest.mark.anyio


@pytest.fixture
async def busy(database_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    """A gateway that has no time for anybody."""
    async with small_world(database_url) as world:
        monkeypatch.setattr(Gate, "admits", lambda *_: False)
        yield world


async def ask(world: World, token: str | None = None) -> httpx2.Response:
    headers = {"accept": GRAPHQL, **({"authorization": f"Bearer {token}"} if token else {})}
    return await world.client.http.post("/graphql", json={"query": "{ __typename }"}, headers=headers)


async def test_what_cannot_begin_soon_is_refused_with_its_code_and_when_to_come_again(busy: World) -> None:
    for token in (None, STAFF, "unknown"):
        response = await ask(busy, token)
        (error,) = response.json()["errors"]
        assert (response.status_code, error["extensions"]["code"]) == (503, "OVERLOADED")
        assert error["extensions"]["requestId"] == response.headers["x-request-id"]
        assert (response.headers["retry-after"], response.headers["cache-control"]) == ("1", "no-store")


@pytest.mark.parametrize("accept", [GRAPHQL, JSON])
async def test_a_refusal_has_the_type_that_the_client_looks_for_codes_in(busy: World, accept: str) -> None:
    response = await busy.client.http.post("/graphql", json={}, headers={"accept": accept})
    assert (response.status_code, media(response)) == (503, accept)


async def test_nothing_is_read_of_what_is_refused(busy: World) -> None:
    read = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal read
        for _ in range(100):
            read += 1
            yield b" " * 1_000

    transport = httpx2.ASGITransport(app=busy.client.http._transport.app)  # type: ignore[attr-defined]
    async with httpx2.AsyncClient(transport=transport, base_url="http://gateway") as http:
        response = await http.post("/graphql", content=body())
    assert (response.status_code, read) == (503, 0)


async def test_health_webhooks_and_admins_are_never_refused(busy: World) -> None:
    assert (await ask(busy, ADMIN)).status_code == 200
    for path in ("/health/live", "/health/ready"):
        assert (await busy.client.http.get(path)).status_code == 200
    assert (await busy.client.http.post("/webhooks/nowhere")).status_code == 404


async def test_who_waited_in_vain_is_told_so(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def enter(*_: object) -> None:
        raise OverloadedError

    async with small_world(database_url) as world:
        monkeypatch.setattr(Gate, "enter", enter)
        response = await ask(world)
        assert (response.status_code, response.headers["retry-after"]) == (503, "1")


async def test_a_crowd_is_answered_or_refused_and_nothing_else(database_url: str) -> None:
    async with small_world(database_url, limits={"crowd": 20}) as world:
        fields = "title variants(first: 5) { nodes { stock { available } } }"
        query = {"query": f"{{ products(first: 50) {{ nodes {{ {fields} }} }} }}"}
        answers = await asyncio.gather(*(world.client.http.post("/graphql", json=query) for _ in range(200)))
        found = {answer.status_code for answer in answers}
        assert found == {200, 503}
        assert (await ask(world)).status_code == 200


async def test_queries_stand_back_where_they_read_and_mutations_never(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = 0

    async def counted(self: Turn, step: Callable[[Turn], Awaitable[None]] = Turn.stand_back) -> None:
        nonlocal steps
        steps += 1
        await step(self)

    monkeypatch.setattr(Turn, "stand_back", counted)
    async with opened(database_url, stores(), **TABLES) as world:
        await world.client.data("{ products { nodes { title } } }")
        assert steps == 2  # before and after the page is read
        await world.client.data("{ products { nodes { availableForSale } } }")
        assert steps == 2 + 2 + 2  # … and what belongs to it
        shopper = Shopper(world)
        variant = await variant_id(world, "MUG")
        steps = 0
        await shopper.ask("cartCreate", channelKey="web", lines=[{"variantId": variant, "quantity": 1}])
        assert (steps, len(shopper.cart["lines"])) == (0, 1)
