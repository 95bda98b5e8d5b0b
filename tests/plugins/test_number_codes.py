"""Codes in columns of numbers: SKUs, barcodes and IDs come out as the codes that were stored."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from gateway.sdk import InvalidValueError, format_number_code, parse_number_gtin
from gateway.sdk.testing.sandbox import build_small_world
from gateway_amazon.product_mapping import get_gtin
from gateway_sqlpos import open_channel
from gateway_sqlpos.config import SqlPosConfig
from gateway_sqlpos_sandbox import Family, open_sandbox
from tests.plugins.conftest import OpenTill, build_context

SKU, UPC, GTIN = "10004", "036000291452", "00036000291452"
WORLD = replace(build_small_world(), receipts=(), stock={})


@pytest.mark.parametrize(
    "value", [5012345678900, 5012345678900.0, Decimal("5012345678900"), Decimal("5012345678900.00")]
)
def test_a_code_that_is_stored_as_a_number_has_no_fraction_and_no_exponent(value: Any) -> None:
    assert format_number_code("code", value) == "5012345678900"
    assert parse_number_gtin(value) == "05012345678900"


@given(st.integers(min_value=0, max_value=10**15 - 1))
def test_a_code_is_the_same_from_any_type_of_number(code: int) -> None:
    assert {format_number_code("code", value) for value in (code, float(code), Decimal(code))} == {str(code)}


@pytest.mark.parametrize("value", [1.5, Decimal("0.1"), float("inf"), float("nan"), Decimal("NaN"), 2.0**60])
def test_a_number_that_is_no_exact_code_is_none(value: Any) -> None:
    assert parse_number_gtin(value) is None
    with pytest.raises(InvalidValueError):
        format_number_code("code", value)


def test_a_upc_that_lost_its_leading_zero_is_restored() -> None:
    assert parse_number_gtin(36000291452) == parse_number_gtin(36000291452.0) == GTIN
    assert parse_number_gtin(36000291453) is None  # another check digit


@pytest.mark.parametrize("value", [10004, 40170725, 1])
def test_a_short_number_is_a_code_of_the_retailers_own_unless_it_is_a_gtin_as_it_stands(value: int) -> None:
    assert parse_number_gtin(value) == ("00000040170725" if value == 40170725 else None)


@pytest.mark.parametrize("value", ["036000291452", 36000291452, 36000291452.0])
def test_an_identifier_of_a_listing_may_be_filed_as_a_number(value: Any) -> None:
    code = {"type": "upc", "value": value, "marketplace_id": "A1"}
    assert get_gtin({"attributes": {"externally_assigned_product_identifier": [code]}}, "A1") == GTIN


@pytest.mark.anyio
@pytest.mark.parametrize("column", ["REAL", "DECIMAL(15, 0)", "INTEGER"])
async def test_a_till_with_codes_in_number_columns_shows_them_as_they_are(tmp_path: Path, column: str) -> None:
    path = tmp_path / "numbers.db"
    engine = sa.create_engine(f"sqlite:///{path}")
    with engine.begin() as conn:
        for statement in NUMBERS.format(column=column).split(";"):
            conn.execute(sa.text(statement))
    engine.dispose()
    config = SqlPosConfig.model_validate({**CONFIG, "url": f"sqlite:///{path}"})
    till = OpenTill(sandbox=None, channel=open_channel(config, build_context()))  # type: ignore[arg-type]
    (record,) = await till.read_records("products")
    (variant,) = record.variants
    assert (record.ref.id, variant.sku, variant.gtin) == ("7", SKU, GTIN)
    (stock,) = await till.read_records("stock")
    assert (stock.item, stock.place, stock.on_hand) == ("7", "1", 4)
    (order,) = await till.read_records("receipts")
    assert (order.ref.id, order.number, order.customer, order.place) == ("12", "12", "9", "1")
    assert [(line.ref.id, line.variant, line.sku) for line in order.lines] == [("1", "7", SKU)]
    assert [raw.id for raw in (await till.fetch_records("receipts", "12")).values()] == ["12"]
    await till.channel.close()


NUMBERS = """
CREATE TABLE products (id {column}, reference {column}, code {column}, name TEXT, pricesell REAL);
CREATE TABLE locations (id {column}, name TEXT);
CREATE TABLE stockcurrent (product {column}, location {column}, units REAL);
CREATE TABLE receipts (id {column}, datenew TEXT, shop {column});
CREATE TABLE tickets (id {column}, ticketid {column}, customer {column});
CREATE TABLE ticketlines (ticket {column}, line {column}, product {column}, units REAL, price REAL);
INSERT INTO products VALUES (7, 10004, 36000291452, 'Kettle', 19.99);
INSERT INTO locations VALUES (1, 'Hull');
INSERT INTO stockcurrent VALUES (7, 1, 4);
INSERT INTO receipts VALUES (12, '2011-02-03 10:00:00', 1);
INSERT INTO tickets VALUES (12, 12, 9);
INSERT INTO ticketlines VALUES (12, 1, 7, 2, 19.99)
"""
CONFIG: dict[str, Any] = {
    "currency": "GBP",
    "time_zone": "Europe/London",
    "tills": {"1": "1"},
    "layout": {
        "integer_ids": True,
        "products": {"category": ""},
        "categories": {"table": ""},
        "customers": {"table": ""},
        "stock": {"instance": ""},
        "receipts": {"till": "shop"},
        "tickets": {"kind": "", "reverses": ""},
        "sessions": {"table": ""},
        "lines": {"attributes": ""},
        "payments": {"table": ""},
        "tax_lines": {"table": ""},
    },
}


@pytest.mark.anyio
@pytest.mark.long
async def test_codes_in_decimal_columns_of_mariadb_are_the_same(mariadb_url: str) -> None:
    sandbox = await open_sandbox(mariadb_url, WORLD, Family.UNICENTA)
    channel = open_channel(SqlPosConfig.model_validate(sandbox.config), build_context())
    till = OpenTill(sandbox, channel)
    products = sandbox.tables.products
    change = sa.update(products).where(products.c.reference == "TEA-1").values(reference=SKU, code=UPC)
    only = sa.delete(products).where(products.c.reference != SKU)
    await till.execute(
        change, only, *(sa.text(f"ALTER TABLE products MODIFY {name} DECIMAL(15, 2)") for name in ("reference", "code"))
    )
    ((variant,),) = [record.variants for record in await till.read_records("products")]
    assert (variant.sku, variant.gtin) == (SKU, GTIN)
    await channel.close()
    await sandbox.close()
