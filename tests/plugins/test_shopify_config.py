"""The configuration of a web store: validation messages and derived settings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

import gateway_shopify
from gateway.sdk import Budget, ChannelKind, Registry
from gateway_shopify import CHANNEL
from gateway_shopify.config import ShopifyConfig
from tests.plugins.shopify import ShopifyTestbed, open_testbed

HOME = Path(__file__).parents[2]
TOKEN = "shpat_unmistakable"
GOOD = {
    "shop": "my-store.myshopify.com",
    "access_token": TOKEN,
    "currency": "GBP",
    "time_zone": "Europe/London",
}


def test_the_plugin_registers_one_channel_type() -> None:
    registry = Registry()
    gateway_shopify.gateway_register(registry)
    assert registry.channels == [CHANNEL]
    assert (CHANNEL.name, CHANNEL.kind) == ("shopify", ChannelKind.STOREFRONT)


def test_the_schema_of_the_configuration_is_printed_and_says_what_each_key_is() -> None:
    printed = HOME / "schema" / "channel-config" / "shopify.json"
    schema = ShopifyConfig.model_json_schema()
    assert json.loads(printed.read_text(encoding="utf-8")) == schema
    assert all("description" in one for one in schema["properties"].values())


@pytest.mark.parametrize("said", [None, False, True])
def test_a_store_that_is_asked_whether_its_prices_include_tax_has_not_answered_yet(said: bool | None) -> None:
    config = ShopifyConfig.model_validate(GOOD if said is None else {**GOOD, "prices_include_tax": said})
    assert CHANNEL.traits(config).prices_include_tax is said


def test_every_key_of_the_configuration_is_documented() -> None:
    page = (HOME / "docs" / "channels" / "shopify.md").read_text(encoding="utf-8")
    assert [key for key in ShopifyConfig.model_fields if f"| `{key}` |" not in page] == []


def test_every_scope_that_is_needed_is_documented() -> None:
    page = (HOME / "docs" / "channels" / "shopify.md").read_text(encoding="utf-8")
    assert [scope for scope in gateway_shopify.errors.ACCESS_SCOPES.values() if f"`{scope}`" not in page] == []


@pytest.mark.parametrize(
    ("change", "path", "message"),
    [
        (
            {"shop": "my-store.com"},
            "shop",
            "expected the myshopify.com domain of the shop, such as my-store.myshopify.com",
        ),
        ({"shop": "https://my-store.myshopify.com"}, "shop", "expected the myshopify.com domain of the shop"),
        ({"shop": "a.myshopify.com.evil.com"}, "shop", "expected the myshopify.com domain of the shop"),
        ({"access_token": " "}, "access_token", "is empty"),
        ({"currency": "QUID"}, "currency", "expected an ISO 4217 currency code such as GBP"),
        ({"time_zone": "London"}, "time_zone", "expected an IANA time zone such as Europe/London"),
        ({"webhook_secrets": ["a", "b", "c"]}, "webhook_secrets", "at most 2 items"),
        ({"webhook_secrets": [""]}, "webhook_secrets.0", "is empty"),
        ({"feeds": ["products", "reviews"]}, "feeds.1", "'products'"),
        ({"feeds": []}, "feeds", "at least 1 item"),
        ({"points_per_second": 0}, "points_per_second", "greater than 0"),
        ({"address": "ftp://127.0.0.1"}, "address", "expected a URL without a path, such as http://127.0.0.1:8080"),
        ({"address": "http://127.0.0.1/admin"}, "address", "without a path"),
        ({"colour": "red"}, "colour", "Extra inputs"),
    ],
)
def test_a_wrong_configuration_is_refused_in_one_line(change: dict[str, Any], path: str, message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        ShopifyConfig.model_validate({**GOOD, **change})
    (problem,) = caught.value.errors(include_input=False)
    assert ".".join(map(str, problem["loc"])) == path
    assert message in problem["msg"]
    assert TOKEN not in str(caught.value)


def test_the_api_is_at_the_shops_own_address_unless_another_is_given() -> None:
    config = ShopifyConfig.model_validate(GOOD)
    assert config.base_url == "https://my-store.myshopify.com"
    assert config.model_copy(update={"address": "http://127.0.0.1:1"}).base_url == "http://127.0.0.1:1"
    assert TOKEN not in repr(config)


def test_the_cost_bucket_is_that_of_the_smallest_plan_until_the_shop_reports_its_own() -> None:
    assert CHANNEL.budgets(ShopifyConfig.model_validate(GOOD)) == {"points": Budget(1000, 100)}


@pytest.mark.anyio
async def test_without_a_secret_there_are_no_webhooks_and_only_what_is_wanted_is_read(tmp_path: Path) -> None:
    async with open_testbed(tmp_path, config={"webhook_secrets": [], "feeds": ["stock"]}) as web:
        assert web.channel.webhooks is None
        assert list(web.channel.feeds) == ["stock"]


@pytest.mark.anyio
@pytest.mark.long
async def test_a_shop_that_cannot_be_reached_can_be_opened(tmp_path: Path) -> None:
    async with open_testbed(tmp_path, config={"address": "http://127.0.0.1:1"}) as web:
        assert isinstance(web, ShopifyTestbed)
        await web.gateway.run_due()
        assert set((await web.read_faults()).values()) == {"UNAVAILABLE"}
