"""A page of a till's feed loads each thing once, whatever the page needs it for."""

from __future__ import annotations

import contextlib
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
import sqlalchemy as sa

from gateway.sdk import Page
from gateway_sqlpos import order_feed, stock_feed, table_feed
from gateway_sqlpos.till import TillSession
from tests.plugins.conftest import AT_WORK, MakeTill, OpenTill
from tests.plugins.test_sqlpos_families import add_bundle

pytestmark = pytest.mark.anyio

UNITS = {"products": 1, "products_bundle": 1, "categories": 1}
"""Statements that find the units of measure of a page's products."""

PER_PAGE: Mapping[str, Mapping[str, int]] = {
    "products": UNITS | {"products": 2},
    "stock": UNITS | {"products": 2, "locations": 1, "stockcurrent": 2, "stockdiary": 1},
    "customers": {"customers": 1},
    "receipts": UNITS | {"receipts": 3, "ticketlines": 1, "payments": 1, "taxlines": 1},
}
"""Statements of a page, by the table that each reads first. Components of bundles are counted for themselves; the first
page of receipts also finds the latest date, and the dates of the late window.
"""


@contextlib.contextmanager
def record_statements() -> Iterator[list[tuple[str, str]]]:
    """Record the statements that read tables, with their parameters."""
    found: list[tuple[str, str]] = []

    def record(_conn: object, _cursor: object, statement: str, parameters: Any, *_: object) -> None:
        if re.search(r"\bFROM\b", statement):
            found.append((statement, repr(parameters)))

    sa.event.listen(sa.Engine, "before_cursor_execute", record)
    try:
        yield found
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", record)


def count_tables(statements: list[tuple[str, str]]) -> Mapping[str, int]:
    tables = [match[1].lower() for text, _ in statements if (match := re.search(r'FROM "?(\w+)', text)) is not None]
    return Counter(tables)


@pytest.fixture
async def till(open_till: MakeTill) -> OpenTill:
    """A till with a bundle of two products and with units by category, whose tables have been found."""
    till = await open_till(units={"Food": "g"}, stock_movements=True)
    await add_bundle(till, **{"MUG-1": 2.0, "MUG-2": 1.0})
    await till.read_pages("products")
    return till


async def read_page(till: OpenTill, name: str, mark: str | None, token: str | None) -> tuple[Page, Mapping[str, int]]:
    """Read a page, of which no statement is run twice, and count its statements by table."""
    with record_statements() as statements:
        page = await till.feed(name).page(mark, token)
    assert [one for one, times in Counter(statements).items() if times > 1] == []
    return page, count_tables(statements)


@pytest.mark.parametrize("name", sorted(PER_PAGE))
async def test_a_page_loads_each_thing_once(till: OpenTill, name: str) -> None:
    page, tables = await read_page(till, name, None, None)
    assert page.next is None and tables == PER_PAGE[name]


@pytest.mark.parametrize("name", sorted(PER_PAGE))
async def test_every_page_of_a_pass_does_so(till: OpenTill, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for feeds in (table_feed, stock_feed, order_feed):
        monkeypatch.setattr(feeds, "PAGE_SIZE", 1)
    page, tables = await read_page(till, name, None, None)
    pages = 1
    while page.next is not None:
        page, tables = await read_page(till, name, None, page.next)
        assert all(count <= PER_PAGE[name][table] for table, count in tables.items())
        pages += 1
    assert pages > 1


async def test_a_pass_over_changed_receipts_lists_their_dates_once(till: OpenTill) -> None:
    mark = await till.mark()
    await till.sandbox.sell("TEA-1", 1, "london", at=AT_WORK)
    page, _ = await read_page(till, "receipts", mark, None)
    assert len(page.items) == 1 and page.mark is not None
    _, tables = await read_page(till, "receipts", page.mark, None)
    assert tables == {"receipts": 2}  # the latest date, and the dates since


@pytest.mark.parametrize("name", ["products", "stock", "receipts"])
async def test_the_proof_that_a_second_load_is_found(
    till: OpenTill, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load_twice(session: TillSession, load: Callable[[TillSession], Any]) -> Any:
        load(session)
        return load(session)

    monkeypatch.setattr(TillSession, "load_once", load_twice)
    with pytest.raises(AssertionError):
        await read_page(till, name, None, None)
