"""Errors and invalid responses of a seller account: they lead to faults and rejects and do no harm to stored data."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.channels.response_validation import BadRecord
from gateway.sdk import AuthError, BudgetSpentError, ContractError, RateLimitedError
from gateway.sdk.testing.sandbox import SandboxError
from gateway.storage.sync import rate_buckets
from gateway.sync import feed_poller, pass_state
from gateway_amazon.client import OPERATIONS
from gateway_amazon_sandbox.http_app import ResponseOverride
from gateway_amazon_sandbox.login import CLIENT_SECRET, REFRESH
from tests.plugins.amazon import SOON, open_testbed
from tests.plugins.tampering_proxy import reply
from tests.plugins.three_channels import AMAZON, Retail, open_retail

pytestmark = [pytest.mark.anyio, pytest.mark.long]
FEEDS = {"listings", "merchant-stock", "fba-stock", "orders"}


@pytest.mark.parametrize(
    ("mode", "code"),
    [
        ("down", "UNAVAILABLE"),
        ("hang", "TIMEOUT"),
        ("slow", "TIMEOUT"),
        ("error", "UNAVAILABLE"),
        ("throttle", "RATE_LIMITED"),
        ("garbage", "CONTRACT_VIOLATION"),
        ("half", "UNAVAILABLE"),
        ("auth", "AUTH_FAILED"),
    ],
)
async def test_each_fault_is_named_harms_nothing_and_heals_by_itself(tmp_path: Path, mode: str, code: str) -> None:
    async with open_testbed(tmp_path, deadline="1s") as amazon:
        await amazon.gateway.run_due()
        before = await amazon.read_state()
        await amazon.sandbox.fault(mode)
        assert await amazon.run_next_pass() == before
        assert code in (await amazon.read_faults()).values()
        order = await amazon.sandbox.sell("TEA-1", 5, "leeds")
        await amazon.sandbox.fault("ok")
        known = await amazon.run_next_pass(hours=1)
        assert await amazon.read_faults() == {}
    assert ("amazon", "TEA-1", "leeds", 7) in known["stock"]
    assert order in [row[0] for row in known["orders"]]


async def test_a_fault_that_is_for_some_time_ends_by_itself(tmp_path: Path) -> None:
    async with open_testbed(tmp_path) as amazon:
        await amazon.sandbox.fault("hang", seconds=0.05)
        assert len(await amazon.read_items("listings")) == 3
        with pytest.raises(SandboxError, match="expected one of ok, down, hang"):
            await amazon.sandbox.fault("sulk")


async def test_an_access_token_that_has_ended_is_replaced_without_a_fault(tmp_path: Path) -> None:
    async with open_testbed(tmp_path) as amazon:
        await amazon.gateway.run_due()
        amazon.sandbox.expire_tokens()
        await amazon.run_next_pass()
        assert await amazon.read_faults() == {}
        await amazon.run_next_pass(hours=2)  # the download is known to have ended, so nothing is refused
        assert await amazon.read_faults() == {}
        assert sum(one.status == 403 for one in amazon.sandbox.requests) == 1


async def test_a_revoked_refresh_token_says_what_to_do_and_reveals_no_secret(tmp_path: Path) -> None:
    async with open_testbed(tmp_path) as amazon:
        amazon.sandbox.revoke_authorization()
        channel = amazon.gateway.channel_syncs["amazon"].channel
        with pytest.raises(AuthError, match="authorize the app again in Seller Central"):
            await channel.page("listings", None, None, SOON)
        await amazon.gateway.run_due()
        assert set((await amazon.read_faults()).values()) == {"AUTH_FAILED"}
        assert REFRESH not in await amazon.read_fault_messages()
        amazon.sandbox.revoke_authorization(REFRESH)
        await amazon.run_next_pass(hours=1)
        assert await amazon.read_faults() == {}


@pytest.mark.parametrize("key", ["client_secret", "client_id"])
async def test_a_wrong_app_says_which_keys_to_check(tmp_path: Path, key: str) -> None:
    wrong: dict[str, Any] = {key: "another"}
    async with open_testbed(tmp_path, **wrong) as amazon:
        with pytest.raises(AuthError, match="check client_id and client_secret") as caught:
            await amazon.read_pages("listings")
        assert CLIENT_SECRET not in str(caught.value)


@pytest.mark.parametrize(
    "said",
    [
        b"<html>",
        b"[]",
        {"token_type": "bearer"},
        {"access_token": 7, "expires_in": 3600},
        {"access_token": "a\nb", "expires_in": 3600},
        {"access_token": "a", "expires_in": "3600"},
        {"access_token": "a", "expires_in": -1},
    ],
)
async def test_a_login_that_answers_nonsense_breaks_its_contract(tmp_path: Path, said: Any) -> None:
    async with open_testbed(tmp_path) as amazon:
        amazon.sandbox.replace_response("login", lambda _: said)
        with pytest.raises(ContractError):
            await amazon.read_pages("listings")


async def test_a_role_that_the_app_has_not_is_named(tmp_path: Path) -> None:
    async with open_testbed(tmp_path, seller_id="ANOTHER") as amazon:
        with pytest.raises(AuthError, match="check that the app has the role") as caught:
            await amazon.read_pages("listings")
        assert "searchListingsItems" in str(caught.value)
        assert [one.status for one in amazon.sandbox.requests] == [403, 403]  # once more, with a new token


async def test_what_amazon_throttles_is_asked_again_only_when_its_rate_allows(tmp_path: Path) -> None:
    async with open_testbed(tmp_path, scale=1.0) as amazon:
        await amazon.sandbox.fault("throttle")
        with pytest.raises(BudgetSpentError) as caught:
            await amazon.read_pages("orders")
        assert caught.value.retry_after is not None
        assert 170 < caught.value.retry_after.total_seconds() < 900
        with pytest.raises(RateLimitedError) as refused:
            await amazon.read_pages("listings")
        assert not isinstance(refused.value, BudgetSpentError)
        assert [one.operation for one in amazon.sandbox.requests] == ["searchOrders", *["searchListingsItems"] * 2]
        first, second = (one.at for one in amazon.sandbox.requests[1:])
        assert second - first > 0.19  # one in a fifth of a second, and a share is reserved for live reads


DEEP = b"[" * 200_000 + b"]" * 200_000
HOSTILE = [
    b"<!doctype html><html></html>",
    DEEP,
    b'{"numberOfResults": NaN, "items": NaN, "orders": NaN, "payload": NaN}',
    b" " * 11_000_000 + b"{}",
    b"\xff\xfe{}",
    b"",
    b"null",
    b"[]",
    b"3",
    b'"text"',
    b'{"items": {}, "orders": {}, "payload": []}',
    b'{"items": ["a"], "orders": [7], "payload": {"inventorySummaries": [null]}}',
    b'{"items": [], "orders": [], "payload": {"inventorySummaries": []}, "pagination": 7}',
    b'{"items": [], "orders": [], "payload": {"inventorySummaries": []}, "pagination": {"nextToken": {}}}',
]
SEARCHES = {
    "searchListingsItems": ("listings", "merchant-stock"),
    "getInventorySummaries": ("fba-stock",),
    "searchOrders": ("orders",),
}


@pytest.mark.parametrize("said", HOSTILE, ids=range(len(HOSTILE)))
async def test_an_answer_that_cannot_be_one_is_a_broken_contract_and_harms_nothing(tmp_path: Path, said: bytes) -> None:
    async with open_testbed(tmp_path) as amazon:
        await amazon.gateway.run_due()
        before = await amazon.read_state()
        for operation, names in SEARCHES.items():
            amazon.sandbox.replace_response(operation, lambda _: said)
            for feed in names:
                with pytest.raises(ContractError):
                    await amazon.read_pages(feed)
        assert await amazon.run_next_pass() == before
        assert set((await amazon.read_faults()).values()) == {"CONTRACT_VIOLATION"}


def build_twist(operation: str, *path: Any, value: Any) -> Callable[[Any], Any]:
    """Build a twist that sets a value in the first record of a response, or does nothing for ``...``."""

    def set_value(said: Any) -> Any:
        records = {
            "searchListingsItems": lambda: said["items"],
            "searchOrders": lambda: said["orders"],
            "getInventorySummaries": lambda: said["payload"]["inventorySummaries"],
        }[operation]()
        found = records[0]
        for step in path[:-1]:
            found = found[step]
        found[path[-1]] = value
        return said

    return set_value


SUMMARY, OFFER = ("summaries", 0), ("offers", 0, "price")
LINE = ("orderItems", 0)
SPOILED: list[tuple[str, str, tuple[Any, ...], Any]] = [
    ("listings", "searchListingsItems", ("sku",), None),
    ("listings", "searchListingsItems", ("sku",), {"deep": 1}),
    ("listings", "searchListingsItems", ("sku",), "S" * 300),
    ("listings", "searchListingsItems", ("sku",), 4711),
    ("listings", "searchListingsItems", ("summaries",), "none"),
    ("listings", "searchListingsItems", (*SUMMARY, "status"), "BUYABLE"),
    ("listings", "searchListingsItems", (*SUMMARY, "itemName"), ["a"]),
    ("listings", "searchListingsItems", (*SUMMARY, "itemName"), "a\ud800"),
    ("listings", "searchListingsItems", (*SUMMARY, "lastUpdatedDate"), "0000-00-00T00:00:00Z"),
    ("listings", "searchListingsItems", (*SUMMARY, "createdDate"), "2025-01-01T00:00:00"),
    ("listings", "searchListingsItems", (*SUMMARY, "conditionType"), 3),
    ("listings", "searchListingsItems", (*SUMMARY, "asin"), {}),
    ("listings", "searchListingsItems", ("offers",), {"price": 1}),
    ("listings", "searchListingsItems", (*OFFER, "amount"), 3.06),
    ("listings", "searchListingsItems", (*OFFER, "amount"), "NaN"),
    ("listings", "searchListingsItems", (*OFFER, "amount"), "-1.00"),
    ("listings", "searchListingsItems", (*OFFER, "amount"), "1.005"),
    ("listings", "searchListingsItems", (*OFFER, "amount"), "1e400"),
    ("listings", "searchListingsItems", (*OFFER, "currencyCode"), "QUID"),
    ("listings", "searchListingsItems", ("attributes",), []),
    ("listings", "searchListingsItems", ("attributes", "number_of_items", 0, "value"), 0),
    ("listings", "searchListingsItems", ("attributes", "number_of_items", 0, "value"), "many"),
    ("listings", "searchListingsItems", ("attributes", "number_of_items", 0, "value"), 1.5),
    ("listings", "searchListingsItems", ("attributes", "number_of_items", 0, "value"), "1e999999999"),
    ("listings", "searchListingsItems", (*SUMMARY, "lastUpdatedDate"), "0001-01-01T00:00:00+14:00"),
    ("listings", "searchListingsItems", (*SUMMARY, "createdDate"), "9999-12-31T23:59:59-14:00"),
    ("listings", "searchListingsItems", ("sku",), "S" * 1_000_000),
    ("merchant-stock", "searchListingsItems", ("attributes",), 7),
    ("merchant-stock", "searchListingsItems", ("attributes",), "number_of_items"),
    ("merchant-stock", "searchListingsItems", ("attributes", "number_of_items"), [{"value": "-1e999999999"}]),
    ("orders", "searchOrders", ("createdTime",), "0001-01-01T00:00:00Z"),
    ("merchant-stock", "searchListingsItems", ("fulfillmentAvailability", 0, "quantity"), -3),
    ("merchant-stock", "searchListingsItems", ("fulfillmentAvailability", 0, "quantity"), 2.5),
    ("merchant-stock", "searchListingsItems", ("fulfillmentAvailability", 0, "quantity"), "12"),
    ("merchant-stock", "searchListingsItems", ("fulfillmentAvailability", 0, "quantity"), True),
    ("merchant-stock", "searchListingsItems", ("fulfillmentAvailability", 0, "quantity"), 2**40),
    ("merchant-stock", "searchListingsItems", ("fulfillmentAvailability",), "DEFAULT"),
    ("fba-stock", "getInventorySummaries", ("sellerSku",), None),
    ("fba-stock", "getInventorySummaries", ("sellerSku",), "a\ud800"),
    ("fba-stock", "getInventorySummaries", ("sellerSku",), "S" * 9_000),
    ("fba-stock", "getInventorySummaries", ("inventoryDetails",), None),
    ("fba-stock", "getInventorySummaries", ("inventoryDetails", "fulfillableQuantity"), -1),
    ("fba-stock", "getInventorySummaries", ("inventoryDetails", "fulfillableQuantity"), 0.5),
    ("fba-stock", "getInventorySummaries", ("inventoryDetails", "reservedQuantity"), 7),
    ("orders", "searchOrders", ("orderId",), 7),
    ("orders", "searchOrders", ("createdTime",), "yesterday"),
    ("orders", "searchOrders", ("fulfillment",), None),
    ("orders", "searchOrders", ("fulfillment", "fulfillmentStatus"), "LOST"),
    ("orders", "searchOrders", ("orderItems",), 3),
    ("orders", "searchOrders", (*LINE, "quantityOrdered"), -1),
    ("orders", "searchOrders", (*LINE, "quantityOrdered"), None),
    ("orders", "searchOrders", (*LINE, "orderItemId"), ["1"]),
    ("orders", "searchOrders", (*LINE, "product", "sellerSku"), 85123),
    ("orders", "searchOrders", (*LINE, "product", "sellerSku"), "a\ud800"),
    ("orders", "searchOrders", (*LINE, "product", "sellerSku"), "S" * 9_000),
    ("orders", "searchOrders", (*LINE, "product", "price", "unitPrice", "amount"), 3),
    ("orders", "searchOrders", (*LINE, "proceeds", "breakdowns", 0, "subtotal", "currencyCode"), "EUR"),
]


def is_rejected(record: Any, *, is_line: bool) -> bool:
    """Whether a record is rejected, or of an order the line that is wrong, and not the order (rule O9)."""
    return len(record.rejected_lines) == 1 if is_line else isinstance(record, BadRecord)


@pytest.mark.parametrize("feed", sorted(FEEDS))
async def test_a_record_that_is_wrong_is_rejected_alone(tmp_path: Path, feed: str) -> None:
    async with open_testbed(tmp_path) as amazon:
        good = await amazon.read_records(feed)
        assert not [record for record in good.values() if isinstance(record, BadRecord)]
        for _, operation, path, value in (case for case in SPOILED if case[0] == feed):
            amazon.sandbox.replace_response(operation, build_twist(operation, *path, value=value))
            found = await amazon.read_records(feed)
            rejected = [record for record in found.values() if is_rejected(record, is_line=path[:2] == LINE)]
            assert len(rejected) == 1, (path, value)
            assert len(found) == len(good), (path, value)


async def test_what_was_known_of_a_record_that_is_wrong_now_is_kept(tmp_path: Path) -> None:
    async with open_testbed(tmp_path) as amazon:
        await amazon.gateway.run_due()
        before = await amazon.read_state()
        path = ("fulfillmentAvailability", 0, "quantity")
        amazon.sandbox.replace_response("searchListingsItems", build_twist("searchListingsItems", *path, value=-3))
        known = await amazon.run_next_pass()
        assert known["rejects"] == [("amazon", "merchant/TEA-1")]
        assert known["listings"] == before["listings"]
        amazon.sandbox.replace_response("searchListingsItems", None)
        assert await amazon.run_next_pass() == before


async def test_a_page_that_names_itself_as_the_next_one_is_a_broken_contract(tmp_path: Path) -> None:
    async with open_testbed(tmp_path) as amazon:
        for operation, names in SEARCHES.items():
            amazon.sandbox.replace_response(operation, lambda said: {**said, "pagination": {"nextToken": "again"}})
            for feed in names:
                with pytest.raises(ContractError):
                    await amazon.read_pages(feed)


@pytest.mark.parametrize("feed", sorted(FEEDS))
async def test_pages_that_never_end_and_name_the_same_items_are_a_fault(
    tmp_path: Path, feed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_poller, "END_CHECK_PAGES", 20)
    async with open_testbed(tmp_path, feeds=[feed]) as amazon:
        (operation,) = [name for name, names in SEARCHES.items() if feed in names]
        remembered: list[Any] = []
        tokens = itertools.count()

        def repeat_first_page(said: Any) -> Any:
            if "errors" not in said and said:
                remembered.append(said)
            return {**remembered[0], "pagination": {"nextToken": f"page {next(tokens)}"}}

        amazon.sandbox.replace_response(operation, repeat_first_page)
        await amazon.gateway.run_due()
        assert await amazon.read_faults() == {feed: "CONTRACT_VIOLATION"}
        assert 20 <= next(tokens) < 60


async def test_a_listing_that_stands_twice_on_a_page_is_one(tmp_path: Path) -> None:
    async with open_testbed(tmp_path) as amazon:
        amazon.sandbox.replace_response("searchListingsItems", lambda said: {**said, "items": said["items"] * 2})
        assert len(await amazon.read_records("listings")) == 3


async def test_an_answer_about_something_else_is_no_answer(tmp_path: Path) -> None:
    async with open_testbed(tmp_path) as amazon:
        amazon.sandbox.replace_response("getOrder", lambda said: {"order": {**said["order"], "orderId": "another"}})
        id = "202-0000000-0000007"
        with pytest.raises(ContractError, match="another order"):
            await amazon.fetch_records("orders", id)


async def test_rejects_and_faults_hold_nothing_of_a_raw_answer(tmp_path: Path) -> None:
    async with open_testbed(tmp_path) as amazon:
        marked = json.dumps({"errors": [{"code": "<b>s3cret</b>", "message": "s3cret"}]}).encode()
        amazon.sandbox.replace_response("searchOrders", lambda _: marked)
        await amazon.gateway.run_due()
        assert "s3cret" not in await amazon.read_fault_messages()


@pytest.mark.parametrize("value", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59-14:00", "soon", 7, {}])
async def test_a_date_that_cannot_be_is_no_mark_for_ever(tmp_path: Path, value: Any) -> None:
    async with open_testbed(tmp_path) as amazon:
        await amazon.gateway.run_due()
        amazon.sandbox.replace_response("searchOrders", lambda said: {**said, "lastUpdatedBefore": value})
        for _ in range(3):
            await amazon.run_next_pass(hours=1)
        amazon.sandbox.replace_response("searchOrders", None)
        order = await amazon.sandbox.sell("TEA-1", 5, "leeds")
        known = await amazon.run_next_pass(hours=1)
        assert await amazon.read_faults() == {}
    assert order in [row[0] for row in known["orders"]]


@pytest.mark.parametrize("rate", ["1e-300", "1e300", "nan", "inf", "-1", "0", "", "9" * 400, "1" * 10_000])
async def test_a_rate_that_cannot_be_stops_no_operation(tmp_path: Path, rate: str) -> None:
    async with open_retail(tmp_path, AMAZON) as shop:
        await shop.pass_on()
        shop.wires[AMAZON].respond_with(reply(b"{}", status=404, **{"x-amzn-RateLimit-Limit": rate}))
        await shop.pass_on(hours=1)
        shop.wires[AMAZON].tampered_response = None
        for operation in ("searchListingsItems", "getInventorySummaries"):
            assert await measure_wait(shop, operation) < 20
        await shop.get_sandbox(AMAZON).sell("TEA-1", 5, "leeds")
        await shop.pass_on(hours=1)
        assert (await shop.read_faults(AMAZON), await shop.fetch_available(AMAZON)) == ({}, 7)


async def measure_wait(shop: Retail, operation: str) -> float:
    """Measure the seconds until the budget of the operation allows a call."""
    declared = next(one.budget for one in OPERATIONS if one.name == operation)
    return await shop.gateway.database.write(
        rate_buckets.acquire_budget, AMAZON, operation, declared, 1, 0, time.time()
    )


def build_next_token(token: str) -> ResponseOverride:
    """Build an override that returns this token as that of the next page."""
    return lambda response: {**response, "pagination": {"nextToken": token}}


async def test_a_page_token_that_cannot_be_sent_back_is_given_up(tmp_path: Path) -> None:
    async with open_testbed(tmp_path, feeds=["listings"]) as amazon:
        for token in ("half a \ud800 pair", "😀" * 5_000, "x" * 1_000_000):
            amazon.sandbox.replace_response("searchListingsItems", build_next_token(token))
            for _ in range(pass_state.MAX_TOKEN_TRIES + 1):
                await amazon.run_next_pass(minutes=6)
            assert await amazon.read_faults() == {"listings": "CONTRACT_VIOLATION"}
            amazon.sandbox.replace_response("searchListingsItems", None)
            for _ in range(pass_state.MAX_TOKEN_TRIES + 1):
                await amazon.run_next_pass(minutes=6)
            assert await amazon.read_faults() == {}
