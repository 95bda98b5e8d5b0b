"""Matching depends on the values alone, not on the order in which records arrive (rule I1).

Ingesting records one after the other, in any order, with changes and manual decisions in between, has the same
result as ingesting the last version of each at once into an empty catalog.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.commerce.catalog import candidate_graph
from gateway.commerce.catalog.candidate_graph import CandidateGraph
from gateway.commerce.catalog.match_candidates import ListingSource
from gateway.commerce.ingest_batch import IngestRules
from gateway.sdk.testing import record_builders
from gateway.sdk.testing.record_builders import Row
from gateway.storage.database import Connection, Database
from gateway.storage.writes.listings import ListingRow, MatchDecisions
from tests.commerce.catalog_ingest import Catalog, clear_catalog

OpenDatabase = Callable[[], AbstractAsyncContextManager[Database]]

whole_component = candidate_graph.collect_component

CHANNELS = ("till", "web", "market")
SOURCES = [(channel, id_) for channel in CHANNELS for id_ in ("1", "2")]
RULES = IngestRules(
    priority={"web": 0, "till": 1, "market": 2},
    service_codes=frozenset({"post"}),
    matching=lambda variants: [variant.title if variant.title.startswith("K") else None for variant in variants],
)


@dataclass(frozen=True)
class Take:
    channel: str
    row: tuple[str, tuple[tuple[str, ...], ...]]


@dataclass(frozen=True)
class Remove:
    source: ListingSource


@dataclass(frozen=True)
class Link:
    source: ListingSource
    target: ListingSource | None


Step = Take | Remove | Link

GTINS = ["", "4006381333931", "9780201379624"]
VARIED = st.lists(
    st.tuples(
        st.sampled_from(["", "A", "a", "B", "POST"]),
        st.sampled_from([*GTINS, "2000000000008"]),
        st.sampled_from(["X", "Y", "K"]),
        st.sampled_from(["new", "new", "used"]),
    ),
    min_size=1,
    max_size=2,
)
CODED = st.lists(
    st.tuples(st.sampled_from(["A", "B"]), st.sampled_from(GTINS), st.just("X"), st.just("new")), min_size=1, max_size=1
)
"""Few codes, so that groups form and dissolve."""


def build_steps(variants: Any) -> Any:
    taken = st.tuples(st.sampled_from(["1", "2"]), variants.map(tuple))
    return st.one_of(
        st.builds(Take, st.sampled_from(CHANNELS), taken),
        st.builds(Remove, st.sampled_from(SOURCES)),
        st.builds(Link, st.sampled_from(SOURCES), st.one_of(st.none(), st.sampled_from(SOURCES))),
    )


def build_additions(variants: Any) -> Any:
    return st.builds(Take, st.sampled_from(CHANNELS), st.tuples(st.just("1"), variants.map(tuple)))


def build_product_row(row: tuple[str, tuple[tuple[str, ...], ...]]) -> Row:
    id_, variants = row
    parts = [
        record_builders.build_variant(
            id_ if n == 0 else f"{id_}-{n}", sku=sku or None, gtin=gtin or None, title=title, condition=state
        )
        for n, (sku, gtin, title, state) in enumerate(variants)
    ]
    return {"id": id_, "title": variants[0][2], "brand": "Same", "variants": parts}


async def apply_each_step(catalog: Catalog, schedule: list[Step]) -> None:
    for step in schedule:
        match step:
            case Take():
                await catalog.ingest(step.channel, build_product_row(step.row))
            case Remove():
                await catalog.ingest(step.source[0], gone=[step.source[1]])
            case Link():
                await catalog.link(step.source, step.target)


async def apply_final_state(catalog: Catalog, schedule: list[Step]) -> None:
    """Apply the decisions first, then the last version of every record: one ingest per channel."""
    last: dict[ListingSource, Row] = {}
    for step in schedule:
        if isinstance(step, Take):
            last[step.channel, step.row[0]] = build_product_row(step.row)
        elif isinstance(step, Remove):
            last.pop(step.source, None)
    for step in schedule:
        if isinstance(step, Link):
            await catalog.link(step.source, step.target)
    for channel in CHANNELS:
        await catalog.ingest(
            channel, *(row for (source, _), row in sorted(last.items(), key=repr) if source == channel)
        )


async def compute_outcome(
    database: Database, schedule: list[Step], how: Callable[[Catalog, list[Step]], Any]
) -> tuple[Any, Any, Any, Any]:
    await database.write(clear_catalog)
    catalog = Catalog(database, RULES)
    await how(catalog, schedule)
    shown = [(title, brand, *rest) for title, brand, *rest in await catalog.read_shown()]
    evidence = sorted(
        (row.channel, row.external_id, row.matched_by or "") for row in await catalog.list_live_listings()
    )
    return await catalog.group_by_variant(), await catalog.group_by_product(), evidence, shown


async def compare(database: Database, schedule: list[Step]) -> None:
    known = await compute_outcome(database, schedule, apply_each_step)
    assert known == await compute_outcome(database, schedule, apply_final_state)


def check_order_independence(url: str, step: Any, **options: Any) -> None:
    with asyncio.Runner() as runner:
        database = Database(url)

        @settings(deadline=None, suppress_health_check=list(HealthCheck), **options)
        @given(st.lists(step, min_size=3, max_size=10))
        def check_schedule(schedule: list[Step]) -> None:
            runner.run(compare(database, schedule))

        try:
            check_schedule()
        finally:
            runner.run(database.close())


@pytest.mark.parametrize("step", [build_steps(VARIED), build_additions(CODED)], ids=["varied", "coded"])
def test_grouping_does_not_depend_on_the_order_of_arrival(database_url: str, examples: int, step: Any) -> None:
    check_order_independence(database_url, step, max_examples=examples // 4)


def test_nor_does_it_where_a_code_that_many_carry_stops_telling(database_url: str, examples: int) -> None:
    with (
        patch("gateway.commerce.catalog.matching.MAX_SHARED_CODE", 2),
        patch("gateway.commerce.catalog.candidate_graph.MAX_SHARED_CODE", 2),
    ):
        check_order_independence(database_url, build_steps(CODED), max_examples=examples // 4)


def decide_without_history(
    conn: Connection, near: CandidateGraph, former: Sequence[ListingRow], rules: IngestRules
) -> MatchDecisions:
    """Decide without the previous values of the changed listings."""
    return whole_component(conn, near, (), rules)


LEAVING: list[Step] = [
    Take("till", ("1", (("A", "", "X", "new"),))),
    Take("web", ("1", (("A", GTINS[1], "X", "new"),))),
    Take("market", ("1", (("A", GTINS[2], "X", "new"),))),
    Take("market", ("1", (("B", GTINS[2], "X", "new"),))),
]
"""A SKU that stands for two GTINs connects no listings; once one of them has left it, it does."""


async def has_different_outcome(database: Database) -> bool:
    return bool(
        await compute_outcome(database, LEAVING, apply_each_step)
        != await compute_outcome(database, LEAVING, apply_final_state)
    )


@pytest.mark.anyio
async def test_a_listing_that_drops_a_code_frees_the_others_with_it(open_database: OpenDatabase) -> None:
    async with open_database() as database:
        assert not await has_different_outcome(database)


@pytest.mark.anyio
async def test_that_fails_when_only_present_companions_are_looked_at(open_database: OpenDatabase) -> None:
    """Proof that the tests above can fail: listings that carry an abandoned code are not reconsidered."""
    with patch("gateway.commerce.catalog.ingest.collect_component", decide_without_history):
        async with open_database() as database:
            assert await has_different_outcome(database)
