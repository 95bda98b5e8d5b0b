"""The adapter and its sandbox against the vendor's own models, so that they are not wrong together."""

from __future__ import annotations

import contextlib
import copy
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from gateway.channels.answers import BadRecord
from gateway.sdk import Accepted, ContractError, Money, OrderRecord, ProductRecord, StockRecord
from gateway_amazon.partner import OPERATIONS
from gateway_amazon.sandbox.door import Asked
from tests.databases import sqlite_database

from .amazon import SOON, House, house, many
from .amazon_models import Operation, operations, specs
from .amazon_selling import TEA, Selling, selling, ship

SPECS = specs()
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
    return operations(SPECS)


def wrong(models: dict[str, Operation], asked: Sequence[Asked]) -> list[str]:
    """What the models have against these requests and their answers."""
    found: list[str] = []
    for one in asked:
        model = models[one.operation]
        found += model.wrong_request(one.path, one.query, one.body)
        found += model.wrong_answer(one.status, json.loads(one.answer))
    return found


async def everything(amazon: House, place: str) -> None:
    """Every request that the adapter can send: passes of one page and of many, deltas, and fetches of all kinds."""
    await amazon.gateway.run_due()
    await amazon.sandbox.sell("P00000", 1, place)
    await amazon.next_pass()
    await amazon.fetched("listings", "P00001", "gone", "a,b", "c/d")
    await amazon.fetched("merchant-stock", "merchant/P00001")
    await amazon.fetched("fba-stock", "fba/P00001", "fba/a,b")
    await amazon.fetched("orders", "202-0000000-0000001", "nothing/like it")


async def everything_told(shop: Selling) -> None:
    """Every request by which the adapter changes something, or finds out what became of it."""
    shop.sandbox.offers.lag = 60
    await shop.arm()
    await shop.later(2)
    shop.sandbox.offers.issue = "99022"
    shop.till.change("stock", "TEA-1@L", on_hand=9)
    await shop.later(2)
    for fate in ("DONE", "CANCELLED", "FATAL"):
        parcel = ship(await shop.sandbox.sell(TEA, 1, "leeds"), 1)
        shop.sandbox.feeds.fate = fate
        (answer,) = await shop.send(parcel)
        assert isinstance(answer, Accepted)
        await shop.find(parcel, answer.ticket)
    shop.clock.forward(hours=1)
    assert await shop.find(ship(await shop.sandbox.sell(TEA, 1, "leeds"), 1), None) is None
    await shop.later(2)


async def test_every_request_and_every_answer_is_as_the_models_say(
    tmp_path: Path, models: dict[str, Operation]
) -> None:
    async with house(tmp_path, many(listings=45, orders=130, at="leeds"), contact=True) as amazon:
        await everything(amazon, "leeds")
        asked = amazon.sandbox.asked
    async with house(tmp_path, many(listings=60), contact=True) as amazon:
        await everything(amazon, "fba")
        asked += amazon.sandbox.asked
    async with selling(sqlite_database(tmp_path / "selling.db"), tmp_path) as shop:
        await everything_told(shop)
        asked += shop.sandbox.asked
    assert {one.operation for one in asked} == {operation.name for operation in OPERATIONS}
    assert {one.status for one in asked} == {200, 201, 202, 404}
    assert wrong(models, asked) == []


async def test_every_kind_of_order_and_refusal_is_as_the_models_say(
    tmp_path: Path, models: dict[str, Operation]
) -> None:
    async with house(tmp_path) as amazon:
        for status in ("PENDING", "UNSHIPPED", "SHIPPED", "CANCELLED"):
            await amazon.sandbox.sell("TEA-1", 1, "leeds", status=status)
        await amazon.next_pass()
        amazon.sandbox.expire()
        await amazon.next_pass()
        await amazon.sandbox.fault("throttle")
        await amazon.next_pass()
        asked = amazon.sandbox.asked
    assert {one.status for one in asked} >= {200, 429, 403}
    assert wrong(models, asked) == []


def renamed(answer: Any) -> Any:
    """The answer with fields that no model knows."""
    return {**answer, "amount": 1}


def mistyped(answer: Any) -> Any:
    """The answer with a number where a text belongs."""
    answer = copy.deepcopy(answer)
    answer["items"][0]["offers"][0]["price"]["amount"] = 3.06
    return answer


@pytest.mark.parametrize(
    ("twist", "problem"),
    [
        (renamed, "answer.amount: unknown"),
        (mistyped, "answer.items[0].offers[0].price.amount: expected string, found float"),
        (lambda answer: {"numberOfResults": 0}, "answer.items: missing"),
    ],
)
async def test_the_proof_a_sandbox_that_strays_from_the_models_is_found(
    tmp_path: Path, models: dict[str, Operation], twist: Callable[[Any], Any], problem: str
) -> None:
    async with house(tmp_path) as amazon:
        amazon.sandbox.twist("searchListingsItems", twist)
        with contextlib.suppress(ContractError):
            await amazon.pages("listings")
        assert problem in wrong(models, amazon.sandbox.asked)


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
    (found,) = models["searchListingsItems"].wrong_request("/listings/2021-08-01/items/A2", query)
    assert found.startswith(problem)
    assert models["searchListingsItems"].wrong_request("/listings/2021-08-01/items/A/B", {"marketplaceIds": US})


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
    (found,) = models["patchListingsItem"].wrong_request(path, {"marketplaceIds": US}, body)
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
        pairs = models[operation].pairs()
        status = {"createFeed": 202, "createFeedDocument": 201}.get(operation, 200)
        assert pairs, operation
        assert [models[operation].wrong_answer(status, answer) for _, answer in pairs] == [[] for _ in pairs]


async def said(tmp_path: Path, operation: str, answer: Any) -> list[Any]:
    """What every feed that asks this operation says of an answer of it."""
    async with house(tmp_path, store=US, currency="USD", contact=True) as amazon:
        amazon.sandbox.twist(operation, lambda _: answer)
        channel = amazon.gateway.syncing["amazon"].channel
        found: list[Any] = []
        for feed in FEEDS[operation]:
            if operation.startswith("search"):
                raws = list((await channel.page(feed, None, None, SOON)).items)
            else:
                id = answer["order"]["orderId"] if "order" in answer else answer["sku"]
                prefix = "merchant/" if feed == "merchant-stock" else ""
                amazon.sandbox.twist("searchListingsItems", lambda _: {"numberOfResults": 0, "items": []})
                raws = list((await amazon.fetched(feed, f"{prefix}{id}")).values())
            found += await channel.read(feed, raws)
        return found


async def test_every_pair_of_the_vendors_own_sandbox_is_read_without_a_reject(
    tmp_path: Path, models: dict[str, Operation]
) -> None:
    known = {"orders": [], "products": [], "stock": []}  # type: dict[str, list[Any]]
    for operation in FEEDS:
        pairs = models[operation].pairs()
        assert pairs, operation
        for _, answer in pairs:
            assert models[operation].wrong_answer(200, answer) == []
            for record in await said(tmp_path, operation, answer):
                assert not isinstance(record, BadRecord), record
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
    assert models["getInventorySummaries"].pairs() == []  # the vendor has none


async def test_the_proof_a_pair_that_cannot_be_read_is_found(tmp_path: Path, models: dict[str, Operation]) -> None:
    _, answer = copy.deepcopy(models["searchOrders"].pairs()[0])
    answer["orders"][0]["orderItems"][1]["quantityOrdered"] = "2"
    (record,) = await said(tmp_path, "searchOrders", answer)
    assert isinstance(record, BadRecord)
    assert "expected a whole number" in record.reason
