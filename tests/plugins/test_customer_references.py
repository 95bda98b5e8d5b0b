"""References of customers in the bundled plugins: columns of a till, metafields of a store."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from gateway.sdk import ContractError, Done, EraseCustomer, Ref
from gateway.sdk.testing.sandbox import World, WorldCustomer, build_small_world
from gateway_shopify.read_documents import build_customer_queries
from gateway_shopify_sandbox.api import MAX_QUERY_COST, load_sandbox_schema
from gateway_sqlpos.customers.customer_references import check_references, format_references
from gateway_sqlpos.table_mapping import Customers
from gateway_sqlpos_sandbox.seed import derive_id
from tests.graphql.world import ADMIN
from tests.plugins import shopify
from tests.plugins.conftest import MakeTill
from tests.plugins.shopify_specs import load_introspection
from tests.plugins.sqlpos_gateway import open_till_testbed
from tests.plugins.test_shopify_contract import DESCRIBED, against_the_vendor, compute_cost, list_problems

pytestmark = pytest.mark.anyio

ADA = WorldCustomer(number="17850", name="Ada Byron", given_name="Ada", family_name="Byron")
ID = str(derive_id("customer", ADA.number))
NAMES = ["custom.till_customer", "crm.id"]


def build_world() -> World:
    return replace(build_small_world(), customers=(ADA,), receipts=())


def name_web(value: str, kind: str = "VARCHAR(40)") -> list[sa.TextClause]:
    """Build the statements that add the column and fill it."""
    return [
        sa.text(f"ALTER TABLE customers ADD COLUMN web_customer {kind}"),
        sa.text(f"UPDATE customers SET web_customer = {value}"),
    ]


# ------------------------------------------------------------------------------------------------ till


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("VARCHAR(40)", "' 7001 '", {"web": "7001"}),
        ("INTEGER", "7001", {"web": "7001"}),
        ("VARCHAR(40)", "''", {}),
        ("VARCHAR(40)", "'  '", {}),
        ("VARCHAR(40)", "NULL", {}),
    ],
)
async def test_a_column_of_a_till_is_a_reference(
    open_till: MakeTill, kind: str, value: str, expected: dict[str, str]
) -> None:
    till = await open_till(build_world(), references={"web": "WEB_CUSTOMER"})
    await till.execute(*name_web(value, kind))
    (record,) = await till.read_records("customers")
    assert record.references == expected


async def test_a_value_that_is_no_id_is_dropped_with_a_warning(open_till: MakeTill) -> None:
    till = await open_till(build_world(), references={"web": "web_customer"})
    await till.execute(*name_web("5.5", "NUMERIC(9, 2)"))
    (record,) = await till.read_records("customers")
    assert (record.references, record.display_name) == ({}, ADA.name)
    assert [warning.field for warning in record.warnings] == ["references"]


def test_values_of_other_types_are_formatted_as_text() -> None:
    row = {"reference:a": UUID(int=7), "reference:b": b"\x07", "reference:c": 7, "reference:d": None, "image": b"\x07"}
    format_references(row)
    assert row == {
        "reference:a": "00000000-0000-0000-0000-000000000007",
        "reference:b": "07",
        "reference:c": 7,
        "reference:d": None,
        "image": b"\x07",
    }


async def test_a_column_that_requires_a_value_cannot_be_erased(open_till: MakeTill) -> None:
    till = await open_till(build_world(), references={"web": "web_customer"}, erase_customers=True)
    await till.execute(sa.text("ALTER TABLE customers ADD COLUMN web_customer INTEGER DEFAULT 0 NOT NULL"))
    with pytest.raises(ContractError, match=r"web_customer of references\.web requires a value"):
        await till.read_records("customers")


async def test_a_column_that_is_mapped_already_can_be_a_reference(open_till: MakeTill) -> None:
    till = await open_till(build_world(), references={"web": "id", "crm": "name"})
    (record,) = await till.read_records("customers")
    assert (record.references, record.display_name) == ({"web": ID, "crm": ADA.name}, ADA.name)


async def test_a_column_that_the_till_lacks_stops_the_channel_at_once(open_till: MakeTill) -> None:
    till = await open_till(build_world(), references={"web": "missing"})
    with pytest.raises(ContractError, match=r"customers have no column missing; correct references\.web"):
        await till.read_records("customers")


@pytest.mark.parametrize("column", ["a; DROP TABLE customers", "customers.id", '"id"', " "])
def test_what_is_no_name_of_a_column_is_refused(column: str) -> None:
    with pytest.raises(ContractError, match=r"references\.web: .* is not the name of a column"):
        check_references({"web": column}, Customers())


def test_a_till_without_customers_has_no_references() -> None:
    with pytest.raises(ContractError, match="references needs the table of customers"):
        check_references({"web": "id"}, Customers(table=""))


async def test_an_erase_clears_the_references_and_leaves_the_id(open_till: MakeTill) -> None:
    references = {"web": "web_customer", "crm": "id"}
    till = await open_till(build_world(), references=references, erase_customers=True)
    await till.execute(*name_web("'7001'"))
    (write,) = till.channel.writes
    assert await write.send([EraseCustomer(key="1", subject=Ref(ID))]) == [Done()]
    (record,) = await till.read_records("customers")
    assert record.references == {"crm": ID}


async def test_a_customer_of_a_till_and_of_a_web_store_are_one(till_url: str, tmp_path: Path) -> None:
    prepared = name_web("'w-1'")
    references = {"web": "web_customer"}
    async with open_till_testbed(till_url, tmp_path, build_world(), prepared=prepared, references=references) as bed:
        bed.web.put("customers", {"id": "w-1", "name": "A. King", "email": None, "card": None})
        await bed.advance()
        query = "{ customers { nodes { identities { nodes { externalId evidence { rule value } } } } } }"
        (customer,) = (await bed.client.fetch_data(query, ADMIN))["customers"]["nodes"]
        shown = {node["externalId"]: node["evidence"] for node in customer["identities"]["nodes"]}
        assert shown.keys() == {ID, "w-1"}
        assert {"rule": "EXTERNAL_REFERENCE", "value": "web:w-1"} in shown[ID]


# ------------------------------------------------------------------------------------------------ store


async def read_references(web: shopify.ShopifyTestbed, metafields: dict[Any, Any]) -> dict[str, str]:
    (customer, *_) = web.sandbox.shop.list_nodes("Customer")
    customer["metafields"] = metafields
    records = await web.read_records("customers")
    references: dict[str, str] = records[customer["id"].rpartition("/")[2]].references
    return references


async def test_metafields_of_customers_are_references(tmp_path: Path) -> None:
    tables = {"customers": {"external_systems": ["till", "crm"]}}
    references = dict(zip(("till", "crm"), NAMES, strict=True))
    async with shopify.open_testbed(tmp_path, references=references, tables=tables) as web:
        text = {"type": "single_line_text_field", "value": " T-1 "}
        number = {"type": "number_integer", "value": "12"}
        both = {("custom", "till_customer"): text, ("crm", "id"): number, ("custom", "vip"): text}
        assert await read_references(web, both) == {"till": "T-1", "crm": "12"}
        assert await read_references(web, {("crm", "id"): text}) == {"crm": "T-1"}
        assert await read_references(web, {("crm", "id"): {**text, "value": " "}}) == {}


@pytest.mark.parametrize("name", ["till", 'custom.a") { x }', "custom.", "a b.c"])
async def test_what_is_no_name_of_a_metafield_is_a_problem_of_the_channel(tmp_path: Path, name: str) -> None:
    tables = {"customers": {"external_systems": ["crm"]}}
    async with shopify.open_testbed(tmp_path, references={"crm": name}, tables=tables) as web:
        assert "is not the name of a metafield" in str(web.gateway.channels["web"].failure)


def test_queries_with_metafields_of_customers_cost_what_was_estimated() -> None:
    queries = build_customer_queries(NAMES)
    assert list_problems(load_sandbox_schema(), queries.listing.text) == []
    variables = {"first": queries.count_records(queries.max_entries), "inside": queries.max_entries}
    estimated = queries.listing.estimate_cost(variables)
    assert estimated * 0.99 - 1 <= compute_cost(queries.listing, variables) <= estimated <= MAX_QUERY_COST


@against_the_vendor
def test_queries_with_metafields_of_customers_are_understood_by_the_vendor() -> None:
    assert DESCRIBED is not None
    assert list_problems(load_introspection(DESCRIBED), build_customer_queries(NAMES).listing.text) == []
