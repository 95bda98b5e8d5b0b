"""Whatever hints and responses are lost, duplicated, delayed or reordered: after one sweep the state is that of a clean
pull (rule S7).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from gateway.runtime.gateway import Gateway
from gateway.sdk import Ref
from gateway.sdk.testing import record_builders
from gateway.sdk.testing.memory_channel import MemoryStore
from gateway.storage.sync import source_records
from gateway.storage.sync.source_records import SourceRecord
from gateway.sync.apply import ReadContext, ReadItem, apply_items
from gateway.sync.decoding import begin_read
from gateway.sync.refetch import _decode_answers
from gateway.sync.versioning import Observation, Verdict
from tests.databases import create_sqlite_database
from tests.gateways import Clock, run_gateway
from tests.sync.database_state import clear_database, select_state

CHANNELS = ("till", "web")
IDS = ("1", "2", "3")
SKUS = (None, "A", "a ", "B")
GTINS = (None, "4006381333931", "9780201379624")
Channel = st.sampled_from(CHANNELS)
Id = st.sampled_from(IDS)


@dataclass(frozen=True)
class Put:
    channel: str
    id: str
    sku: str | None
    gtin: str | None
    price: int
    title: str


@dataclass(frozen=True)
class Remove:
    channel: str
    id: str


@dataclass(frozen=True)
class Count:
    channel: str
    id: str
    on_hand: int


@dataclass(frozen=True)
class Ask:
    """A request that the channel answers at once; its response arrives later."""

    channel: str
    feed: str
    ids: tuple[str, ...]


@dataclass(frozen=True)
class Arrive:
    """The arrival of a response: perhaps again, perhaps long after others."""

    which: int


@dataclass(frozen=True)
class Hint:
    channel: str
    id: str


@dataclass(frozen=True)
class Work:
    """The gateway does its due work."""


steps = st.one_of(
    st.builds(
        Put, Channel, Id, st.sampled_from(SKUS), st.sampled_from(GTINS), st.integers(1, 3), st.sampled_from(["X", "Y"])
    ),
    st.builds(Remove, Channel, Id),
    st.builds(Count, Channel, Id, st.integers(-2, 5)),
    st.builds(
        Ask, Channel, st.sampled_from(["products", "stock"]), st.sets(Id, min_size=1).map(lambda s: tuple(sorted(s)))
    ),
    st.builds(Arrive, st.integers(0, 5)),
    st.builds(Hint, Channel, Id),
    st.just(Work()),
)
schedules = st.lists(steps, min_size=4, max_size=20)


class World:
    """Two channels, a gateway that reads them, another one without data, and responses in flight."""

    def __init__(self, gateway: Gateway, clean: Gateway, stores: dict[str, MemoryStore], clock: Clock) -> None:
        self.gateway, self.clean, self.stores, self.clock = gateway, clean, stores, clock
        self.answers: list[tuple[ReadContext, list[ReadItem]]] = []

    async def begin(self) -> None:
        """Reset everything."""
        self.answers.clear()
        for store in self.stores.values():
            store.clear()
        for gateway in (self.gateway, self.clean):
            await gateway.database.write(clear_database)

    async def run_step(self, step: Any) -> None:
        self.clock.forward(seconds=1)
        match step:
            case Put():
                row = record_builders.build_product(
                    step.id, sku=step.sku, gtin=step.gtin, price=f"{step.price}.00", title=step.title
                )
                self.stores[step.channel].put("products", row)
            case Remove():
                if step.id in self.stores[step.channel].rows("products"):
                    self.stores[step.channel].remove("products", step.id)
            case Count():
                self.stores[step.channel].put("stock", record_builders.build_stock(step.id, "shop", step.on_hand))
            case Ask():
                await self.ask(step)
            case Arrive():
                await self.deliver(step.which)
            case Hint():
                await self.gateway.database.write(
                    source_records.hint_records, step.channel, "PRODUCTS", "products", [step.id], self.clock()
                )
            case Work():
                await self.gateway.run_due()

    async def ask(self, step: Ask) -> None:
        sync = self.gateway.channel_syncs[step.channel]
        feed = sync.channel.live_feeds[step.feed]
        begun = await begin_read(sync, feed, fetched=True)
        ids = step.ids if step.feed == "products" else tuple(f"{id_}@shop" for id_ in step.ids)
        answer = await feed.fetch([Ref(id_) for id_ in ids])
        self.answers.append((begun, await _decode_answers(sync, feed, answer)))

    async def deliver(self, which: int) -> None:
        if self.answers:
            begun, found = self.answers[which % len(self.answers)]
            await self.gateway.database.write(apply_items, begun, found, None, self.clock())

    async def sweep(self) -> None:
        self.clock.forward(hours=1)
        for key in self.gateway.channel_syncs:
            await self.gateway.request_sync(key, sweep=True)
        await self.gateway.run_due()


async def check_convergence(world: World, schedule: list[Any]) -> None:
    await world.begin()
    for step in schedule:
        await world.run_step(step)
    for which in range(len(world.answers)):
        await world.deliver(which)
    await world.sweep()
    for which in range(len(world.answers)):
        await world.deliver(which)  # even now
    world.clock.forward(hours=1)
    await world.gateway.run_due()
    known = await world.gateway.database.read(select_state)
    await world.clean.run_due()
    assert known == await world.clean.database.read(select_state)


@contextlib.asynccontextmanager
async def open_world(url: str, clean_url: str, *, versions: bool) -> AsyncIterator[World]:
    """Open one world for all schedules: opening two gateways takes longer than most schedules."""
    stores, clock = {key: MemoryStore() for key in CHANNELS}, Clock()
    channels = {key: {"config": {"versions": versions, "feeds": ["products", "stock"]}} for key in CHANNELS}
    async with (
        run_gateway(url, stores, clock, channels) as gateway,
        run_gateway(clean_url, stores, clock, channels) as clean,
    ):
        yield World(gateway, clean, stores, clock)


@pytest.fixture
def clean_url(database_url: str, request: pytest.FixtureRequest) -> str:
    if database_url.startswith("sqlite"):
        return database_url.replace("gateway.db", "clean.db")
    from tests.conftest import build_database_url, execute_on_postgres

    address = request.getfixturevalue("postgres_server")
    name = database_url.rsplit("/", 1)[1].split("?")[0] + "_clean"
    execute_on_postgres(address, f"CREATE DATABASE {name} TEMPLATE template_gateway")
    request.addfinalizer(lambda: execute_on_postgres(address, f"DROP DATABASE {name} WITH (FORCE)"))
    return build_database_url(address, name)


def hold_the_property(url: str, clean_url: str, versions: bool, **options: Any) -> None:
    with asyncio.Runner() as runner:
        stack = contextlib.AsyncExitStack()
        world = runner.run(stack.enter_async_context(open_world(url, clean_url, versions=versions)))

        @settings(deadline=None, suppress_health_check=list(HealthCheck), **options)
        @given(schedules)
        def check_schedule(schedule: list[Any]) -> None:
            runner.run(check_convergence(world, schedule))

        try:
            check_schedule()
        finally:
            runner.run(stack.aclose())


@pytest.mark.any_database
@pytest.mark.parametrize("versions", [True, False], ids=["with versions", "by digests"])
def test_after_any_disorder_one_sweep_is_one_clean_pull(
    database_url: str, clean_url: str, examples: int, versions: bool
) -> None:
    hold_the_property(database_url, clean_url, versions, max_examples=examples // 5)


def accept_latest(known: SourceRecord, seen: Observation) -> Verdict:
    """The naive verdict: the latest response wins."""
    same = known.gone == seen.is_removed and known.digest == seen.digest
    return Verdict.SAME if same else Verdict.APPLY


@pytest.mark.parametrize("versions", [True, False], ids=["with versions", "by digests"])
def test_the_property_fails_without_rule_s1(tmp_path: Path, versions: bool) -> None:
    """Proof that the test above can fail."""
    urls = [create_sqlite_database(tmp_path / name) for name in ("disorder", "clean")]
    with (
        patch("gateway.sync.apply.decide_verdict", accept_latest),
        pytest.raises((AssertionError, ExceptionGroup)) as failure,
    ):
        hold_the_property(urls[0], urls[1], versions, max_examples=300, phases=[Phase.generate])
    assert "known == await" in str(failure.getrepr(style="short"))
