"""Rows that no till should have: each is one reject, or read for what it is, and no feed stops at it."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from gateway.channels import answers
from gateway.channels.answers import BadRecord
from gateway_sqlpos.sandbox.loading import product_id

from .conftest import MakeTill, OpenTill

pytestmark = pytest.mark.anyio
TEA, MUG = product_id("TEA-1"), product_id("MUG-1")
FEEDS = ("products", "stock", "customers", "receipts")


async def loosened(till: OpenTill, *tables: str) -> None:
    """Take away what the tables hold their rows to, as views and other tills do."""
    for table in tables:
        await till.execute(
            sa.text(f"CREATE TABLE loose AS SELECT {table}.* FROM (SELECT 1 AS one) o LEFT JOIN {table} ON 1 = 1"),
            sa.text(f"DROP TABLE {table}"),
            sa.text(f"ALTER TABLE loose RENAME TO {table}"),
        )


async def written(till: OpenTill, *statements: str) -> None:
    await till.execute(*map(sa.text, statements))


async def said(till: OpenTill, feed: str) -> list[Any]:
    """What the gateway makes of a whole pass: records, and reasons of those that it rejects."""
    found: list[Any] = []
    token = None
    while True:
        page = answers.page(await till.feed(feed).page(None, token), token)
        found += answers.records(till.feed(feed), page.items)
        if (token := page.next) is None:
            return found


async def reasons(till: OpenTill, feed: str) -> list[str]:
    return [one.reason for one in await said(till, feed) if isinstance(one, BadRecord)]


async def test_two_rows_of_one_id_are_one_reject_and_the_others_are_read(open_till: MakeTill) -> None:
    till = await open_till()
    await loosened(till, "products")
    await written(till, f"INSERT INTO products SELECT * FROM products WHERE id = '{TEA}'")
    assert await reasons(till, "products") == []
    await written(
        till,
        f"CREATE TABLE other AS SELECT * FROM products WHERE id = '{TEA}'",
        "UPDATE other SET name = 'Other'",
        "INSERT INTO products SELECT * FROM other",
    )
    assert await reasons(till, "products") == ["id: 2 different rows have it"]
    assert len(await said(till, "products")) == 3
    assert await reasons(till, "stock") == []


@pytest.mark.parametrize("table", ["receipts", "tickets", "closedcash"])
async def test_a_receipt_that_a_join_doubles_is_read_once(open_till: MakeTill, table: str) -> None:
    till = await open_till()
    before = await said(till, "receipts")
    await loosened(till, table)
    await written(till, f"INSERT INTO {table} SELECT * FROM {table}")
    assert await said(till, "receipts") == before


async def test_pages_go_on_behind_rows_that_are_doubled(open_till: MakeTill, monkeypatch: pytest.MonkeyPatch) -> None:
    till = await open_till()
    await loosened(till, "products")
    await written(till, "INSERT INTO products SELECT * FROM products")
    monkeypatch.setattr("gateway_sqlpos.tables.PAGE", 2)
    assert len(await said(till, "products")) == 3


async def test_a_row_without_id_is_a_reject(open_till: MakeTill) -> None:
    till = await open_till()
    await loosened(till, "products", "customers", "locations")
    await written(
        till,
        "INSERT INTO products (id, name, pricesell) VALUES (NULL, 'Nothing', 1)",
        "INSERT INTO customers (id, name) VALUES (NULL, 'Nobody')",
        "INSERT INTO locations (id, name) VALUES (NULL, 'Nowhere')",
    )
    assert await reasons(till, "products") == ["id: is empty"]
    assert await reasons(till, "customers") == ["id: is empty"]
    assert [place.id for place in await till.channel.places()] == ["leeds", "london"]


async def test_a_number_beyond_all_use_is_a_reject_that_says_so(open_till: MakeTill) -> None:
    till = await open_till()
    await written(
        till,
        "UPDATE products SET pricesell = 1e300",
        "UPDATE stockcurrent SET units = 1e300",
        "UPDATE ticketlines SET price = 1e300",
    )
    for feed in ("products", "stock", "receipts"):
        assert {reason.split(": ")[1] for reason in await reasons(till, feed)} == {"1.000e+300 is out of range"}


async def test_a_count_that_is_no_number_is_a_reject_and_not_0(open_till: MakeTill, till_url: str) -> None:
    if not till_url.startswith("sqlite"):
        pytest.skip("PostgreSQL keeps texts out of numbers")
    till = await open_till()
    await written(till, f"UPDATE stockcurrent SET units = 'twelve' WHERE product = '{TEA}' AND location = 'london'")
    assert await reasons(till, "stock") == ["units: expected a number, found str"]


async def test_ids_that_are_no_utf_8_are_rejects(open_till: MakeTill, till_url: str) -> None:
    if not till_url.startswith("sqlite"):
        pytest.skip("PostgreSQL takes no such text")
    till = await open_till()
    await written(
        till,
        f"UPDATE products SET id = CAST(x'ff41' AS TEXT) WHERE id = '{TEA}'",
        "UPDATE receipts SET id = CAST(x'fe' AS TEXT)",
        "UPDATE tickets SET id = CAST(x'fe' AS TEXT)",
        "UPDATE locations SET id = CAST(x'fd' AS TEXT) WHERE id = 'leeds'",
    )
    assert [len(await said(till, feed)) for feed in FEEDS] == [3, 6, 1, 1]
    assert [len(await reasons(till, feed)) for feed in FEEDS] == [1, 4, 0, 1]


async def test_refunds_of_numbers_that_are_none_refund_nothing(open_till: MakeTill, till_url: str) -> None:
    if not till_url.startswith("sqlite"):
        pytest.skip("PostgreSQL keeps texts out of numbers")
    till = await open_till()
    await written(till, "UPDATE tickets SET tickettype = 1, status = 'seven'")
    assert [record.reverses for record in await said(till, "receipts")] == [None]
