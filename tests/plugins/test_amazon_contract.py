"""The plugin and its sandbox compared with Amazon's own models, so that both are not wrong in the same way."""

from __future__ import annotations

import contextlib
import copy
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from gateway.channels.response_validation import BadRecord
from gateway.sdk import Accepted, ContractError, Money, OrderRecord, ProductRecord, StockRecord
from gateway_amazon.client import OPERATIONS
from gateway_amazon_sandbox.http_app import RecordedRequest
from tests.databases import create_sqlite_database
from tests.plugins.amazon import SOON, AmazonTestbed, build_large_world, open_testbed
from tests.plugins.amazon_models import Operation, find_specs, load_operations
from tests.plugins.amazon_selling import TEA, AmazonSalesTestbed, open_sales_testbed, ship

SPECS = find_specs()
pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(SPECS is None, reason="the vendors' specifications are not here (VENDOR_SPECS)"),
]
FEEDS = {
    "searchListingsItems": ("listings", "merchant-stock"),
    "searchOrders": ("orders",),
    "getListingsItem": ("listings", "merchant-stock"),
    "getOrder": ("orders",),
}
US = "ATVPDKIKX0DER"


@pytest.fixture(scope="module")
def models() -> dict[str, Operation]:
    assert SPECS is not None
    return load_operations(SPECS)


def list_violations(models: dict[str, Operation], asked: Sequence[RecordedRequest]) -> list[str]:
    """List the violations of the models in these requests and their responses."""
    found: list[str] = []
    for one in asked:
        model = models[one.operation]
        found += model.check_request(one.path, one.query, one.body)
        found += model.check_response(one.status, json.loads(one.response))
    return found


async def run_every_read(amazon: AmazonTestbed, location: str) -> None:
    """Send every read request of the plugin: passes of one page and of several, deltas, and fetches of all kinds."""
    await amazon.gateway.run_due()
    await amazon.sandbox.sell("P00000", 1, location)
    await amazon.run_next_pass()
    await amazon.fetch_records("listings", "P00001", "gone", "a,b", "c/d")
    await amazon.fetch_records("merchant-stock", "merchant/P00001")
    await amazon.fetch_records("fba-stock", "fba/P00001", "fba/a,b")
    await amazon.fetch_records("orders", "202-0000000-0000001", "nothing/like it")


async def run_every_write(shop: AmazonSalesTestbed) -> None:
    """Send every write request of the plugin, and every request that looks up an outcome."""
    shop.sandbox.offers.lag = 60
    await shop.arm()
    await shop.advance(2)
    shop.sandbox.offers.issue = "99022"
    shop.till.change("stock", "TEA-1@L", on_hand=9)
    await shop.advance(2)
    for fate in ("DONE", "CANCELLED", "FATAL"):
        parcel = ship(await shop.sandbox.sell(TEA, 1, "leeds"), 1)
        shop.sandbox.feeds.next_result = fate
        (answer,) = await shop.send(parcel)
        assert isinstance(answer, Accepted)
        await shop.find(parcel, answer.ticket)
    shop.clock.forward(hours=1)
    assert await shop.find(ship(await shop.sandbox.sell(TEA, 1, "leeds"), 1), None) is None
    await shop.advance(2)


async def test_every_request_and_every_answer_is_as_the_models_say(
    tmp_path: Path, models: dict[str, Operation]
) -> None:
    async with open_testbed(tmp_path, build_large_world(listings=45, orders=130, at="leeds"), contact=True) as amazon:
        await run_every_read(amazon, "leeds")
        asked = amazon.sandbox.requests
    async with open_testbed(tmp_path, build_large_world(listings=60), contact=True) as amazon:
        await run_every_read(amazon, "fba")
        asked += amazon.sandbox.requests
    async with open_sales_testbed(create_sqlite_database(tmp_path / "selling.db"), tmp_path) as shop:
        await run_every_write(shop)
        asked += shop.sandbox.requests
    assert {one.operation for one in asked} == {operation.name for operation in OPERATIONS}
    assert {one.status for one in asked} == {200, 201, 202, 404}
    assert list_violations(models, asked) == []


async def test_every_kind_of_order_and_refusal_is_as_the_models_say(
    tmp_path: Path, models: dict[str, Operation]
) -> None:
    async with open_testbed(tmp_path) as amazon:
        for status in ("PENDING", "UNSHIPPED", "SHIPPED", "CANCELLED"):
            await amazon.sandbox.sell("TEA-1", 1, "leeds", status=status)
        await amazon.run_next_pass()
        amazon.sandbox.expire_tokens()
        await amazon.run_next_pass()
        await amazon.sandbox.fault("throttle")
        await amazon.run_next_pass()
        asked = amazon.sandbox.requests
    assert {one.status for one in asked} >= {200, 429, 403}
    assert list_violations(models, asked) == []


def add_unknown_field(answer: Any) -> Any:
    """Add a field that no model knows."""
    return {**answer, "amount": 1}


def replace_amount_type(answer: Any) -> Any:
    """Replace a text with a number."""
    answer = copy.deepcopy(answer)
    answer["items"][0]["offers"][0]["price"]["amount"] = 3.06
    return answer


@pytest.mark.parametrize(
    ("twist", "problem"),
    [
        (add_unknown_field, "answer.amount: unknown"),
        (replace_amount_type, "answer.items[0].offers[0].price.amount: expected string, found float"),
        (lambda answer: {"numberOfResults": 0}, "answer.items: missing"),
    ],
)
async def test_the_proof_a_sandbox_that_strays_from_the_models_is_found(
    tmp_path: Path, models: dict[str, Operation], twist: Callable[[Any], Any], problem: str
) -> None:
    async with open_testbed(tmp_path) as amazon:
        amazon.sandbox.replace_response("searchListingsItems", twist)
        with contextlib.suppress(ContractError):
            await amazon.read_pages("listings")
        assert problem in list_violations(models, amazon.sandbox.requests)


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ({"marketplaceIds": US, "pageSize": "21"}, "pageSize: 21 is out of range"),
        ({"marketplaceIds": US, "pageSize": "many"}, "pageSize: expected integer, found 'many'"),
        ({"marketplaceIds": US, "includedData": "prices"}, "includedData: 'prices' is not one of summaries"),
        ({"marketplaceIds": US, "createdAfter": "yesterday"}, "createdAfter: 'yesterday' is not a date"),
        ({"marketplaceIds": US, "identifiers": ",".join("A" * 21)}, "identifiers: more than 20 values"),
        ({"marketplaceIds": US, "colour": "red"}, "colour: unknown"),
        ({}, "marketplaceIds: missing"),
    ],
)
def test_the_proof_a_request_that_strays_from_the_models_is_found(
    models: dict[str, Operation], query: dict[str, str], problem: str
) -> None:
    (found,) = models["searchListingsItems"].check_request("/listings/2021-08-01/items/A2", query)
    assert found.startswith(problem)
    assert models["searchListingsItems"].check_request("/listings/2021-08-01/items/A/B", {"marketplaceIds": US})


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (None, "body: missing"),
        ({"productType": "PRODUCT"}, "body.patches: missing"),
        ({"productType": "PRODUCT", "patches": []}, "body.patches: 0 are too few or too many"),
        (
            {"productType": "PRODUCT", "patches": [{"op": "set", "path": "/attributes/x"}]},
            "body.patches[0].op: 'set' is not one of",
        ),
        (
            {"productType": "PRODUCT", "patches": [{"op": "merge", "path": "/x", "value": {}}]},
            "body.patches[0].value: expected array, found dict",
        ),
    ],
)
def test_the_proof_a_patch_that_strays_from_the_models_is_found(
    models: dict[str, Operation], body: Any, problem: str
) -> None:
    path = "/listings/2021-08-01/items/A2/SKU"
    (found,) = models["patchListingsItem"].check_request(path, {"marketplaceIds": US}, body)
    assert found.startswith(problem)


def test_what_the_gateway_is_answered_by_the_vendors_own_sandbox_is_as_the_models_say(
    models: dict[str, Operation],
) -> None:
    for operation in (
        "patchListingsItem",
        "createFeed",
        "getFeed",
        "getFeeds",
        "createFeedDocument",
        "getFeedDocument",
    ):
        pairs = models[operation].list_sandbox_pairs()
        status = {"createFeed": 202, "createFeedDocument": 201}.get(operation, 200)
        assert pairs, operation
        assert [models[operation].check_response(status, answer) for _, answer in pairs] == [[] for _ in pairs]


async def list_fault_messages(tmp_path: Path, operation: str, answer: Any) -> list[Any]:
    """List the fault messages of every feed that uses this operation, given this response."""
    async with open_testbed(tmp_path, store=US, currency="USD", contact=True) as amazon:
        amazon.sandbox.replace_response(operation, lambda _: answer)
        channel = amazon.gateway.channel_syncs["amazon"].channel
        found: list[Any] = []
        for feed in FEEDS[operation]:
            if operation.startswith("search"):
                raws = list((await channel.page(feed, None, None, SOON)).items)
            else:
                id = answer["order"]["orderId"] if "order" in answer else answer["sku"]
                prefix = "merchant/" if feed == "merchant-stock" else ""
                amazon.sandbox.replace_response("searchListingsItems", lambda _: {"numberOfResults": 0, "items": []})
                raws = list((await amazon.fetch_records(feed, f"{prefix}{id}")).values())
            found += await channel.read(feed, raws)
        return found


def list_problems(record: Any) -> list[str]:
    """List why a record, or a line of an order, could not be read."""
    if isinstance(record, BadRecord):
        return [record.reason]
    return [line.reason for line in getattr(record, "rejected_lines", ())]


async def test_every_pair_of_the_vendors_own_sandbox_is_read_without_a_reject(
    tmp_path: Path, models: dict[str, Operation]
) -> None:
    known = {"orders": [], "products": [], "stock": []}  # type: dict[str, list[Any]]
    for operation in FEEDS:
        pairs = models[operation].list_sandbox_pairs()
        assert pairs, operation
        for _, answer in pairs:
            assert models[operation].check_response(200, answer) == []
            for record in await list_fault_messages(tmp_path, operation, answer):
                assert list_problems(record) == [], record
                kinds = {OrderRecord: "orders", ProductRecord: "products", StockRecord: "stock"}
                known[kinds[type(record)]].append(record)
    assert {record.ref.id: record.total for record in known["orders"]} == {
        "250-1234567-8901234": Money(19940, "JPY"),
        "202-7654321-1098765": Money(3499, "GBP"),
        "171-2345678-9012345": Money(159990, "BRL"),
        "171-9876543-2109876": Money(29990, "BRL"),
        "028-1234567-8901234": Money(12500, "TRY"),
        "114-9876543-1234567": Money(4999, "USD"),
    }
    assert [record.variants[0].price for record in known["products"]] == [Money(10000, "USD")] * 2
    assert [record.base for record in known["stock"]] == [100, 100]
    assert models["getInventorySummaries"].list_sandbox_pairs() == []  # the vendor has none


async def test_the_proof_a_pair_that_cannot_be_read_is_found(tmp_path: Path, models: dict[str, Operation]) -> None:
    _, answer = copy.deepcopy(models["searchOrders"].list_sandbox_pairs()[0])
    answer["orders"][0]["orderItems"][1]["quantityOrdered"] = "2"
    (record,) = await list_fault_messages(tmp_path, "searchOrders", answer)
    (problem,) = list_problems(record)
    assert "expected a whole number" in problem
