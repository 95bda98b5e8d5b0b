"""Errors of a web store: their messages, and recovery."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.sdk import AuthError, ChannelError, ContractError, RateLimitedError, Ref, UnavailableError
from gateway.sdk.testing.sandbox import FAULTS, SandboxError
from gateway_shopify.errors import map_status
from tests.plugins.shopify import SOON, ShopifyTestbed, build_products, build_world, open_testbed

pytestmark = pytest.mark.anyio

LATE = {"TIMEOUT", "UNAVAILABLE"}
"""The call or its request, whichever ends first at the deadline."""

CODES = {
    "down": {"UNAVAILABLE"},
    "hang": LATE,
    "slow": LATE,
    "throttle": {"RATE_LIMITED"},
    "garbage": {"CONTRACT_VIOLATION"},
    "error": {"UNAVAILABLE"},
    "half": {"UNAVAILABLE"},
    "auth": {"AUTH_FAILED"},
}


def test_every_fault_of_the_kit_is_known() -> None:
    assert set(CODES) == set(FAULTS) - {"ok"}


@pytest.mark.long
@pytest.mark.parametrize("mode", CODES)
async def test_each_fault_is_named_and_heals_by_itself_and_nothing_is_lost(tmp_path: Path, mode: str) -> None:
    async with open_testbed(tmp_path, call_deadline="1s" if CODES[mode] is LATE else "20s") as web:
        await web.gateway.run_due()
        before = await web.read_state()
        await web.sandbox.fault(mode)
        assert await web.run_next_pass() == before
        faults = set((await web.read_faults()).values())
        assert faults, "the fault was noticed"
        assert faults <= CODES[mode]
        await web.sandbox.product("TEA-1", title="Evening tea")
        await web.sandbox.fault("ok")
        after = await web.run_next_pass(hours=2)
        assert await web.read_faults() == {}
        assert "Evening tea" in {row[0] for row in after["titles"]}
        assert len(after["listings"]) == 3


async def test_a_fault_that_is_for_some_time_ends_by_itself(tmp_path: Path) -> None:
    async with open_testbed(tmp_path) as web:
        await web.sandbox.fault("hang", seconds=0.05)
        assert len(await web.read_records("products")) == 3
        with pytest.raises(SandboxError, match="expected one of ok"):
            await web.sandbox.fault("sulk")


async def read_first_page_error(
    web: ShopifyTestbed, twist: Callable[[str, dict[str, Any]], Any], feed: str = "products"
) -> ChannelError:
    """Read the error of the first page of a feed, given this twist."""
    web.sandbox.behavior.response_override = twist
    with pytest.raises(ChannelError) as caught:
        await web.read_pages(feed)
    assert "shpat_sandbox" not in str(caught.value)
    assert "\n" not in str(caught.value)
    return caught.value


def build_error_response(code: str, message: str = "", **more: Any) -> Mapping[str, Any]:
    """Build a response with an error."""
    return {"errors": [{"message": message, "extensions": {"code": code}, **more}], "data": None}


@pytest.mark.parametrize(
    ("answer", "error", "message"),
    [
        (
            build_error_response("ACCESS_DENIED", "Access denied for products field.", path=["products"]),
            AuthError,
            "read_products",
        ),
        (
            build_error_response("ACCESS_DENIED", "Required access: `read_all_orders` access scope."),
            AuthError,
            "read_all_orders",
        ),
        (build_error_response("ACCESS_DENIED"), AuthError, "ProductNewest: grant the access scope read_products"),
        (
            build_error_response("INTERNAL_SERVER_ERROR", "Looks like something went wrong"),
            UnavailableError,
            "internal error",
        ),
        (build_error_response("TIMEOUT"), UnavailableError, "internal error"),
        (build_error_response("SHOP_INACTIVE"), UnavailableError, "closed or frozen"),
        (build_error_response("MAX_COST_EXCEEDED"), ContractError, "costs more than the shop allows"),
        (
            build_error_response("undefinedField", "Field 'x' doesn't exist"),
            ContractError,
            "rejected ProductNewest as malformed",
        ),
        (build_error_response("THROTTLED", "Throttled"), RateLimitedError, "bucket is empty"),
        ({"errors": "[API] Invalid"}, ContractError, "as malformed"),
        ({"errors": [None]}, ContractError, "unknown code"),
        ({"errors": {"query": "Required"}}, ContractError, "unknown code"),
        ({"data": None}, ContractError, "has no data"),
        ({"data": []}, ContractError, "has no data"),
        ({}, ContractError, "has no data"),
        ([], ContractError, "is not an object"),
        (None, ContractError, "is not an object"),
        (b"", ContractError, "is not JSON"),
        (b"<!doctype html>", ContractError, "is not JSON"),
        (b'{"data": {"products": {"nodes": [NaN]}}}', ContractError, "is not JSON"),
        (b'{"data": Infinity}', ContractError, "is not JSON"),
        (b'{"data": ' + b"[" * 200_000 + b"]" * 200_000 + b"}", ContractError, "is not JSON"),
        (b'{"data": "' + b"x" * 10_000_000 + b'"}', ContractError, "more than 10,000,000 bytes"),
        (b"\xff\xfe{}", ContractError, "is not JSON"),
    ],
)
async def test_an_answer_that_is_none_is_named(
    tmp_path: Path, answer: Any, error: type[ChannelError], message: str
) -> None:
    async with open_testbed(tmp_path) as web:
        caught = await read_first_page_error(web, lambda name, true: answer)
    assert type(caught) is error
    assert message in str(caught)


@pytest.mark.parametrize(
    ("status", "error", "message"),
    [
        (400, ContractError, "rejected the request as malformed"),
        (402, UnavailableError, "is frozen: its bill is unpaid"),
        (404, ContractError, "there is no shop my-store.myshopify.com, or it no longer has this version"),
        (423, UnavailableError, "is locked"),
        (430, RateLimitedError, "reduce the rate"),
    ],
)
async def test_a_status_that_is_no_answer_is_named(status: int, error: type[ChannelError], message: str) -> None:
    found = map_status(status, "my-store.myshopify.com")
    assert type(found) is error
    assert message in str(found)
    assert map_status(200, "my-store.myshopify.com") is None


async def test_a_throttled_answer_says_when_to_come_again(tmp_path: Path) -> None:
    async with open_testbed(tmp_path, scale=1) as web:
        web.sandbox.api.is_drained = True
        await web.sandbox.fault("throttle")
        caught = await read_first_page_error(web, lambda name, true: true)
    assert isinstance(caught, RateLimitedError)
    assert caught.retry_after is not None
    assert timedelta(0) < caught.retry_after <= timedelta(seconds=0.03), "3 points at 100 a second"


@pytest.mark.parametrize("currency", ["EUR", "", None, 3])
async def test_a_shop_in_another_currency_is_read_not_at_all(tmp_path: Path, currency: object) -> None:
    def change_currency(name: str, answer: dict[str, Any]) -> Any:
        if "shop" in answer["data"]:
            answer["data"]["shop"]["currencyCode"] = currency
        return answer

    async with open_testbed(tmp_path) as web:
        assert "but GBP is configured: correct the configuration" in str(
            await read_first_page_error(web, change_currency)
        )


async def test_another_app_that_empties_the_bucket_holds_the_first_sync_up_and_no_more(tmp_path: Path) -> None:
    async with open_testbed(tmp_path, build_world(build_products(60)), scale=20) as web:

        def drain_bucket(name: str, answer: dict[str, Any]) -> Any:
            web.sandbox.api.bucket.drain()
            return answer

        web.sandbox.behavior.response_override = drain_bucket
        await web.gateway.run_due()
        while await web.read_faults():
            web.sandbox.behavior.response_override = None
            await web.run_next_pass(minutes=1)
        assert len((await web.read_state())["listings"]) == 63
        assert web.sandbox.api.bucket.throttled > 0, "the bucket of the sandbox really throttles"


async def test_a_first_sync_by_itself_is_never_throttled_and_as_fast_as_it_may_be(tmp_path: Path) -> None:
    async with open_testbed(tmp_path, build_world(build_products(400)), scale=30) as web:
        bucket, began = web.sandbox.api.bucket, time.monotonic()
        await web.gateway.run_due()
        took = time.monotonic() - began
        assert await web.read_faults() == {}
        assert len((await web.read_state())["listings"]) == 403
        assert bucket.throttled == 0
        assert bucket.spent <= bucket.capacity + bucket.per_second * took
        assert bucket.spent > 3 * bucket.capacity, "or nothing would have had to wait"


@pytest.mark.parametrize("mark", [None, "2009-01-01T00:00:00Z"])
async def test_a_page_whose_records_cannot_all_be_paid_for_goes_on_behind_those_that_were(
    tmp_path: Path, mark: str | None
) -> None:
    """Otherwise a page of large products would restart forever."""
    large = [
        replace(one, sku=f"{group}-{one.sku}", group=group) for group in "AB" for one in build_products(260, group="x")
    ]
    async with open_testbed(tmp_path, build_world(large), scale=1) as web:
        page = await web.channel.page("products", mark, None, SOON / 4)
        assert [raw.id for raw in page.items] == [web.find_product_id(sku) for sku in ("TEA-1", "MUG-1", "MUG-2")]
        assert page.next is not None
        web.sandbox.api.bucket.per_second = 5_000
        page = await web.channel.page("products", mark, page.next, SOON)
        large_id = web.find_product_id("A-P00000")
        record = (await web.read("products", page.items))[large_id]
        assert len(record.variants) == 260


async def test_live_stock_costs_what_it_asks_for_and_not_a_whole_page(tmp_path: Path) -> None:
    async with open_testbed(tmp_path, scale=1) as web:
        assert len(await web.read_records("stock")) == 3
        web.sandbox.api.bucket.take(850)
        answer = await web.channel.fetch("stock", [Ref(web.find_level_id("TEA-1", "leeds"))], SOON / 10, live=True)
        assert len(answer) == 1
