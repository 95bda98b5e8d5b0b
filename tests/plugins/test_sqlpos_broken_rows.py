"""Rows that no till should have: each is one reject, or is read anyway, and no feed stops at it."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from gateway.channels import response_validation
from gateway.channels.response_validation import BadRecord
from gateway.sdk import Money
from gateway_sqlpos_sandbox.seed import derive_product_id
from tests.plugins.conftest import MakeTill, OpenTill

pytestmark = pytest.mark.anyio
TEA, MUG = derive_product_id("TEA-1"), derive_product_id("MUG-1")
FEEDS = ("products", "stock", "customers", "receipts")


async def loosen_tables(till: OpenTill, *tables: str) -> None:
    """Drop the constraints of the tables, like views and other tills."""
    for table in tables:
        await till.execute(
            sa.text(f"CREATE TABLE loose AS SELECT {table}.* FROM (SELECT 1 AS one) o LEFT JOIN {table} ON 1 = 1"),
            sa.text(f"DROP TABLE {table}"),
            sa.text(f"ALTER TABLE loose RENAME TO {table}"),
        )


async def execute_statements(till: OpenTill, *statements: str) -> None:
    await till.execute(*map(sa.text, statements))


async def read_all_records(till: OpenTill, feed: str) -> list[Any]:
    """Read a complete pass like the gateway: records and bad records with their reasons."""
    found: list[Any] = []
    token = None
    while True:
        page = response_validation.validate_page(await till.feed(feed).page(None, token), token)
        found += response_validation.read_records(till.feed(feed), page.items)
        if (token := page.next) is None:
            return found


async def list_reasons(till: OpenTill, feed: str) -> list[str]:
    return [one.reason for one in await read_all_records(till, feed) if isinstance(one, BadRecord)]


async def test_two_rows_of_one_id_are_one_reject_and_the_others_are_read(open_till: MakeTill) -> None:
    till = await open_till(foreign_keys=False)
    await loosen_tables(till, "products")
    await execute_statements(till, f"INSERT INTO products SELECT * FROM products WHERE id = '{TEA}'")
    assert await list_reasons(till, "products") == []
    await execute_statements(
        till,
        f"CREATE TABLE other AS SELECT * FROM products WHERE id = '{TEA}'",
        "UPDATE other SET name = 'Other'",
        "INSERT INTO products SELECT * FROM other",
    )
    assert await list_reasons(till, "products") == ["id: expected one row with this ID, found 2 different ones"]
    assert len(await read_all_records(till, "products")) == 3
    assert await list_reasons(till, "stock") == []


@pytest.mark.parametrize("table", ["receipts", "tickets", "closedcash"])
async def test_a_receipt_that_a_join_doubles_is_read_once(open_till: MakeTill, table: str) -> None:
    till = await open_till(foreign_keys=False)
    before = await read_all_records(till, "receipts")
    await loosen_tables(till, table)
    await execute_statements(till, f"INSERT INTO {table} SELECT * FROM {table}")
    assert await read_all_records(till, "receipts") == before


async def test_pages_go_on_behind_rows_that_are_doubled(open_till: MakeTill, monkeypatch: pytest.MonkeyPatch) -> None:
    till = await open_till(foreign_keys=False)
    await loosen_tables(till, "products")
    await execute_statements(till, "INSERT INTO products SELECT * FROM products")
    monkeypatch.setattr("gateway_sqlpos.table_feed.PAGE_SIZE", 2)
    assert len(await read_all_records(till, "products")) == 3


async def test_a_row_without_id_is_a_reject(open_till: MakeTill) -> None:
    till = await open_till(foreign_keys=False)
    await loosen_tables(till, "products", "customers", "locations")
    await execute_statements(
        till,
        "INSERT INTO products (id, name, pricesell) VALUES (NULL, 'Nothing', 1)",
        "INSERT INTO customers (id, name) VALUES (NULL, 'No id')",
        "INSERT INTO locations (id, name) VALUES (NULL, 'Nowhere')",
    )
    assert await list_reasons(till, "products") == ["id: is empty"]
    assert await list_reasons(till, "customers") == ["id: is empty"]
    assert [location.id for location in await till.channel.places()] == ["leeds", "london"]


async def test_a_number_beyond_all_use_is_a_reject_that_says_so(open_till: MakeTill) -> None:
    till = await open_till(foreign_keys=False)
    await execute_statements(
        till,
        "UPDATE products SET pricesell = 1e300",
        "UPDATE stockcurrent SET units = 1e300",
        "UPDATE ticketlines SET price = 1e300",
    )
    for feed in ("products", "stock"):
        assert {reason.split(": ")[1] for reason in await list_reasons(till, feed)} == {"1.000e+300 is out of range"}
    (receipt,) = await till.read_records("receipts")
    assert receipt.lines == () and receipt.total == Money(2243, "GBP")
    assert {line.reason.partition("e+")[2] for line in receipt.rejected_lines} == {"300 is out of range"}


async def test_a_count_that_is_no_number_is_a_reject_and_not_0(open_till: MakeTill, till_url: str) -> None:
    if not till_url.startswith("sqlite"):
        pytest.skip("PostgreSQL keeps texts out of numbers")
    till = await open_till(foreign_keys=False)
    await execute_statements(
        till, f"UPDATE stockcurrent SET units = 'twelve' WHERE product = '{TEA}' AND location = 'london'"
    )
    assert await list_reasons(till, "stock") == ["units: expected a number, found str"]


async def test_ids_that_are_no_utf_8_are_rejects(open_till: MakeTill, till_url: str) -> None:
    if not till_url.startswith("sqlite"):
        pytest.skip("PostgreSQL takes no such text")
    till = await open_till(foreign_keys=False, tills={})
    await execute_statements(
        till,
        f"UPDATE products SET id = CAST(x'ff41' AS TEXT) WHERE id = '{TEA}'",
        "UPDATE receipts SET id = CAST(x'fe' AS TEXT)",
        "UPDATE tickets SET id = CAST(x'fe' AS TEXT)",
        "UPDATE locations SET id = CAST(x'fd' AS TEXT) WHERE id = 'leeds'",
    )
    assert [len(await read_all_records(till, feed)) for feed in FEEDS] == [3, 6, 1, 1]
    assert [len(await list_reasons(till, feed)) for feed in FEEDS] == [1, 4, 0, 1]


async def test_refunds_of_numbers_that_are_none_refund_nothing(open_till: MakeTill, till_url: str) -> None:
    if not till_url.startswith("sqlite"):
        pytest.skip("PostgreSQL keeps texts out of numbers")
    till = await open_till(foreign_keys=False)
    await execute_statements(till, "UPDATE tickets SET tickettype = 1, status = 'seven'")
    assert [record.reverses for record in await read_all_records(till, "receipts")] == [None]
