"""Rate limits of a client, by the cost of its operations per minute."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx2
import pytest
from fakeredis import TcpFakeServer
from hypothesis import given
from hypothesis import strategies as st
from limits.aio.storage import Storage

from gateway.http.auth import Client
from gateway.http.rate_limit import memory_storage
from gateway.http.rate_limit.limiter import (
    REQUEST_COST,
    WINDOW_SECONDS,
    RateLimitedError,
    RateLimiter,
    create_shared_storage,
)
from gateway.settings.schema import LimitsTable
from tests.gateways import Clock
from tests.graphql.world import ADMIN, PRODUCTION, STAFF, World, open_small_world
from tests.http.raw_client import GRAPHQL

pytestmark = [pytest.mark.anyio, pytest.mark.any_database]

QUERY = "{ viewer { kind } }"
COST = REQUEST_COST + 1
ONE, OTHER = Client("192.0.2.1"), Client("192.0.2.2")
STRICT: dict[str, Any] = {"anonymous": {"rate": 3 * COST}, "known": {"rate": 5 * COST}}


def build_limiter(clock: Clock, most: int = 3 * COST, **other: Any) -> RateLimiter:
    return RateLimiter(
        LimitsTable.model_validate({"anonymous": {"rate": most}}), clock, has_default_quota=False, **other
    )


async def is_admitted(some: RateLimiter, client: Client, cost: int = 1) -> bool:
    try:
        await some.charge(client, cost)
    except RateLimitedError:
        return False
    return True


async def ask(world: World, token: str | None = None, query: str = QUERY) -> httpx2.Response:
    headers = {"accept": GRAPHQL, **({"authorization": f"Bearer {token}"} if token else {})}
    return await world.client.http.post("/graphql", json={"query": query}, headers=headers)


async def test_a_client_that_asks_for_too_much_gets_retry_after(database_url: str) -> None:
    async with open_small_world(database_url, limits=STRICT) as world:
        for left in (2 * COST, COST, 0):
            answer = await ask(world)
            assert answer.status_code == 200
            assert answer.headers["ratelimit-policy"] == f'"anonymous";q={3 * COST};w=60'
            assert answer.headers["ratelimit"].startswith(f'"anonymous";r={left};t=')
        refused = await ask(world)
        (error,) = refused.json()["errors"]
        assert (refused.status_code, error["extensions"]["code"]) == (429, "RATE_LIMITED")
        assert error["extensions"]["requestId"] == refused.headers["x-request-id"]
        world.clock.forward(seconds=int(refused.headers["retry-after"]))
        again = await ask(world)
        while again.status_code == 429:
            assert again.headers["retry-after"].isdigit()
            world.clock.forward(seconds=int(again.headers["retry-after"]))
            again = await ask(world)
        assert again.status_code == 200


async def test_tokens_have_allowances_of_their_own_and_an_admin_has_none(database_url: str) -> None:
    async with open_small_world(database_url, limits=STRICT) as world:
        assert [(await ask(world)).status_code for _ in range(4)] == [200] * 3 + [429]
        assert [(await ask(world, STAFF)).status_code for _ in range(6)] == [200] * 5 + [429]
        admin = [await ask(world, ADMIN) for _ in range(10)]
        assert {answer.status_code for answer in admin} == {200}
        assert "ratelimit" not in admin[0].headers


async def test_what_cannot_be_run_counts_as_well(database_url: str) -> None:
    async with open_small_world(database_url, limits=STRICT) as world:
        assert [(await ask(world, query="{ nothing }")).status_code for _ in range(4)] == [400] * 3 + [429]


UNREAD: list[tuple[int, str, dict[str, Any]]] = [
    (400, "POST", {"content": b"{", "headers": {"content-type": "application/json"}}),
    (415, "POST", {"content": b"query=x", "headers": {"content-type": "text/plain"}}),
    (401, "POST", {"json": {"query": QUERY}, "headers": {"authorization": "Bearer guessed"}}),
    (400, "GET", {"params": {"query": QUERY, "variables": "{"}}),
    (405, "GET", {"params": {"query": "mutation { __typename }"}}),
    (403, "GET", {"params": {"query": QUERY}, "headers": {"origin": "https://elsewhere.example"}}),
]
"""Requests that run nothing, with the status of their response."""


async def test_what_is_no_request_counts_as_well(database_url: str) -> None:
    async with open_small_world(database_url, limits={"anonymous": {"rate": len(UNREAD) * REQUEST_COST}}) as world:
        answers = [await world.client.http.request(method, "/graphql", **sent) for _, method, sent in UNREAD]
        assert [answer.status_code for answer in answers] == [status for status, _, _ in UNREAD]
        assert (await ask(world)).status_code == 429


@pytest.mark.parametrize("limits", [{"anonymous": {"cost": 10, "rate": 3_000}}, {"anonymous": {"rate": 3_000}}])
async def test_an_operation_that_can_never_run_gets_no_retry_after(database_url: str, limits: dict[str, Any]) -> None:
    query = "{ products(first: 100) { nodes { variants(first: 100) { nodes { id } } } } }"
    async with open_small_world(database_url, limits=limits) as world:
        answers = [await ask(world, query=query) for _ in range(7)]
        codes = [answer.json()["errors"][0]["extensions"]["code"] for answer in answers]
        assert codes == ["COST_ESTIMATED_TOO_EXPENSIVE"] * 6 + ["RATE_LIMITED"]
        assert answers[0].headers["graphql-cost"].endswith(f";max={limits['anonymous'].get('cost', 2_500)}")


async def test_asking_for_documents_that_are_not_there_counts_as_well(database_url: str) -> None:
    limits = {"anonymous": {"rate": 3 * REQUEST_COST}}
    async with open_small_world(database_url, limits=limits) as world:
        asked = [{"documentId": f"sha256:{number:064}"} for number in range(4)]
        answers = [await world.client.http.post("/graphql", json=one, headers={"accept": GRAPHQL}) for one in asked]
        codes = [answer.json()["errors"][0]["extensions"]["code"] for answer in answers]
        assert codes == ["PERSISTED_QUERY_NOT_FOUND"] * 3 + ["RATE_LIMITED"]


async def test_in_development_no_client_is_limited_unless_configured(database_url: str) -> None:
    async with open_small_world(database_url) as world:
        assert "ratelimit" not in (await ask(world)).headers
    async with open_small_world(database_url, **PRODUCTION) as world:
        assert "q=3000000" in (await ask(world)).headers["ratelimit-policy"]


async def test_clients_do_not_count_for_each_other() -> None:
    some = build_limiter(Clock())
    assert [await is_admitted(some, ONE) for _ in range(4)] == [True, True, True, False]
    assert await is_admitted(some, OTHER)


async def test_who_has_nothing_left_is_known_before_anything_is_read() -> None:
    clock = Clock()
    some = build_limiter(clock)
    assert some.check_exhausted(ONE) is None
    while await is_admitted(some, ONE):
        pass
    refused = some.check_exhausted(ONE)
    assert refused is not None
    assert refused.retry_after >= 1
    assert some.check_exhausted(OTHER) is None
    clock.forward(seconds=2 * WINDOW_SECONDS)
    assert some.check_exhausted(ONE) is None


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 2_000)), max_size=40))
def test_within_a_minute_no_client_gets_more_than_allowed(steps: list[tuple[int, int]]) -> None:
    """At most twice: the sliding window is an estimate from two fixed windows; in each fixed window the limit holds
    exactly.
    """
    asyncio.run(_walk(steps))


async def _walk(steps: list[tuple[int, int]]) -> None:
    clock, most = Clock(), 5_000
    some = build_limiter(clock, most)
    taken: dict[int, int] = {}
    for wait, cost in steps:
        clock.forward(seconds=wait)
        if await is_admitted(some, ONE, cost):
            window = int(clock().timestamp() // WINDOW_SECONDS)
            taken[window] = taken.get(window, 0) + REQUEST_COST + cost
    assert all(count <= most for count in taken.values())


async def test_waiting_for_retry_after_is_long_enough() -> None:
    clock = Clock()
    some = build_limiter(clock, 10_000)
    for cost in (4_000, 4_000, 7_000, 9_000, 300):
        for _ in range(5):
            try:
                await some.charge(ONE, cost)
                break
            except RateLimitedError as error:
                clock.forward(seconds=error.retry_after + 1)
        else:
            pytest.fail(f"{cost} is never allowed")
        clock.forward(seconds=7)


async def test_however_many_addresses_there_are_the_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_storage, "MAX_CLIENTS", 100)
    some = build_limiter(Clock())
    for number in range(1_000):
        assert await is_admitted(some, Client(str(number)))
    assert len(some._local) == 100
    assert await is_admitted(some, Client("999"), COST)
    assert not await is_admitted(some, Client("999"), COST)


# ------------------------------------------------------------------------------------------------ shared limits


@pytest.fixture(scope="module")
def redis() -> Iterator[str]:
    server = TcpFakeServer(("127.0.0.1", 0), server_type="redis")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"redis://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


@contextlib.asynccontextmanager
async def open_shared_storage(url: str) -> AsyncIterator[Storage]:
    storage: Any = create_shared_storage(url)
    yield storage
    await storage.bridge.storage.aclose()


async def test_processes_that_share_a_redis_count_together(redis: str) -> None:
    async with open_shared_storage(redis) as one, open_shared_storage(redis) as other:
        some = [build_limiter(Clock(), shared=storage) for storage in (one, other)]
        assert [await is_admitted(some[number % 2], ONE) for number in range(4)] == [True, True, True, False]


async def test_without_its_redis_a_process_counts_alone_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    async with open_shared_storage("redis://127.0.0.1:1") as storage:
        some = build_limiter(clock, shared=storage)
        assert [await is_admitted(some, ONE) for _ in range(4)] == [True, True, True, False]
        assert [record.message for record in caplog.records] == [
            "rate limits: the shared storage failed; this process counts alone"
        ]
        clock.forward(seconds=60)
        assert await is_admitted(some, OTHER)
        assert len(caplog.records) == 2  # it has retried
