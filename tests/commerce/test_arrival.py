"""I1: what belongs together follows from the values alone, not from the order in which they came in.

Taking records one after the other, in any order, with what they were before and with people deciding in between, comes
to the same as taking the last of each at once into an empty catalogue.
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

from gateway.commerce import catalog
from gateway.commerce.catalog import Neighborhood
from gateway.commerce.matching import Place
from gateway.commerce.taking import Rules
from gateway.sdk.testing import rows
from gateway.sdk.testing.rows import Row
from gateway.storage.database import Connection, Database
from gateway.storage.listings import Decisions, ListingRow
from tests.commerce.catalogue import Catalogue, empty

OpenDatabase = Callable[[], AbstractAsyncContextManager[Database]]

whole_component = catalog._component

CHANNELS = ("till", "web", "market")
PLACES = [(channel, id_) for channel in CHANNELS for id_ in ("1", "2")]
RULES = Rules(
    priority={"web": 0, "till": 1, "market": 2},
    services=frozenset({"post"}),
    matching=lambda variants: [variant.title if variant.title.startswith("K") else None for variant in variants],
)


@dataclass(frozen=True)
class Take:
    channel: str
    row: tuple[str, tuple[tuple[str, ...], ...]]


@dataclass(frozen=True)
class Remove:
    place: Place


@dataclass(frozen=True)
class Link:
    place: Place
    target: Place | None


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
"""Few codes, so that their groups come and go."""


def steps(variants: Any) -> Any:
    taken = st.tuples(st.sampled_from(["1", "2"]), variants.map(tuple))
    return st.one_of(
        st.builds(Take, st.sampled_from(CHANNELS), taken),
        st.builds(Remove, st.sampled_from(PLACES)),
        st.builds(Link, st.sampled_from(PLACES), st.one_of(st.none(), st.sampled_from(PLACES))),
    )


def only_taken(variants: Any) -> Any:
    return st.builds(Take, st.sampled_from(CHANNELS), st.tuples(st.just("1"), variants.map(tuple)))


def product(row: tuple[str, tuple[tuple[str, ...], ...]]) -> Row:
    id_, variants = row
    parts = [
        rows.variant(id_ if n == 0 else f"{id_}-{n}", sku=sku or None, gtin=gtin or None, title=title, condition=state)
        for n, (sku, gtin, title, state) in enumerate(variants)
    ]
    return {"id": id_, "title": variants[0][2], "brand": "Same", "variants": parts}


async def piece_by_piece(catalogue: Catalogue, schedule: list[Step]) -> None:
    for step in schedule:
        match step:
            case Take():
                await catalogue.take(step.channel, product(step.row))
            case Remove():
                await catalogue.take(step.place[0], gone=[step.place[1]])
            case Link():
                await catalogue.link(step.place, step.target)


async def at_once(catalogue: Catalogue, schedule: list[Step]) -> None:
    """Decisions first, then the last state of everything: one take per channel."""
    last: dict[Place, Row] = {}
    for step in schedule:
        if isinstance(step, Take):
            last[step.channel, step.row[0]] = product(step.row)
        elif isinstance(step, Remove):
            last.pop(step.place, None)
    for step in schedule:
        if isinstance(step, Link):
            await catalogue.link(step.place, step.target)
    for channel in CHANNELS:
        await catalogue.take(channel, *(row for (place, _), row in sorted(last.items(), key=repr) if place == channel))


async def outcome(
    database: Database, schedule: list[Step], how: Callable[[Catalogue, list[Step]], Any]
) -> tuple[Any, Any, Any, Any]:
    await database.write(empty)
    catalogue = Catalogue(database, RULES)
    await how(catalogue, schedule)
    shown = [(title, brand, *rest) for title, brand, *rest in await catalogue.shown()]
    evidence = sorted((row.channel, row.external_id, row.matched_by or "") for row in await catalogue.live())
    return await catalogue.variants(), await catalogue.products(), evidence, shown


async def compare(database: Database, schedule: list[Step]) -> None:
    known = await outcome(database, schedule, piece_by_piece)
    assert known == await outcome(database, schedule, at_once)


def arrival_matters_not(url: str, step: Any, **options: Any) -> None:
    with asyncio.Runner() as runner:
        database = Database(url)

        @settings(deadline=None, suppress_health_check=list(HealthCheck), **options)
        @given(st.lists(step, min_size=3, max_size=10))
        def holds(schedule: list[Step]) -> None:
            runner.run(compare(database, schedule))

        try:
            holds()
        finally:
            runner.run(database.close())


@pytest.mark.parametrize("step", [steps(VARIED), only_taken(CODED)], ids=["varied", "coded"])
def test_grouping_does_not_depend_on_the_order_of_arrival(database_url: str, examples: int, step: Any) -> None:
    arrival_matters_not(database_url, step, max_examples=examples // 4)


def test_nor_does_it_where_a_code_that_many_carry_stops_telling(database_url: str, examples: int) -> None:
    with patch("gateway.commerce.matching.CROWD", 2), patch("gateway.commerce.catalog.CROWD", 2):
        arrival_matters_not(database_url, steps(CODED), max_examples=examples // 4)


def forgetful(conn: Connection, near: Neighborhood, former: Sequence[ListingRow], rules: Rules) -> Decisions:
    """Without what the changed listings were before."""
    return whole_component(conn, near, (), rules)


LEAVING: list[Step] = [
    Take("till", ("1", (("A", "", "X", "new"),))),
    Take("web", ("1", (("A", GTINS[1], "X", "new"),))),
    Take("market", ("1", (("A", GTINS[2], "X", "new"),))),
    Take("market", ("1", (("B", GTINS[2], "X", "new"),))),
]
"""A SKU that stands for two GTINs connects nobody; once one of them has left it, it does."""


async def differs(database: Database) -> bool:
    return bool(await outcome(database, LEAVING, piece_by_piece) != await outcome(database, LEAVING, at_once))


@pytest.mark.anyio
async def test_who_leaves_a_code_sets_free_those_who_keep_it(open_database: OpenDatabase) -> None:
    async with open_database() as database:
        assert not await differs(database)


@pytest.mark.anyio
async def test_that_fails_when_only_present_companions_are_looked_at(open_database: OpenDatabase) -> None:
    """The proof that the tests above can fail: without asking who carries the codes that a listing has left."""
    with patch("gateway.commerce.catalog._component", forgetful):
        async with open_database() as database:
            assert await differs(database)
