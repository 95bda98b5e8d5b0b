"""The work of a request does not grow with the catalog, except where it must: measured in steps of SQLite's machine."""

from __future__ import annotations

import functools
import re
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler

from bench.asgi_gateway import Client
from bench.catalog_sizes import FILTERS, LISTS, fill_in
from bench.cost_cases import list_cases
from bench.cost_mutations import MutationCase, list_mutation_cases, prepare_inputs
from bench.cost_world import open_cost_gateway
from bench.operation_costs import collect_samples
from bench.schema_walk import list_field_cases
from gateway.graphql.schema import create_schema
from gateway.runtime.gateway import Gateway
from gateway.storage.sql.planner_hints import Unindexed

pytestmark = pytest.mark.anyio

SMALL, LARGE = 90, 900
"""Products, each with two variants in two channels."""

STEPS = 50
"""Steps between two looks at the machine."""

MAX_GROWTH = 1.5
ALLOWANCE = 1_000
"""Steps by which any request may grow: trees are deeper, and not all pages are full in the small catalog."""

GROWING: Mapping[str, str] = {
    r"^Product\.related$": "up to 80 products of the category are compared",
    r"totalCount|precision|count": "matches are counted, up to 10,000",
    r"facets?\b|Facet|FilterValue|MoneyRange": "all matches are counted",
    r"search": "matches are sorted",
    r"[sS]uggest": "words are counted, up to 20,000 rows, and the best products of some are read",
    r"categor|brands:|tags:|option\.": "matches are sorted",
    r"price: \{": "matches are sorted",
    r"belowAvailable|levels below": "matches are sorted",
    r"orders\(filter: \{locationKey": "the orders of a store are sorted",
    r"not available|availableForSale: false": "few products match, and each is checked",
    r"LIFETIME_VALUE": "customers without orders have no value to sort by",
    r"SyncStatus|Channel\.sync": "all records are counted, for operators",
    r"[sS]yncReject": "all counts are checked for those that wait, for operators",
}


HINTED = ("orders, latest", "available for sale")
"""Lists that depend on hints for the planner."""


class Machine:
    """Counts the steps of the statements on all connections, by the request in progress."""

    def __init__(self) -> None:
        self.steps: Counter[str] = Counter()
        self.request = ""

    def watch(self, connection: Any, _record: object) -> None:
        connection.set_progress_handler(self._record_steps, STEPS)

    def _record_steps(self) -> int:
        self.steps[self.request] += STEPS
        return 0

    async def measure(self, name: str, request: Callable[[], Awaitable[object]]) -> None:
        self.request = name
        await request()
        self.request = ""


@contextmanager
def watch_machine() -> Iterator[Machine]:
    machine = Machine()
    sa.event.listen(Engine, "connect", machine.watch)
    yield machine
    sa.event.remove(Engine, "connect", machine.watch)


@asynccontextmanager
async def open_catalog(folder: Path, products: int) -> AsyncIterator[Gateway]:
    async with open_cost_gateway(f"sqlite:///{folder / f'{products}.db'}", products, seed=7) as gateway:
        yield gateway


async def measure_steps(folder: Path, products: int) -> Counter[str]:
    """Measure every root field, filter, sort key, field and mutation, and the background work."""
    with watch_machine() as machine:
        async with open_catalog(folder, products) as gateway:
            client = Client(gateway)
            ids, seller = await collect_samples(client)
            named = {name: fill_in(text, ids) for name, text in {**LISTS, **FILTERS}.items()}
            cases = [*list_cases(ids), *list_field_cases(create_schema(), ids)]
            for name, text in {**named, **{case.name: case.text for case in cases}}.items():
                counted = text if "otalCount" in name or "count" in name else text.replace("totalCount ", "")
                await machine.measure(_hide_ids(name), partial(client.query, f"{{ {counted} }}"))
            for mutation in list_mutation_cases(seller):
                if "100 lines" not in mutation.name:
                    await measure_mutation(machine, client, mutation)
            await gateway.run_due()
            await machine.measure("background work", gateway.run_due)
    return machine.steps


def _hide_ids(name: str) -> str:
    return re.sub(r'"[A-Za-z0-9]{40,}"', "…", name)


async def measure_mutation(machine: Machine, client: Client, mutation: MutationCase) -> None:
    variables = {name: value async for name, value in prepare_inputs(mutation, 1)}
    await machine.measure(mutation.name, partial(client.query, mutation.build_document(1), **variables))


def list_growing(small: Counter[str], large: Counter[str]) -> dict[str, str]:
    return {
        name: f"{small[name]:,} → {large[name]:,}"
        for name in large
        if name and large[name] > MAX_GROWTH * small[name] + ALLOWANCE
    }


async def test_no_list_takes_longer_in_a_larger_catalog_unless_it_must(tmp_path: Path) -> None:
    names = [*LISTS, *FILTERS]
    growing = list_growing(await measure_lists(tmp_path, SMALL, names), await measure_lists(tmp_path, LARGE, names))
    assert {name: steps for name, steps in growing.items() if not _is_expected(name)} == {}


@pytest.mark.long
async def test_no_request_takes_longer_in_a_larger_catalog_unless_it_must(tmp_path: Path) -> None:
    small, large = await measure_steps(tmp_path, SMALL), await measure_steps(tmp_path, LARGE)
    growing = list_growing(small, large)
    assert len(large) > 200
    assert {name: steps for name, steps in growing.items() if not _is_expected(name)} == {}
    unused = [reason for pattern, reason in GROWING.items() if not any(re.search(pattern, name) for name in growing)]
    assert unused == []


def _is_expected(name: str) -> bool:
    return any(re.search(pattern, name) for pattern in GROWING)


@pytest.mark.long
async def test_without_hints_for_the_planner_the_test_above_fails(tmp_path: Path) -> None:
    with ignore_hints():
        small, large = await measure_lists(tmp_path, SMALL, HINTED), await measure_lists(tmp_path, LARGE, HINTED)
    assert list_growing(small, large).keys() == set(HINTED)


@contextmanager
def ignore_hints() -> Iterator[None]:
    """Compile columns without the hint, and statements anew."""

    def compile_bare(element: Unindexed, compiler: SQLCompiler, **options: Any) -> str:
        return compiler.process(element.clauses, **options)

    def compile_anew(conn: Connection) -> None:
        conn.execution_options(compiled_cache=None)

    compile_hint = Unindexed._compiler_dispatcher.specs["sqlite"]  # type: ignore[attr-defined]
    compiles(Unindexed, "sqlite")(compile_bare)
    sa.event.listen(Engine, "engine_connect", compile_anew)
    forget_statements()  # or those that were compiled with the hint are used
    try:
        yield
    finally:
        forget_statements()
        sa.event.remove(Engine, "engine_connect", compile_anew)
        compiles(Unindexed, "sqlite")(compile_hint)


def forget_statements() -> None:
    for name, module in list(sys.modules.items()):
        if name.startswith("gateway.storage."):
            for value in vars(module).values():
                if isinstance(value, functools._lru_cache_wrapper):
                    value.cache_clear()


async def measure_lists(folder: Path, products: int, names: Sequence[str]) -> Counter[str]:
    with watch_machine() as machine:
        async with open_catalog(folder, products) as gateway:
            client = Client(gateway)
            ids, _ = await collect_samples(client)
            for name in names:
                text = fill_in({**LISTS, **FILTERS}[name], ids)
                await machine.measure(name, partial(client.query, f"{{ {text} }}"))
    return machine.steps
