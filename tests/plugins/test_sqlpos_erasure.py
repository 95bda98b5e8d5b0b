"""Erases of customers at a till: the row stays, because receipts refer to it, without personal data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from pydantic import ValidationError

from gateway.sdk import (
    Address,
    ChannelError,
    ContractError,
    CustomerRecord,
    Done,
    EraseCustomer,
    Outcome,
    Ref,
    RejectedError,
)
from gateway.sdk.testing.sandbox import World, WorldCustomer, build_small_world
from gateway_sqlpos.config import SqlPosConfig
from gateway_sqlpos_sandbox import schema
from gateway_sqlpos_sandbox.seed import derive_id
from tests.plugins.conftest import MakeTill, OpenTill

pytestmark = pytest.mark.anyio

HOME = Address(line1="1 High Street", line2="Flat 2", city="London", region="Greater London", postal_code="SW1Y 4JH")
ADA, BOB = (
    WorldCustomer(
        number=number,
        name=f"{given} Byron",
        given_name=given,
        family_name="Byron",
        email=f"{given.lower()}@example.com",
        phone="+447700900123",
        card=f"98{number}",
        address=HOME,
    )
    for number, given in (("17850", "Ada"), ("17851", "Bob"))
)
FURTHER = {"taxid": "QQ123456C", "phone2": "020 7946 0958", "fax": "020 7946 0959", "notes": "Prefers tea"}
PERSONAL = {*FURTHER, "name", "searchkey", "firstname", "lastname", "email", "phone", "card"} | {
    *("address", "address2", "city", "region", "postal", "country")
}
CUSTOMERS = schema.tables.customers


def build_world() -> World:
    """Build the small world with two customers; the receipt is Ada's."""
    return replace(build_small_world(), customers=(ADA, BOB))


async def open_erasable_till(open_till: MakeTill, *prepared: str, **options: Any) -> OpenTill:
    """Open a till on which these statements were run first."""
    till = await open_till(build_world(), **{"erase_customers": True, **options})
    fill = sa.update(CUSTOMERS).values(**FURTHER, curdebt=12.5)
    await till.execute(*map(sa.text, prepared), fill)
    return till


async def send(till: OpenTill, *customers: str) -> Sequence[Outcome | ChannelError]:
    (write,) = till.channel.writes
    return await write.send([EraseCustomer(key=id_, subject=Ref(id_)) for id_ in customers])


async def list_rows(till: OpenTill) -> dict[str, dict[str, Any]]:
    """List the rows of all customers, by ID."""
    rows = await till.sandbox.run(lambda conn: conn.execute(sa.text("SELECT * FROM customers")).mappings().all())
    return {row["id"]: dict(row) for row in rows}


def get_id(customer: WorldCustomer) -> str:
    return str(derive_id("customer", customer.number))


async def test_an_erase_clears_the_personal_columns_of_one_row_and_nothing_else(open_till: MakeTill) -> None:
    till = await open_erasable_till(open_till)
    before, orders = await list_rows(till), await till.read_records("receipts")
    ada = get_id(ADA)
    assert all(before[ada][column] for column in PERSONAL - {"country"})
    assert await send(till, ada) == [Done()]
    after = await list_rows(till)
    cleared = dict.fromkeys(PERSONAL) | {"name": "erased", "searchkey": ada}
    assert after == {**before, ada: {**before[ada], **cleared}}
    assert await till.read_records("receipts") == orders
    assert ada in {order.customer for order in orders}


async def test_an_erase_can_be_repeated_and_an_unknown_customer_is_erased_already(open_till: MakeTill) -> None:
    till = await open_erasable_till(open_till)
    assert await send(till, get_id(ADA), "unknown", "' OR '' = '") == [Done()] * 3
    once = await list_rows(till)
    assert await send(till, get_id(ADA)) == [Done()]
    assert await list_rows(till) == once
    assert await send(till, get_id(BOB)) == [Done()]


async def test_an_erased_customer_is_read_with_the_id_and_a_neutral_name(open_till: MakeTill) -> None:
    till = await open_erasable_till(open_till)
    await send(till, get_id(ADA))
    records = {record.ref.id: record for record in await till.read_records("customers")}
    assert records[get_id(ADA)] == CustomerRecord(ref=Ref(get_id(ADA)), display_name="erased")
    assert records[get_id(BOB)].emails


async def test_a_column_that_requires_a_value_gets_an_empty_text(open_till: MakeTill) -> None:
    till = await open_erasable_till(
        open_till,
        "ALTER TABLE customers ADD COLUMN badge VARCHAR(40) DEFAULT 'B-1' NOT NULL",
        "ALTER TABLE customers ADD COLUMN nickname VARCHAR(40) DEFAULT 'Ada'",
        layout={"customers": {"personal_columns": ["BADGE", "nickname", "notes"]}},
    )
    assert await send(till, get_id(ADA)) == [Done()]
    row = (await list_rows(till))[get_id(ADA)]
    assert (row["badge"], row["nickname"], row["notes"], row["email"]) == ("", None, None, None)
    assert row["fax"] == FURTHER["fax"], "the configuration does not name it"


async def test_a_column_of_the_profile_that_the_till_lacks_is_left_out(open_till: MakeTill) -> None:
    till = await open_erasable_till(open_till)
    await till.execute(sa.text("ALTER TABLE customers ADD COLUMN image VARCHAR(40) DEFAULT 'photo'"))
    await till.execute(sa.text("ALTER TABLE customers DROP COLUMN fax"))
    assert await send(till, get_id(ADA)) == [Done()]
    row = (await list_rows(till))[get_id(ADA)]
    assert (row["image"], row["notes"]) == (None, None)


async def test_a_configured_column_that_the_till_lacks_stops_the_channel_at_once(open_till: MakeTill) -> None:
    till = await open_erasable_till(open_till, layout={"customers": {"personal_columns": ["birthday"]}})
    with pytest.raises(ContractError, match="the till's database has no birthday; correct layout"):
        await till.read_items("customers")
    before = await list_rows(till)
    (error,) = await send(till, get_id(ADA))
    assert isinstance(error, ContractError)
    assert await list_rows(till) == before


async def test_a_search_key_that_another_customer_has_is_rejected_and_nothing_is_cleared(open_till: MakeTill) -> None:
    till = await open_erasable_till(open_till)
    taken = sa.update(CUSTOMERS).where(CUSTOMERS.c.id == get_id(BOB)).values(searchkey=get_id(ADA))
    await till.execute(taken)
    before = await list_rows(till)
    (error,) = await send(till, get_id(ADA))
    assert isinstance(error, RejectedError) and error.code == "INTEGRITY"
    assert await list_rows(till) == before


async def test_a_till_with_integer_ids_and_one_column_for_several_fields_is_erased(open_till: MakeTill) -> None:
    layout = {"table": "Clients", "id": "ClientNo", "name": "FullName", "given_name": "FullName", "family_name": ""}
    layout |= {"email": "Mail", **dict.fromkeys(("phone", "card", "line1", "line2", "city", "region"), "")}
    layout |= dict.fromkeys(("postal_code", "country", "visible", "search_key"), "")
    till = await open_till(erase_customers=True, tills={}, layout={"integer_ids": True, "customers": layout})
    await till.execute(
        sa.text("CREATE TABLE clients (clientno INTEGER PRIMARY KEY, fullname VARCHAR(40), mail VARCHAR(40))"),
        sa.text("INSERT INTO clients VALUES (7, 'Ada Byron', 'ada@example.com'), (8, 'Bob', 'bob@example.com')"),
    )
    assert await send(till, "7", "9", "seven", "7.0", "9" * 30) == [Done()] * 5
    select = sa.text("SELECT * FROM clients ORDER BY 1")
    rows = await till.sandbox.run(lambda conn: [tuple(row) for row in conn.execute(select)])
    assert rows == [(7, "erased", None), (8, "Bob", "bob@example.com")]


@pytest.mark.parametrize(
    ("layout", "message"),
    [
        ({"table": ""}, "needs the table of customers for erase_customers: layout.customers.table"),
        ({"id": "CARD"}, "needs an ID of customers that is no personal data"),
        ({"id": "searchkey"}, "needs an ID of customers that is no personal data"),
        ({"id": "notes"}, "needs an ID of customers that is no personal data"),
        ({"personal_columns": ["notes; DROP"]}, "expected the name of a table or column"),
        ({"personal_columns": [""]}, "expected the name of a table or column"),
        ({"personal_columns": "notes"}, "valid tuple"),
    ],
)
def test_a_layout_that_cannot_be_erased_is_refused(layout: dict[str, Any], message: str) -> None:
    given = {"url": "sqlite:///till.db", "currency": "GBP", "time_zone": "Europe/London", "erase_customers": True}
    with pytest.raises(ValidationError, match=message):
        SqlPosConfig.model_validate({**given, "layout": {"customers": layout}})
