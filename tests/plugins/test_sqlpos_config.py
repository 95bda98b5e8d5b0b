"""The configuration of a till: validation messages, and layouts other than the built-in one."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from pydantic import ValidationError

import gateway_sqlpos
from gateway.sdk import Money, Registry
from gateway.sdk.testing.sandbox import build_small_world
from gateway_sqlpos import CHANNEL, open_channel
from gateway_sqlpos.config import URL_FORMS, SqlPosConfig
from gateway_sqlpos_sandbox import schema
from tests.plugins.conftest import MakeTill, OpenTill, build_context

GOOD = {"url": "sqlite:///till.db", "currency": "GBP", "time_zone": "Europe/London"}
MOVED = {"stock": {"table": "counted"}, "diary": {"table": "moved"}}
POINTS = {"customers": {"points": "points"}}
EXTENDED = {"customers": {"email_verified": "confirmed", "points": "points", "tier": "tier"}}
PRINTED = Path(__file__).parents[2] / "schema" / "channel-config" / "sqlpos.json"


def test_the_plugin_registers_one_channel_type() -> None:
    registry = Registry()
    gateway_sqlpos.gateway_register(registry)
    assert registry.channels == [CHANNEL]
    assert CHANNEL.traits(SqlPosConfig.model_validate(GOOD)).late_window.days == 3


def test_the_schema_of_the_configuration_is_printed() -> None:
    assert json.loads(PRINTED.read_text(encoding="utf-8")) == SqlPosConfig.model_json_schema()


@pytest.mark.parametrize(
    ("change", "path", "message"),
    [
        ({"url": "till.db"}, "url", f"is not a URL; expected {URL_FORMS}"),
        ({"url": "oracle://u:p4ss@h/n"}, "url", "begins with oracle; expected sqlite"),
        ({"url": "sqlite://"}, "url", "names no database"),
        ({"currency": "QUID"}, "currency", "expected an ISO 4217 currency code such as GBP"),
        ({"time_zone": "London"}, "time_zone", "expected an IANA time zone such as Europe/London"),
        ({"late_window": "a while"}, "late_window", "expected a duration such as 72h or 3d, at most 14d"),
        ({"late_window": "15d"}, "late_window", "at most 14d"),
        ({"receipts": True}, "", "needs stock_movements = true and the built-in layout, for receipts"),
        ({"stock_movements": True, "layout": {"stock": {"table": "counted"}}}, "", "or layout.diary to name another"),
        ({"stock_movements": True, "layout": {"diary": {"table": ""}}}, "", "needs the stock diary of Openbravo POS"),
        ({"stock_movements": True, "receipts": True, "layout": {"lines": {"table": "x"}}}, "", "the built-in layout"),
        ({"profile": "other"}, "profile", "'openbravo'"),
        ({"colour": "red"}, "colour", "Extra inputs"),
        ({"layout": {"products": {"table": "x; DROP"}}}, "layout.products.table", "expected the name of a table"),
        ({"stock_movements": True, "layout": {"integer_ids": True}}, "", "needs the stock diary of Openbravo POS"),
        ({"layout": {"products": {"id": ""}}}, "layout.products.id", "expected the name of a table or column"),
    ],
)
def test_a_wrong_configuration_is_refused_in_one_line(change: dict[str, Any], path: str, message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        SqlPosConfig.model_validate({**GOOD, **change})
    (problem,) = caught.value.errors(include_input=False)
    assert ".".join(map(str, problem["loc"])) == path
    assert message in problem["msg"]
    assert "p4ss" not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "writes"),
    [
        ({}, []),
        ({"stock_movements": True}, ["AdjustStock"]),
        ({"stock_movements": True, "receipts": True}, ["AdjustStock", "PlaceOrder"]),
        ({"stock_movements": True, "receipts": True, "layout": EXTENDED}, ["AdjustStock", "PlaceOrder"]),
        ({"stock_movements": True, "layout": MOVED}, ["AdjustStock"]),
        ({"erase_customers": True}, ["EraseCustomer"]),
        (
            {"stock_movements": True, "receipts": True, "loyalty": True, "erase_customers": True, "layout": POINTS},
            ["AdjustStock", "PlaceOrder", "SetLoyalty", "EraseCustomer"],
        ),
    ],
)
def test_what_can_be_written_follows_from_the_configuration(given: dict[str, Any], writes: list[str]) -> None:
    channel = open_channel(SqlPosConfig.model_validate({**GOOD, **given}), build_context())
    assert [write.of.__name__ for write in channel.writes] == writes


@pytest.mark.anyio
async def test_another_layout_of_one_table_and_integer_ids_is_read_by_configuration(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    channel = open_channel(SqlPosConfig.model_validate({**GOOD, "url": f"sqlite:///{path}", **OTHER}), build_context())
    engine = sa.create_engine(f"sqlite:///{path}")
    with engine.begin() as conn:
        for statement in OTHER_TILL.split(";"):
            conn.execute(sa.text(statement))
    engine.dispose()
    till = OpenTill(sandbox=None, channel=channel)  # type: ignore[arg-type]
    assert [feed.name for feed in channel.feeds] == ["products", "stock", "receipts"]
    (product,) = await till.read_records("products")
    assert (product.ref.id, product.title, product.category) == ("7", "Kettle", ())
    assert product.variants[0].price == Money(1999, "GBP")
    (stock,) = await till.read_records("stock")
    assert (stock.item, stock.place, stock.on_hand) == ("7", "1", 4)
    (order,) = await till.read_records("receipts")
    assert (order.number, order.place, order.total, order.tax_included) == ("12", "1", Money(3998, "GBP"), True)
    assert order.placed_at == datetime.fromisoformat("2011-02-03T10:00:00+00:00")
    assert set(await till.fetch_records("receipts", "12", "no-number")) == {"12", "no-number"}
    assert await till.read_items("receipts", await till.mark()) == []


OTHER_TILL = """
CREATE TABLE Items (ItemNo INTEGER PRIMARY KEY, "Label" TEXT, Gross REAL);
CREATE TABLE Shops (ShopNo INTEGER PRIMARY KEY, Name TEXT);
CREATE TABLE Counted (ItemNo INTEGER, ShopNo INTEGER, Pieces INTEGER);
CREATE TABLE Bons (BonNo INTEGER PRIMARY KEY, Rung TEXT, ShopNo INTEGER);
CREATE TABLE BonLines (BonNo INTEGER, Pos INTEGER, ItemNo INTEGER, Pieces INTEGER, Gross REAL);
INSERT INTO Items VALUES (7, 'Kettle', 19.99);
INSERT INTO Shops VALUES (1, 'Hull');
INSERT INTO Counted VALUES (7, 1, 4);
INSERT INTO Bons VALUES (12, '2011-02-03 10:00:00', 1);
INSERT INTO BonLines VALUES (12, 1, 7, 2, 19.99)
"""
OTHER = {
    "prices_include_tax": True,
    "tills": {"1": "1"},
    "layout": {
        "integer_ids": True,
        "products": {"table": "Items", "id": "ItemNo", "title": "Label", "price": "Gross", "sku": ""}
        | {"barcode": "", "category": ""},
        "categories": {"table": ""},
        "customers": {"table": ""},
        "locations": {"table": "Shops", "id": "ShopNo", "name": "Name"},
        "stock": {"table": "Counted", "product": "ItemNo", "location": "ShopNo", "units": "Pieces"},
        "receipts": {"table": "Bons", "id": "BonNo", "date": "Rung", "till": "ShopNo"},
        "tickets": {"table": "Bons", "id": "BonNo", "number": "", "customer": "", "kind": "", "reverses": ""},
        "sessions": {"table": ""},
        "lines": {"table": "BonLines", "receipt": "BonNo", "line": "Pos", "product": "ItemNo", "units": "Pieces"}
        | {"price": "Gross", "attributes": ""},
        "payments": {"table": ""},
        "tax_lines": {"table": ""},
    },
}


@pytest.mark.anyio
async def test_the_sandboxs_diary_explains_its_stock(open_till: MakeTill) -> None:
    till = await open_till()
    sale = await till.sandbox.sell("MUG-2", 3, "leeds")
    await till.sandbox.refund_receipt(sale)
    await till.sandbox.sell("TEA-1", 5, "london")
    diary, current = schema.stockdiary.c, schema.stockcurrent.c
    moved = sa.select(diary.product, diary.location, sa.func.sum(diary.units)).group_by(diary.product, diary.location)
    counted = sa.select(current.product, current.location, current.units)

    def select_sums(conn: sa.Connection) -> tuple[set[Any], set[Any]]:
        return set(map(tuple, conn.execute(moved))), set(map(tuple, conn.execute(counted)))

    explained, there = await till.sandbox.run(select_sums)
    assert there == explained


@pytest.mark.anyio
async def test_a_sandbox_that_is_started_again_is_as_it_was_left(open_till: MakeTill) -> None:
    first = await open_till()
    await first.sandbox.sell("TEA-1", 5, "london")
    again = await open_till()
    assert len(await again.read_items("receipts")) == len(build_small_world().receipts) + 1
