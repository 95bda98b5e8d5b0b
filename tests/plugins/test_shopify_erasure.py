"""Erases of customers of a web store: requested, carried out by the store, and read again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gateway.sdk import (
    Address,
    AuthError,
    ChannelError,
    CustomerRecord,
    Done,
    EraseCustomer,
    OrderRecord,
    Outcome,
    OutcomeUnknownError,
    Raw,
    Ref,
    Refused,
)
from gateway.sdk.testing.sandbox import World, WorldCustomer
from gateway_shopify_sandbox.state import parse_number
from tests.plugins.shopify import SOON, ShopifyTestbed, build_world, open_testbed

pytestmark = pytest.mark.anyio

WRITES: dict[str, Any] = {"config": {"writes": ["erase_customers"]}}
REDACTED = {"display_name": None, "given_name": None, "family_name": None, "tags": (), "consents": ()}

ADA = WorldCustomer(
    number="17850",
    name="Ada Byron",
    given_name="Ada",
    family_name="Byron",
    email="ada@example.com",
    phone="+447700900123",
    address=Address(line1="12 St James's Square", city="London", postal_code="SW1Y 4JH", country_code="GB"),
)


def build_erasable_world() -> World:
    """Build the small world, whose customer has all personal data."""
    return replace(build_world(), customers=(ADA,))


async def send(web: ShopifyTestbed, id_: str) -> Outcome | ChannelError:
    outcome: Outcome | ChannelError
    (outcome,) = await web.channel.send([EraseCustomer(key="k", subject=Ref(id_))], SOON)
    return outcome


async def read_customer(web: ShopifyTestbed) -> CustomerRecord:
    """Read the only customer by ID."""
    (customer,) = web.sandbox.shop.list_nodes("Customer")
    id_ = str(parse_number(customer["id"]))
    raw = (await web.fetch_records("customers", id_))[id_]
    assert isinstance(raw, Raw)
    record = (await web.read("customers", [raw]))[id_]
    assert isinstance(record, CustomerRecord)
    return record


async def test_an_erased_customer_is_read_without_personal_data(tmp_path: Path) -> None:
    async with open_testbed(tmp_path, build_erasable_world(), **WRITES) as web:
        before = await read_customer(web)
        assert all((before.display_name, before.given_name, before.family_name))
        assert all((before.emails, before.phones, before.addresses))
        for _ in range(2):  # to request it again has no further effect
            assert await send(web, before.ref.id) == Done()
        after = await read_customer(web)
    assert (after.ref, after.created_at) == (before.ref, before.created_at)
    assert {name: getattr(after, name) for name in REDACTED} == REDACTED
    assert (after.emails, after.phones, after.addresses) == ((), (), ())


async def test_orders_of_an_erased_customer_stay_without_contact(tmp_path: Path) -> None:
    async with open_testbed(tmp_path, build_erasable_world(), **WRITES) as web:
        customer = (await read_customer(web)).ref.id
        await web.sandbox.sell("TEA-1", 1, "leeds", customer=customer)
        before = await web.read_records("orders")
        assert all(order.contact and order.shipping_address for order in before.values())
        await send(web, customer)
        await web.sandbox.sell("TEA-1", 1, "leeds", customer=customer)
        after = await web.read_records("orders")
    assert len(after) == len(before) + 1
    for order in after.values():
        assert isinstance(order, OrderRecord)
        assert (order.customer, order.contact) == (customer, None)
        assert (order.shipping_address, order.billing_address) == (None, None)


async def test_a_store_that_waits_shows_the_customer_until_then(tmp_path: Path) -> None:
    async with open_testbed(tmp_path, build_erasable_world(), **WRITES) as web:
        web.sandbox.shop.erasure_delay = 3600
        before = await read_customer(web)
        assert await send(web, before.ref.id) == Done()
        assert await read_customer(web) == before
        web.clock.forward(hours=1)
        web.sandbox.shop.run_due()
        assert (await read_customer(web)).emails == ()


async def test_a_customer_whom_the_store_does_not_have_is_erased_already(tmp_path: Path) -> None:
    async with open_testbed(tmp_path, build_erasable_world(), **WRITES) as web:
        assert await send(web, "77") == Done()
        assert "EraseCustomer" in web.sandbox.behavior.operations


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        ({"userErrors": [{"code": "FAILED_TO_REQUEST", "field": ["customerId"]}]}, "FAILED_TO_REQUEST"),
        ({"userErrors": [{"code": None, "field": None}]}, "INVALID"),
    ],
)
async def test_an_erase_that_the_store_refuses_is_refused(tmp_path: Path, payload: Any, code: str) -> None:
    async with open_testbed(tmp_path, build_erasable_world(), **WRITES) as web:
        web.sandbox.behavior.response_override = lambda name, answer: {"data": {"customerRequestDataErasure": payload}}
        refused = await send(web, "77")
        assert isinstance(refused, Refused) and refused.code == code
        assert refused.message.startswith("the shop refuses to erase the customer")


async def test_an_answer_without_a_payload_leaves_the_outcome_open(tmp_path: Path) -> None:
    async with open_testbed(tmp_path, build_erasable_world(), **WRITES) as web:
        web.sandbox.behavior.response_override = lambda name, answer: {"data": {"customerRequestDataErasure": None}}
        with pytest.raises(OutcomeUnknownError):
            await send(web, "77")


async def test_an_app_without_the_access_scope_gets_an_error_that_names_it(tmp_path: Path) -> None:
    denied = {"message": "", "path": ["customerRequestDataErasure"], "extensions": {"code": "ACCESS_DENIED"}}
    async with open_testbed(tmp_path, build_erasable_world(), **WRITES) as web:
        web.sandbox.behavior.response_override = lambda name, answer: {"errors": [denied], "data": None}
        with pytest.raises(AuthError, match="write_customer_data_erasure"):
            await send(web, "77")


@pytest.mark.parametrize("writes", [[], ["set_consents"], ["erase_customers"]])
async def test_customers_are_erased_if_the_configuration_allows_it(tmp_path: Path, writes: list[str]) -> None:
    async with open_testbed(tmp_path, build_erasable_world(), config={"writes": writes}) as web:
        assert web.gateway.rules.topology.can_execute("web", EraseCustomer) == ("erase_customers" in writes)
