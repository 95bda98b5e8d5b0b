"""Behavior that all readable channels share: the same tests for till, store and marketplace."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from gateway.model.channels import Capability
from gateway.sdk import CustomerRecord, Done, EraseCustomer, Gone, OrderRecord, ProductRecord, Ref, StockRecord
from gateway.sdk.testing.sandbox import FAULTS, SandboxError, UnsupportedFaultError
from tests.plugins.three_channels import (
    AMAZON,
    CHANNELS,
    LOCATION_KEY,
    SOON,
    TILL,
    WEB,
    Retail,
    open_retail,
    open_retail_gateway,
)

pytestmark = pytest.mark.anyio

SHARED = {
    Capability.PULL_PRODUCTS,
    Capability.PULL_STOCK,
    Capability.PULL_ORDERS,
    Capability.READ_STOCK,
    Capability.READ_PRICES,
}
MORE = {
    TILL: {Capability.PULL_CUSTOMERS},
    WEB: {Capability.PULL_COLLECTIONS, Capability.PULL_CUSTOMERS, Capability.RECEIVE_WEBHOOKS},
    AMAZON: set[Capability](),
}
GROSS = {WEB, AMAZON}
"""The channels whose prices include the tax of 20 %."""

UNKNOWN = {
    TILL: {"products": "none", "stock": f"{LOCATION_KEY}/none", "customers": "none", "receipts": "none"},
    WEB: {"products": "999", "stock": "999/1001", "collections": "999", "customers": "999", "orders": "999"},
    AMAZON: {"listings": "NONE-1", "merchant-stock": "merchant/NONE-1", "fba-stock": "fba/NONE-1", "orders": "202-9"},
}
"""An id that does not exist, by channel and feed."""

LATE = {"TIMEOUT", "UNAVAILABLE"}
CODES = {
    "down": {"UNAVAILABLE"},
    "hang": LATE,
    "slow": LATE,
    "error": {"UNAVAILABLE"},
    "half": LATE,
    "throttle": {"RATE_LIMITED"},
    "garbage": {"CONTRACT_VIOLATION"},
    "auth": {"AUTH_FAILED"},
}
UNSUPPORTED = {TILL: {"slow", "error", "half", "throttle", "garbage", "auth"}, WEB: set[str](), AMAZON: set[str]()}
"""Faults that a transport cannot have. A database can refuse a user as well; its own tests cover that."""

ERASING: dict[str, dict[str, Any]] = {
    TILL: {"config": {"erase_customers": True}},
    WEB: {"config": {"writes": ["erase_customers"]}},
}
"""The tables of channels that erase customers. A marketplace keeps its customers to itself."""

Make = Callable[..., Awaitable[Retail]]


@pytest.fixture(params=CHANNELS)
def key(request: pytest.FixtureRequest) -> str:
    """The key of the channel."""
    return str(request.param)


@pytest.fixture
async def make(key: str, tmp_path: Path, database_url: str) -> AsyncIterator[Make]:
    """Opens a gateway with this channel alone that has read everything once."""
    async with AsyncExitStack() as stack:

        async def make_testbed(**table: Any) -> Retail:
            one: AbstractAsyncContextManager[Retail] = open_retail(tmp_path, key, url=database_url, **table)
            shop = await stack.enter_async_context(one)
            await shop.pass_on()
            assert await shop.read_faults(key) == {}
            return shop

        yield make_testbed


def list_skus(known: dict[str, Any]) -> set[str]:
    return {row[0] for row in known["listings"].values()}


def list_prices(known: dict[str, Any]) -> dict[str, int]:
    return {row[0]: row[3] for row in known["listings"].values()}


async def test_it_says_what_it_can_do(key: str, make: Make) -> None:
    shop = await make()
    assert set(shop.get_channel(key).model.capabilities or ()) == SHARED | MORE[key]


async def test_its_goods_arrive_with_codes_titles_prices_and_stock(key: str, make: Make) -> None:
    shop = await make()
    known = await shop.read_channel_state(key)
    assert {row[:3] for row in known["listings"].values()} == {
        ("TEA-1", "05012345678900", "Breakfast tea"),
        ("MUG-1", None, "Mug"),
        ("MUG-2", None, "Mug, large"),
    }
    net, gross = ({"TEA-1": 255, "MUG-1": 339, "MUG-2": 425}, {"TEA-1": 306, "MUG-1": 407, "MUG-2": 510})
    assert list_prices(known) == (gross if key in GROSS else net)
    assert [await shop.fetch_available(key, sku) for sku in ("TEA-1", "MUG-1", "MUG-2")] == [12, 4, 0]


async def test_its_orders_arrive_with_lines_and_what_was_paid(key: str, make: Make) -> None:
    shop = await make()
    query = "{ orders { nodes { channel { key } total { amount currencyCode } lines { nodes { sku quantity } } } } }"
    (order,) = (await shop.fetch_data(query))["orders"]["nodes"]
    assert order["channel"] == {"key": key}
    assert order["total"] == {"amount": "22.43", "currencyCode": "GBP"}
    assert {(line["sku"], line["quantity"]) for line in order["lines"]["nodes"]} == {("TEA-1", 6), ("MUG-1", 1)}


async def test_its_place_is_the_one_that_the_configuration_maps(key: str, make: Make) -> None:
    shop = await make()
    (mapped,) = (table["channels"][key] for table in shop.document["locations"].values())
    assert mapped in {location.id for location in await shop.get_channel(key).list_locations(SOON)}


async def test_another_title_and_another_price_arrive_with_the_next_pass(key: str, make: Make) -> None:
    shop = await make()
    before = list_prices(await shop.read_channel_state(key))
    await shop.pass_on(seconds=30)
    await shop.get_sandbox(key).product("TEA-1", title="Evening tea")
    await shop.get_sandbox(key).price("MUG-1", Decimal(5))
    await shop.pass_on(minutes=20)
    known = await shop.read_channel_state(key)
    assert {row[2] for row in known["listings"].values()} == {"Evening tea", "Mug", "Mug, large"}
    assert list_prices(known) == {**before, "MUG-1": 600 if key in GROSS else 500}


async def test_what_is_sold_is_an_order_and_no_longer_available(key: str, make: Make) -> None:
    shop = await make()
    await shop.pass_on(seconds=30)
    order = await shop.get_sandbox(key).sell("TEA-1", 5, LOCATION_KEY)
    await shop.pass_on(minutes=20)
    assert order in {row[0] for row in (await shop.read_state())["orders"]}
    assert [await shop.fetch_available(key, sku) for sku in ("TEA-1", "MUG-1", "MUG-2")] == [7, 4, 0]


async def test_what_is_deleted_is_gone_after_the_next_complete_pass_and_its_orders_stay(key: str, make: Make) -> None:
    shop = await make()
    await shop.get_sandbox(key).product("MUG-2", deleted=True)
    await shop.pass_on(hours=25)
    known = await shop.read_channel_state(key)
    assert list_skus(known) == {"TEA-1", "MUG-1"}
    assert len((await shop.read_state())["orders"]) == 1


async def test_a_pass_over_what_has_not_changed_changes_nothing(key: str, make: Make) -> None:
    shop = await make()
    before = await shop.read_state()
    for _ in range(3):
        await shop.pass_on(hours=9)
        assert await shop.read_state() == before


async def test_a_record_read_by_itself_is_the_one_of_the_pass_and_what_there_is_not_is_gone(
    key: str, make: Make
) -> None:
    shop = await make()
    channel = shop.get_channel(key)
    assert set(UNKNOWN[key]) == set(channel.feeds) == set(channel.live_feeds)
    for feed, unknown in UNKNOWN[key].items():
        listed = {raw.id: raw for raw in await shop.read_items(key, feed)}
        single = await shop.fetch_records(key, feed, [*listed, unknown])
        assert isinstance(single.pop(unknown), Gone), feed
        said = await channel.read(feed, [*listed.values(), *single.values()])
        assert all(isinstance(one, ProductRecord | StockRecord | CustomerRecord | OrderRecord) for one in said)
        assert list(said[: len(listed)]) == list(said[len(listed) :]), feed


async def test_stock_can_be_asked_for_as_it_is_now(key: str, make: Make) -> None:
    shop = await make()
    await shop.get_sandbox(key).sell("TEA-1", 5, LOCATION_KEY)
    shop.clock.forward(seconds=30)
    assert await read_live(shop, key) == (7, "FRESH", None)
    await shop.get_sandbox(key).fault("down")
    shop.clock.forward(seconds=30)
    available, state, fault = await read_live(shop, key)
    assert (available, state) == (7, "FAILED"), "the last known, and it is said so"
    assert fault == "UNAVAILABLE"


async def read_live(shop: Retail, key: str) -> tuple[int, str, str | None]:
    """Read the stock of the tea live."""
    found = await shop.fetch_data('{ productVariants(filter: {skus: ["TEA-1"]}) { nodes { id } } }')
    query = """query ($ids: [ID!]!, $key: String) { stocks(variantIds: $ids, maxAgeSeconds: 0, channelKey: $key) {
      available sources { state fault { code } } } }"""
    ids = [node["id"] for node in found["productVariants"]["nodes"]]
    (stock,) = (await shop.fetch_data(query, ids=ids, key=key))["stocks"]
    (source,) = stock["sources"]
    return stock["available"], source["state"], source["fault"] and source["fault"]["code"]


@pytest.mark.parametrize(
    "mode", [pytest.param(mode, marks=[pytest.mark.long] if CODES[mode] == LATE else []) for mode in CODES]
)
async def test_each_fault_is_named_loses_nothing_and_heals_by_itself(
    key: str, make: Make, mode: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="gateway")
    shop = await make(call_deadline="2s" if CODES[mode] == LATE else "10s")
    before = await shop.read_state()
    if mode in UNSUPPORTED[key]:
        with pytest.raises(UnsupportedFaultError):
            await shop.get_sandbox(key).fault(mode)
        return
    await shop.get_sandbox(key).fault(mode)
    await shop.pass_on(minutes=20)
    assert await shop.read_state() == before
    assert set((await shop.read_faults(key)).values()) <= CODES[mode]
    assert await shop.read_faults(key), "it was noticed"
    order = await shop.get_sandbox(key).sell("TEA-1", 5, LOCATION_KEY)
    await shop.get_sandbox(key).fault("ok")
    await shop.pass_on(minutes=20)
    assert await shop.read_faults(key) == {}
    assert order in {row[0] for row in (await shop.read_state())["orders"]}
    assert await shop.fetch_available(key) == 7
    text = await shop.read_fault_messages() + caplog.text + repr(shop.get_channel(key)) + repr(shop.gateway.settings)
    assert not [secret for secret in shop.list_secrets() if secret in text]


def test_every_fault_of_the_kit_is_tried() -> None:
    assert set(CODES) == set(FAULTS) - {"ok"}


async def test_an_erased_customer_is_read_by_id_without_personal_data(key: str, make: Make) -> None:
    shop = await make(**ERASING.get(key, {}))
    channel = shop.get_channel(key)
    can_erase = Capability.ERASE_CUSTOMERS in (channel.model.capabilities or ())
    assert can_erase == (key in ERASING)
    if key not in ERASING:
        return
    (raw,) = await shop.read_items(key, "customers")
    (before,) = await channel.read("customers", [raw])
    assert isinstance(before, CustomerRecord) and before.emails
    for customer in (raw.id, raw.id, UNKNOWN[key]["customers"]):  # to erase one again has no further effect
        assert list(await channel.send([EraseCustomer(key=customer, subject=Ref(customer))], SOON)) == [Done()]
    erased = (await shop.fetch_records(key, "customers", [raw.id]))[raw.id]
    (after,) = await channel.read("customers", [erased])
    assert isinstance(after, CustomerRecord) and after.ref == before.ref
    assert (after.emails, after.phones, after.addresses, after.loyalty_number) == ((), (), (), None)
    assert (after.given_name, after.family_name) == (None, None)
    assert after.display_name in (None, "erased")


async def test_what_cannot_be_done_to_it_is_said_in_one_line(key: str, make: Make) -> None:
    sandbox = (await make()).get_sandbox(key)
    with pytest.raises(SandboxError, match="expected one of ok"):
        await sandbox.fault("sulk")
    with pytest.raises(SandboxError):
        await sandbox.sell("NONE-1", 1, LOCATION_KEY)
    with pytest.raises(SandboxError, match="quantity"):
        await sandbox.sell("TEA-1", 0, LOCATION_KEY)
    with pytest.raises(SandboxError):
        await sandbox.sell("TEA-1", 1, "nowhere")


@pytest.mark.long
async def test_a_gateway_that_starts_while_it_is_down_knows_what_was_known_and_catches_up(key: str, make: Make) -> None:
    shop = await make()
    before = await shop.read_state()
    await shop.get_sandbox(key).fault("down")
    async with open_retail_gateway(shop.document, shop.sandboxes, shop.wires, shop.clock) as again:
        await again.pass_on(minutes=20)
        assert await again.gateway.check_ready()
        assert await again.read_state() == before
        assert await again.read_faults(key)
        await again.get_sandbox(key).fault("ok")
        await again.get_sandbox(key).sell("TEA-1", 5, LOCATION_KEY)
        await again.pass_on(minutes=20)
        assert (await again.read_faults(key), await again.fetch_available(key)) == ({}, 7)


async def test_a_clock_that_jumps_ahead_and_is_set_back_stops_nothing(key: str, make: Make) -> None:
    shop = await make()
    await shop.pass_on(days=400)
    shop.clock.forward(days=-400)
    await shop.pass_on(minutes=20)
    await shop.get_sandbox(key).sell("TEA-1", 5, LOCATION_KEY)
    await shop.get_sandbox(key).product("MUG-2", title="Mug, very large")
    await shop.pass_on(minutes=20)
    assert await shop.fetch_available(key) == 7
    assert "Mug, very large" in {row[2] for row in (await shop.read_channel_state(key))["listings"].values()}
