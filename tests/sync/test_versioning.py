"""Which of two reads of a record wins (rule S1, rule S5)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from unittest.mock import patch

import pytest

from gateway.channels.plugin_registry import discover
from gateway.runtime.gateway import open_gateway
from gateway.sdk.testing import record_builders
from gateway.sdk.testing.memory_channel import MemoryPlugin, MemoryStore
from gateway.settings.loading import parse
from gateway.storage import tables
from gateway.storage.sync.source_records import SourceRecord
from gateway.sync.versioning import Observation, Verdict, advance_source, decide_verdict
from tests.gateways import START, Clock, build_configuration, run_gateway
from tests.sync.observed_records import ask, configure_till, list_rows, list_titles, pass_of, source

KNOWN = SourceRecord(
    "1" * 32, "web", "PRODUCTS", "1", "products", version=5, digest="x", begin=10, end=20, generation=1, gone=False
)
UNVERSIONED = replace(KNOWN, version=None)
TOMBSTONE = replace(KNOWN, gone=True, digest=None)
REJECTED = replace(KNOWN, rejected=True, digest="bad")
NEVER_GOOD = replace(REJECTED, gone=True, generation=0, version=None)
UNKNOWN = SourceRecord("1" * 32, "web", "PRODUCTS", "1", "products")
BEFORE, OVER, AFTER = (3, 9), (15, 25), (20, 25)


def build_observation(
    when: tuple[int, int],
    digest: str | None = "x",
    version: int | None = None,
    *,
    bad: bool = False,
    sure: bool = False,
) -> Observation:
    return Observation(
        digest=digest,
        version=version,
        is_invalid=bad,
        begin=when[0],
        end=when[1],
        observed_at=START,
        is_authoritative=sure,
    )


@pytest.mark.parametrize(
    ("known", "observation", "verdict"),
    [
        pytest.param(UNKNOWN, build_observation((0, 1)), Verdict.APPLY, id="the first read of a record"),
        pytest.param(UNKNOWN, build_observation((0, 1), None), Verdict.SAME, id="an unknown record that is gone"),
        pytest.param(KNOWN, build_observation(BEFORE, "x", 5), Verdict.SAME, id="late and equal"),
        pytest.param(
            KNOWN, build_observation(BEFORE, "y", 6), Verdict.APPLY, id="newer, however long it was under way"
        ),
        pytest.param(
            KNOWN,
            build_observation(AFTER, "y", 4),
            Verdict.AGAIN,
            id="older, read later: perhaps a backup was restored",
        ),
        pytest.param(
            KNOWN, build_observation(AFTER, "y", 4, sure=True), Verdict.APPLY, id="older, and confirmed by id"
        ),
        pytest.param(
            KNOWN, build_observation(OVER, "y", 4, sure=True), Verdict.AGAIN, id="older, confirmed at the same time"
        ),
        pytest.param(
            KNOWN, build_observation(BEFORE, "y", 5), Verdict.IGNORE, id="another payload of the same version, earlier"
        ),
        pytest.param(
            KNOWN, build_observation(OVER, "y", 5), Verdict.AGAIN, id="another payload of the same version, meanwhile"
        ),
        pytest.param(
            KNOWN, build_observation(AFTER, "y", 5), Verdict.APPLY, id="another payload of the same version, later"
        ),
        pytest.param(UNVERSIONED, build_observation(BEFORE), Verdict.SAME, id="equal, earlier, by digest"),
        pytest.param(UNVERSIONED, build_observation(BEFORE, "y"), Verdict.IGNORE, id="another one, earlier, by digest"),
        pytest.param(
            UNVERSIONED, build_observation((3, 10), "y"), Verdict.AGAIN, id="another one that ends where this began"
        ),
        pytest.param(UNVERSIONED, build_observation(OVER, "y"), Verdict.AGAIN, id="another one, meanwhile, by digest"),
        pytest.param(UNVERSIONED, build_observation(AFTER, "y"), Verdict.APPLY, id="another one, later, by digest"),
        pytest.param(KNOWN, build_observation(BEFORE, None), Verdict.IGNORE, id="gone, earlier"),
        pytest.param(KNOWN, build_observation(OVER, None), Verdict.AGAIN, id="gone, meanwhile"),
        pytest.param(KNOWN, build_observation(AFTER, None), Verdict.APPLY, id="gone, later"),
        pytest.param(
            TOMBSTONE, build_observation(BEFORE, "y", 6), Verdict.IGNORE, id="newer, but read before it was deleted"
        ),
        pytest.param(TOMBSTONE, build_observation(OVER, "y", 6), Verdict.AGAIN, id="newer, read while it was deleted"),
        pytest.param(
            TOMBSTONE, build_observation(AFTER, "y", 4), Verdict.APPLY, id="there again, with an older version"
        ),
        pytest.param(TOMBSTONE, build_observation(AFTER, None), Verdict.SAME, id="still gone"),
        pytest.param(KNOWN, build_observation(AFTER, "bad", bad=True), Verdict.APPLY, id="rejected now"),
        pytest.param(REJECTED, build_observation(AFTER, "bad", bad=True), Verdict.SAME, id="rejected as before"),
        pytest.param(REJECTED, build_observation(AFTER, "x", 5), Verdict.APPLY, id="good again, as it was"),
        pytest.param(
            REJECTED, build_observation(BEFORE, "x", 5), Verdict.IGNORE, id="good, but read before it was rejected"
        ),
        pytest.param(REJECTED, build_observation(AFTER, None), Verdict.APPLY, id="rejected, now gone"),
        pytest.param(
            NEVER_GOOD, build_observation(AFTER, "bad", bad=True), Verdict.SAME, id="never good, and rejected as before"
        ),
        pytest.param(NEVER_GOOD, build_observation(AFTER, "x", 1), Verdict.APPLY, id="good for the first time"),
        pytest.param(NEVER_GOOD, build_observation(AFTER, None), Verdict.APPLY, id="never good, now gone"),
    ],
)
def test_which_read_is_believed(known: SourceRecord, observation: Observation, verdict: Verdict) -> None:
    assert decide_verdict(known, observation) is verdict


def test_an_equal_read_moves_begin_and_end_forward_and_never_back() -> None:
    later = advance_source(KNOWN, build_observation(AFTER, "x", 5), Verdict.SAME)
    assert (later.begin, later.end, later.version, later.generation) == (20, 25, 5, 1)
    assert advance_source(KNOWN, build_observation(BEFORE, "x", 5), Verdict.SAME) == replace(KNOWN, observed_at=START)


def test_only_a_read_that_began_after_a_hint_clears_it() -> None:
    hinted = replace(KNOWN, dirty_at=16)
    assert advance_source(hinted, build_observation((15, 25), "y", 6), Verdict.APPLY).dirty_at == 16
    assert advance_source(hinted, build_observation((16, 25), "y", 6), Verdict.APPLY).dirty_at is None
    assert advance_source(hinted, build_observation((16, 25), "x", 5), Verdict.SAME).dirty_at is None
    assert advance_source(hinted, build_observation((3, 9), "y"), Verdict.IGNORE).dirty_at == 16


def test_what_is_read_after_a_tombstone_is_the_next_generation() -> None:
    assert advance_source(TOMBSTONE, build_observation(AFTER, "y", 6), Verdict.APPLY).generation == 2
    assert advance_source(KNOWN, build_observation(AFTER, "y", 6), Verdict.APPLY).generation == 1
    assert advance_source(UNKNOWN, build_observation((0, 1), "y", 6), Verdict.APPLY).generation == 1
    assert advance_source(REJECTED, build_observation(AFTER, "y", 6), Verdict.APPLY).generation == 1


def test_a_record_that_was_named_is_not_absent() -> None:
    for verdict in (Verdict.SAME, Verdict.APPLY):
        assert advance_source(replace(KNOWN, absent_at=12), build_observation(AFTER, "y", 6), verdict).absent_at is None


# ------------------------------------------------------------------------------------------------ in a gateway

pytestmark = pytest.mark.anyio


@pytest.fixture
def store() -> Iterator[MemoryStore]:
    store = MemoryStore()
    store.put("products", record_builders.build_product("1", title="Old"))
    yield store
    store.mend()


@pytest.mark.parametrize("versions", [True, False])
async def test_a_late_answer_does_not_undo_a_newer_one(database_url: str, store: MemoryStore, versions: bool) -> None:
    async with run_gateway(database_url, {"till": store}, Clock(), configure_till(versions=versions)) as gateway:
        await gateway.run_due()
        store.change("products", "1", title="Between")
        late = await ask(gateway, "1")
        store.change("products", "1", title="New")
        await (await ask(gateway, "1")).deliver()
        await late.deliver()
        await gateway.run_due()
        assert await list_titles(gateway) == ["New"]
        assert (await source(gateway, "1")).dirty_at is None


def accept_latest(known: SourceRecord, seen: Observation) -> Verdict:
    return Verdict.APPLY


async def test_without_the_rule_a_late_answer_undoes_a_newer_one(database_url: str, store: MemoryStore) -> None:
    """Proof that the test above can fail."""
    async with run_gateway(database_url, {"till": store}, Clock(), configure_till()) as gateway:
        await gateway.run_due()
        store.change("products", "1", title="Between")
        late = await ask(gateway, "1")
        store.change("products", "1", title="New")
        with patch("gateway.sync.apply.decide_verdict", accept_latest):
            await (await ask(gateway, "1")).deliver()
            await late.deliver()
        await gateway.run_due()
        assert await list_titles(gateway) == ["Between"]


async def test_an_equal_read_writes_nothing_to_the_log_and_makes_earlier_reads_late(
    database_url: str, store: MemoryStore
) -> None:
    """A, then B, then A again: a read of B from before the second A is late, although nothing seems to have changed."""
    async with run_gateway(database_url, {"till": store}, Clock(), configure_till(versions=False)) as gateway:
        await gateway.run_due()
        logged = len(await list_rows(gateway, tables.changes, "id"))
        store.change("products", "1", title="New")
        between = await ask(gateway, "1")
        store.change("products", "1", title="Old")
        before = await source(gateway, "1")
        await (await ask(gateway, "1")).deliver()
        after = await source(gateway, "1")
        assert (after.begin, after.end) > (before.begin, before.end)
        assert len(await list_rows(gateway, tables.changes, "id")) == logged
        await between.deliver()
        await gateway.run_due()
        assert await list_titles(gateway) == ["Old"]


async def test_reads_that_overlap_are_settled_by_another_one(database_url: str, store: MemoryStore) -> None:
    async with run_gateway(database_url, {"till": store}, Clock(), configure_till(versions=False)) as gateway:
        await gateway.run_due()
        one = await ask(gateway, "1")
        store.change("products", "1", title="New")
        other = await ask(gateway, "1")
        await other.deliver()
        await one.deliver()
        assert (await source(gateway, "1")).dirty_at is not None
        asked = len(store.calls)
        await gateway.run_due()
        assert [call.method for call in store.calls[asked:]] == ["fetch"]
        assert await list_titles(gateway) == ["New"]


async def test_a_restored_backup_is_believed_once_each_record_is_confirmed(
    database_url: str, store: MemoryStore
) -> None:
    clock = Clock()
    store.change("products", "1", title="New")
    async with run_gateway(database_url, {"till": store}, clock, configure_till(deltas=False)) as gateway:
        await gateway.run_due()
        store.put("products", record_builders.build_product("1", title="Restored"), version=1)
        clock.forward(minutes=5)
        await gateway.run_due()
        assert [call.method for call in store.calls] == ["page", "page", "fetch"]
        assert await list_titles(gateway) == ["Restored"]
        assert (await source(gateway, "1")).version == 1


async def test_an_older_version_on_a_page_alone_is_not_believed(database_url: str, store: MemoryStore) -> None:
    clock = Clock()
    async with run_gateway(database_url, {"till": store}, clock, configure_till(deltas=False)) as gateway:
        await gateway.run_due()
        stale = await ask(gateway, "1", fetched=False)
        store.change("products", "1", title="New")
        clock.forward(minutes=5)
        await gateway.run_due()
        await stale.deliver()
        await gateway.run_due()
        assert await list_titles(gateway) == ["New"]


@pytest.mark.parametrize("live", [True, False])
async def test_a_restored_backup_of_a_whole_channel_is_no_mass_deletion(
    database_url: str, store: MemoryStore, live: bool
) -> None:
    """Every record has an older version then: each was named, so none is absent, however many there are."""
    clock = Clock()
    for n in range(40):
        store.put("products", record_builders.build_product(f"{n}", title="New"))
    async with run_gateway(database_url, {"till": store}, clock, configure_till(deltas=False, live=live)) as gateway:
        await gateway.run_due()
        for n in range(40):
            store.put("products", record_builders.build_product(f"{n}", title="Restored"), version=0)
        for _ in range(2):
            clock.forward(minutes=5)
            await gateway.run_due()
            assert (await pass_of(gateway)).fault_code is None
        assert set(await list_titles(gateway)) == {"Restored"}


async def test_many_records_of_a_restored_backup_are_all_read_again(database_url: str, store: MemoryStore) -> None:
    """More records than a refetch is worth, and a pull from the mark names none of them."""
    clock = Clock()
    for n in range(8):
        store.put("products", record_builders.build_product(f"{n}", title="New"))
    with patch("gateway.sync.scheduler.PULL_THRESHOLD", 3):
        async with run_gateway(database_url, {"till": store}, clock, configure_till()) as gateway:
            await gateway.run_due()
            for n in range(8):
                store.put("products", record_builders.build_product(f"{n}", title="Restored"), version=0)
            clock.forward(minutes=5)
            await gateway.run_due()
            assert set(await list_titles(gateway)) == {"Restored"}
            assert await list_rows(gateway, tables.sources, "dirty_at") == [None] * 8


async def test_a_change_without_a_new_version_is_detected_by_its_digest(database_url: str, store: MemoryStore) -> None:
    clock = Clock()
    async with run_gateway(database_url, {"till": store}, clock, configure_till(deltas=False)) as gateway:
        await gateway.run_due()
        store.put("products", record_builders.build_product("1", title="New"), version=1)
        clock.forward(minutes=5)
        await gateway.run_due()
        assert await list_titles(gateway) == ["New"]


async def test_a_new_version_of_the_plugin_reads_everything_again(database_url: str, store: MemoryStore) -> None:
    clock = Clock()

    async def sync_with_version(version: str) -> list[str]:
        plugins = discover(MemoryPlugin(store, version=version), points=())
        settings = parse(build_configuration(database_url, configure_till(deltas=False)), {})
        async with open_gateway(settings, plugins=plugins, clock=clock) as gateway:
            await gateway.run_due()
            clock.forward(minutes=5)
            found: list[str] = await list_rows(gateway, tables.sources, "digest")
            return found

    first = await sync_with_version("1")
    assert first == await sync_with_version("1")
    assert first != await sync_with_version("2")


async def test_two_first_reads_of_a_record_overlap(database_url: str, store: MemoryStore) -> None:
    """Including the first ones of a database, before the counter was ever used."""
    async with run_gateway(database_url, {"till": store}, Clock(), configure_till(versions=False)) as gateway:
        early = await ask(gateway, "1")
        store.change("products", "1", title="New")
        await (await ask(gateway, "1")).deliver()
        await early.deliver()
        assert (await source(gateway, "1")).dirty_at is not None
        await gateway.run_due()
        assert await list_titles(gateway) == ["New"]
