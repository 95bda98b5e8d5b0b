"""Keyset pagination (rule T1) over real tables of both databases."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.engine import Connection

from gateway.model.customers.profiles import Customer
from gateway.storage.database import Database
from gateway.storage.reads.catalog import Visibility, list_variants_of_products
from gateway.storage.reads.customers.search import CustomerQuery, search_customers
from gateway.storage.sql.keyset import MAX_COUNT, KeysetPosition, Page, Rows, Window
from gateway.storage.tables import customers, variants
from tests.gateways import START

ReadPage = Callable[[Connection, Window], Page[Any]]
ORDERED = st.one_of(st.none(), st.integers(0, 4))
PEOPLE = st.lists(st.tuples(st.sampled_from(["", "a", "b", "é", "\U0001f600"]), ORDERED), max_size=25)
SORTS = st.sampled_from(["NAME", "LAST_ORDER_AT", "CREATED_AT"])


@dataclass(frozen=True)
class OpenedDatabase:
    """A database and its event loop: one for all examples of a test."""

    database: Database
    runner: asyncio.Runner

    def write(self, work: Callable[[Connection], None]) -> None:
        self.runner.run(self.database.write(work))

    def read(self, work: Callable[[Connection], Any]) -> Any:
        return self.runner.run(self.database.read(work))


@pytest.fixture
def opened(database_url: str) -> Iterator[OpenedDatabase]:
    with asyncio.Runner() as runner:
        database = Database(database_url)
        yield OpenedDatabase(database, runner)
        runner.run(database.close())


def build_customer(number: int, name: str, ordered: int | None) -> dict[str, Any]:
    last = None if ordered is None else START + timedelta(days=ordered)
    texts = {"emails": "[]", "phones": "[]", "addresses": "[]", "tags": "[]"}
    times = {"created_at": START, "updated_at": START, "last_order_at": last}
    return {"id": f"{number:032x}", "version": 1, "visible": True, "sort_name": name, "words": "", **texts, **times}


def fill(people: Sequence[tuple[str, int | None]]) -> Callable[[Connection], None]:
    def work(conn: Connection) -> None:
        conn.execute(sa.delete(customers))
        if people:
            conn.execute(sa.insert(customers), [build_customer(n, *one) for n, one in enumerate(people)])

    return work


def list_paged_ids(conn: Connection, read_page: ReadPage, size: int, *, backward: bool) -> list[str]:
    """List the ids of all pages in the order of the list."""
    found: list[str] = []
    edge: KeysetPosition | None = None
    while True:
        window = Window(size=size, backward=backward, **{"before" if backward else "after": edge})
        page = read_page(conn, window)
        ids = [item.id for _, item in page.items]
        found = ids + found if backward else found + ids
        if not (page.has_previous if backward else page.has_next):
            return found
        edge = page.items[0 if backward else -1][0]


def compute_expected_order(people: Sequence[tuple[str, int | None]], sort: str, *, descending: bool) -> list[str]:
    """Compute the order in Python: by code point, then by id, missing values last."""

    def get_sort_value(number: int) -> Any:
        name, ordered = people[number]
        return {"NAME": name, "LAST_ORDER_AT": ordered, "CREATED_AT": 0}[sort]

    numbers = range(len(people))
    known = sorted(
        (n for n in numbers if get_sort_value(n) is not None), key=lambda n: (get_sort_value(n), n), reverse=descending
    )
    missing = sorted((n for n in numbers if get_sort_value(n) is None), reverse=descending)
    return [f"{n:032x}" for n in (*known, *missing)]


def test_paging_in_either_direction_gives_every_row_exactly_once(opened: OpenedDatabase) -> None:
    @settings(deadline=None, max_examples=60)
    @given(people=PEOPLE, sort=SORTS, descending=st.booleans(), size=st.integers(1, 6), backward=st.booleans())
    def check(people: list[tuple[str, int | None]], sort: str, descending: bool, size: int, backward: bool) -> None:
        opened.write(fill(people))
        rows = search_customers(CustomerQuery(sort=sort, descending=descending))
        found = opened.read(lambda conn: list_paged_ids(conn, rows.read_page, size, backward=backward))
        assert found == compute_expected_order(people, sort, descending=descending)
        assert opened.read(rows.count) == len(people)

    check()


def test_rows_between_two_places_are_paged_from_either_end(opened: OpenedDatabase) -> None:
    people = [("b", None), ("a", 2), ("a", None), ("c", 1), ("a", 1)]
    opened.write(fill(people))
    rows: Rows[Customer] = search_customers(CustomerQuery(sort="LAST_ORDER_AT", descending=True))
    whole = opened.read(lambda conn: rows.read_page(conn, Window(size=10))).items
    for start in range(len(whole)):
        for end in range(start + 1, len(whole)):
            between = {"after": whole[start][0], "before": whole[end][0]}
            for backward in (False, True):
                window = Window(size=10, backward=backward, **between)
                assert opened.read(build_page_reader(rows, window)).items == whole[start + 1 : end]


def test_pages_of_many_parents_are_those_of_each_by_itself(opened: OpenedDatabase) -> None:
    @settings(deadline=None, max_examples=40)
    @given(positions=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), max_size=25), size=st.integers(1, 4))
    def check(positions: list[tuple[int, int]], size: int) -> None:
        opened.write(lambda conn: insert_variants(conn, positions))
        rows, parents = list_variants_of_products(Visibility(everything=True)), [f"p{n}" for n in range(5)]
        counts = opened.read(lambda conn: rows.count_by_parent(conn, parents))
        for parent in parents:
            own = [(position, n) for n, (product, position) in enumerate(positions) if f"p{product}" == parent]
            read_page = page_among(rows, parents, parent)
            for backward in (False, True):
                assert opened.read(build_id_reader(read_page, size, backward)) == [f"{n:032x}" for _, n in sorted(own)]
            assert counts[parent] == len(own)

    check()


def build_page_reader(rows: Rows[Any], window: Window) -> Callable[[Connection], Page[Any]]:
    return lambda conn: rows.read_page(conn, window)


def build_id_reader(read_page: ReadPage, size: int, backward: bool) -> Callable[[Connection], list[str]]:
    return lambda conn: list_paged_ids(conn, read_page, size, backward=backward)


def page_among(rows: Rows[Any], parents: list[str], parent: str) -> ReadPage:
    return lambda conn, window: rows.read_pages(conn, window, parents)[parent]


def insert_variants(conn: Connection, positions: Sequence[tuple[int, int]]) -> None:
    conn.execute(sa.delete(variants))
    rows = [
        {
            "id": f"{number:032x}",
            "product_id": f"p{product}",
            "version": 1,
            "position": position,
            "title": "",
            "options": "[]",
            "unit_of_measure": "each",
            "visible": True,
            "updated_at": START,
        }
        for number, (product, position) in enumerate(positions)
    ]
    if rows:
        conn.execute(sa.insert(variants), rows)


@pytest.mark.parametrize(("stored", "counted"), [(3, 3), (10_000, 10_000), (10_001, MAX_COUNT), (10_500, MAX_COUNT)])
def test_a_list_is_counted_up_to_a_limit(opened: OpenedDatabase, stored: int, counted: int) -> None:
    opened.write(fill([("a", None)] * stored))
    rows = search_customers(CustomerQuery())
    assert opened.read(rows.count) == counted
