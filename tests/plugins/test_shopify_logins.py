"""Logins of customers at the store: the plugin verifies their access tokens by the Customer Account API."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from graphql import parse, validate

from gateway.sdk.errors import ChannelError
from gateway_shopify.customers.customer_accounts import DOCUMENT
from gateway_shopify_sandbox.customers.customer_accounts import load_schema
from tests.graphql.shopper import make_key
from tests.graphql.world import open_client
from tests.plugins.shopify import CHANNEL, SOON, open_testbed
from tests.plugins.shopify_specs import find_introspection, list_differences, load_introspection

pytestmark = pytest.mark.anyio

EXCHANGE = """mutation ($input: ShopperTokenExchangeInput!) {
  shopperTokenExchange(input: $input) { accessToken customer { displayName } userErrors { code } }
}"""


def get_first_customer(nodes: Mapping[int, object]) -> str:
    return str(min(nodes))


async def test_a_customer_of_the_store_logs_in_to_the_gateway(tmp_path: Path) -> None:
    async with open_testbed(tmp_path) as testbed, open_client(testbed.gateway) as client:
        await testbed.gateway.run_due()
        token = testbed.sandbox.log_in(get_first_customer(testbed.sandbox.shop.nodes["Customer"]))
        given = {"kind": "CHANNEL_CUSTOMER", "channelKey": CHANNEL, "subjectToken": token, "idempotencyKey": make_key()}
        payload = (await client.fetch_data(EXCHANGE, input=given))["shopperTokenExchange"]
        assert payload["userErrors"] == []
        me = await client.fetch_data("{ me { displayName } viewer { kind } }", payload["accessToken"])
        assert me == {"me": payload["customer"], "viewer": {"kind": "SHOPPER"}}


async def test_a_customer_whose_record_was_not_read_yet_is_read_at_once(tmp_path: Path) -> None:
    async with open_testbed(tmp_path) as testbed, open_client(testbed.gateway) as client:
        await testbed.gateway.run_due()
        shop = testbed.sandbox.shop
        new = shop.add("Customer", **{**shop.nodes["Customer"][min(shop.nodes["Customer"])], "firstName": "Newcomer"})
        token = testbed.sandbox.logins.add_login(new)
        given = {"kind": "CHANNEL_CUSTOMER", "channelKey": CHANNEL, "subjectToken": token, "idempotencyKey": make_key()}
        payload = (await client.fetch_data(EXCHANGE, input=given))["shopperTokenExchange"]
        assert payload["userErrors"] == []
        assert payload["accessToken"]


@pytest.mark.parametrize("token", ["", "shcat_guess", "with space", "line\nbreak", "ä", "x" * 9_000])
async def test_another_token_is_not_accepted(tmp_path: Path, token: str) -> None:
    async with open_testbed(tmp_path) as testbed:
        assert await testbed.channel.verify_customer(token, SOON) is None


async def test_a_token_of_a_customer_who_has_logged_out_is_not_accepted(tmp_path: Path) -> None:
    async with open_testbed(tmp_path) as testbed:
        token = testbed.sandbox.log_in(get_first_customer(testbed.sandbox.shop.nodes["Customer"]))
        assert await testbed.channel.verify_customer(token, SOON) is not None
        testbed.sandbox.logins.end_login(token)
        assert await testbed.channel.verify_customer(token, SOON) is None


async def test_a_store_that_is_down_does_not_refuse_the_token(tmp_path: Path) -> None:
    async with open_testbed(tmp_path) as testbed:
        token = testbed.sandbox.log_in(get_first_customer(testbed.sandbox.shop.nodes["Customer"]))
        await testbed.sandbox.fault("down")
        with pytest.raises(ChannelError) as caught:
            await testbed.channel.verify_customer(token, SOON)
        assert token not in str(caught.value)


def test_the_sandbox_serves_what_the_api_has() -> None:
    assert validate(load_schema(), parse(DOCUMENT)) == []
    admin = find_introspection()
    if admin is None:
        pytest.skip("the introspection result of the API is not at hand")
    whole = load_introspection(admin.with_name("customer-account.schema.json.gz"))
    differences = [line for line in list_differences(load_schema(), whole) if not line.startswith("Query")]
    assert differences == []
    assert validate(whole, parse(DOCUMENT)) == []
