"""Overload as clients see it: requests are rejected before anything is read, and administrators are always admitted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx2
import pytest

from gateway.http.admission.fair_queue import AdmissionQueue
from gateway.http.admission.slot import RequestSlot
from gateway.http.errors import OverloadedError
from tests.graphql.shopper import TABLES, Shopper, build_stores
from tests.graphql.test_stock import fetch_variant_id
from tests.graphql.world import ADMIN, STAFF, World, open_small_world, open_world
from tests.http.raw_client import GRAPHQL, JSON, get_media_type

pytestmark = [pytest.mark.anyio, pytest.mark.any_database]


@pytest.fixture
async def busy(database_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    """A gateway without free capacity."""
    async with open_small_world(database_url) as world:
        monkeypatch.setattr(AdmissionQueue, "can_admit", lambda *_: False)
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
        assert (response.headers["retry-after"], response.headers["cache-control"]) == ("1", "private, no-store")


@pytest.mark.parametrize("accept", [GRAPHQL, JSON])
async def test_a_refusal_has_the_type_that_the_client_looks_for_codes_in(busy: World, accept: str) -> None:
    response = await busy.client.http.post("/graphql", json={}, headers={"accept": accept})
    assert (response.status_code, get_media_type(response)) == (503, accept)


async def test_nothing_is_read_of_what_is_refused(busy: World) -> None:
    read = 0

    async def stream_body() -> AsyncIterator[bytes]:
        nonlocal read
        for _ in range(100):
            read += 1
            yield b" " * 1_000

    transport = httpx2.ASGITransport(app=busy.client.http._transport.app)  # type: ignore[attr-defined]
    async with httpx2.AsyncClient(transport=transport, base_url="http://gateway") as http:
        response = await http.post("/graphql", content=stream_body())
    assert (response.status_code, read) == (503, 0)


async def test_health_webhooks_and_admins_are_never_refused(busy: World) -> None:
    assert (await ask(busy, ADMIN)).status_code == 200
    for path in ("/health/live", "/health/ready"):
        assert (await busy.client.http.get(path)).status_code == 200
    assert (await busy.client.http.post("/webhooks/nowhere")).status_code == 404


async def test_a_request_whose_wait_times_out_is_rejected(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def enter(*_: object) -> None:
        raise OverloadedError

    async with open_small_world(database_url) as world:
        monkeypatch.setattr(AdmissionQueue, "enter", enter)
        response = await ask(world)
        assert (response.status_code, response.headers["retry-after"]) == (503, "1")


async def test_many_requests_at_once_are_answered_or_refused_and_nothing_else(database_url: str) -> None:
    async with open_small_world(database_url, limits={"queue_size": 20}) as world:
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

    async def count_step(
        self: RequestSlot, step: Callable[[RequestSlot], Awaitable[None]] = RequestSlot.yield_to_others
    ) -> None:
        nonlocal steps
        steps += 1
        await step(self)

    monkeypatch.setattr(RequestSlot, "yield_to_others", count_step)
    async with open_world(database_url, build_stores(), **TABLES) as world:
        await world.client.fetch_data("{ products { nodes { title } } }")
        assert steps == 2  # before and after the page is read
        await world.client.fetch_data("{ products { nodes { channels { state } } } }")
        assert steps == 2 + 2 + 4  # … and the nested loads
        await world.client.fetch_data("{ products { nodes { availableForSale } } }")
        assert steps == 8 + 2  # … which are the same read here
        shopper = Shopper(world)
        variant = await fetch_variant_id(world, "MUG")
        steps = 0
        await shopper.ask("cartCreate", channelKey="web", lines=[{"variantId": variant, "quantity": 1}])
        assert (steps, len(shopper.cart["lines"])) == (0, 1)
