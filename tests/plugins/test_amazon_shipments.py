"""Shipments of the merchant: sent in batches, reported on later, and never sent twice."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from gateway.commerce.outbox.commands import OutboxCommand, enqueue
from gateway.sdk import (
    Accepted,
    AuthError,
    ChannelError,
    ContractError,
    Done,
    OutcomeUnknownError,
    RateLimitedError,
    Refused,
    ShipOrder,
    UnavailableError,
)
from gateway.sdk.json_access import Shape
from gateway.storage import tables
from gateway_amazon.feed_documents import MAX_HOSTS
from gateway_amazon_sandbox.parameters import Query
from tests.plugins.amazon_selling import (
    AMAZON,
    FULFILLED_BY_AMAZON,
    PAIR,
    TEA,
    AmazonSalesTestbed,
    open_sales_testbed,
    ship,
)

pytestmark = [pytest.mark.anyio, pytest.mark.long]

DHL: dict[str, Any] = {"carrier": "DHL", "tracking_number": "JD01"}


@pytest.fixture
async def shop(database_url: str, tmp_path: Path) -> AsyncIterator[AmazonSalesTestbed]:
    async with open_sales_testbed(database_url, tmp_path) as opened:
        yield opened


def raise_if_error(*answers: Any) -> None:
    for answer in answers:
        if isinstance(answer, ChannelError):
            raise answer


async def send_accepted(shop: AmazonSalesTestbed, *commands: ShipOrder) -> list[str]:
    """Send the commands and return the tickets of those that were accepted."""
    answers = await shop.send(*commands)
    return [answer.ticket for answer in answers if isinstance(answer, Accepted)]


def read_order_state(shop: AmazonSalesTestbed, order: str) -> tuple[str, list[int], list[str | None]]:
    """Read the real state of an order: status, shipped quantity of each line, and tracking numbers."""
    found = shop.sandbox.get_order(order)
    counts = [item["fulfillment"]["quantityFulfilled"] for item in found["orderItems"]]
    parcels = [parcel.get("trackingNumber") for parcel in found.get("packages", ())]
    return found["fulfillment"]["fulfillmentStatus"], counts, parcels


async def enqueue_commands(shop: AmazonSalesTestbed, *commands: ShipOrder) -> None:
    """Enqueue the commands in the outbox."""
    entries = [
        OutboxCommand(channel=AMAZON, command=one, subject=f"order {one.subject.id}", about=f"movement:{one.key}")
        for one in commands
    ]
    await shop.gateway.database.write(enqueue, entries, shop.clock())
    await shop.gateway.run_due()


async def list_command_states(shop: AmazonSalesTestbed) -> list[str]:
    """List the states of the commands, oldest first."""
    is_shipment = tables.outbox.c.operation == "ShipOrder"
    statement = sa.select(tables.outbox.c.state).where(is_shipment).order_by(tables.outbox.c.id)
    return await shop.gateway.database.read(lambda conn: list(conn.scalars(statement)))


# ------------------------------------------------------------------------------------------------ one parcel


async def test_a_parcel_is_accepted_processed_and_then_done(shop: AmazonSalesTestbed) -> None:
    shop.sandbox.feeds.lag = 300
    order = await shop.sandbox.sell(TEA, 2, "leeds")
    command = ship(order, 2, **DHL)
    (ticket,) = await send_accepted(shop, command)
    assert isinstance(await shop.find(command, ticket), Accepted)
    assert read_order_state(shop, order) == ("UNSHIPPED", [0], [])
    shop.clock.forward(minutes=5)
    assert await shop.find(command, ticket) == Done()
    assert read_order_state(shop, order) == ("SHIPPED", [2], ["JD01"])
    await shop.advance()
    assert (await shop.client.fetch_data(STANDING, "admin-secret"))["orders"]["nodes"][0]["status"] == "COMPLETED"


STANDING = "{ orders(first: 1) { nodes { status } } }"


async def test_a_part_of_an_order_leaves_by_itself(shop: AmazonSalesTestbed) -> None:
    order = await shop.sandbox.sell(TEA, 3, "leeds")
    for number, units in (("A", 1), ("B", 2)):
        command = ship(order, units, carrier="DHL", tracking_number=number)
        (ticket,) = await send_accepted(shop, command)
        assert await shop.find(command, ticket) == Done()
    assert read_order_state(shop, order) == ("SHIPPED", [3], ["A", "B"])


async def test_a_pair_leaves_as_one(shop: AmazonSalesTestbed) -> None:
    order = await shop.sandbox.sell(PAIR, 2, "leeds")
    await send_accepted(shop, ship(order, 1, sku=PAIR))
    assert read_order_state(shop, order)[:2] == ("PARTIALLY_SHIPPED", [1])


async def test_a_shipment_arrives_as_it_was_sent(shop: AmazonSalesTestbed) -> None:
    order = await shop.sandbox.sell(TEA, 1, "leeds")
    await send_accepted(shop, ship(order, 1, carrier='<A> & "B"', tracking_number="x\x00&<1>\ud800"))
    (parcel,) = shop.sandbox.get_order(order)["packages"]
    assert (parcel["carrier"], parcel["trackingNumber"]) == ('<A> & "B"', "x&<1>")


async def test_a_shipment_that_cannot_leave_is_refused_before_anything_is_sent(shop: AmazonSalesTestbed) -> None:
    order = await shop.sandbox.sell(FULFILLED_BY_AMAZON, 1, "fba")
    pending = await shop.sandbox.sell(TEA, 1, "leeds", status="PENDING")
    canceled = await shop.sandbox.sell(TEA, 1, "leeds", status="CANCELLED")
    small = await shop.sandbox.sell(TEA, 1, "leeds")
    for command, code in (
        (ship(order, 1, sku=FULFILLED_BY_AMAZON), "NOT_MERCHANT_FULFILLED"),
        (ship(pending, 1), "PENDING"),
        (ship(canceled, 1), "CANCELLED"),
        (ship(small, 2), "NOT_THERE"),
        (ship(small, 1, sku="ANOTHER"), "NOT_THERE"),
        (ship("202-0000000-9999999", 1), "NOT_FOUND"),
    ):
        (answer,) = await shop.send(command)
        assert isinstance(answer, Refused) and answer.code == code
    assert shop.list_requests("createFeed") == []


async def test_what_has_left_already_is_done(shop: AmazonSalesTestbed) -> None:
    order = await shop.sandbox.sell(TEA, 1, "leeds", status="SHIPPED")
    assert await shop.send(ship(order, 1)) == [Done()]
    assert shop.list_requests("createFeed") == []


# ------------------------------------------------------------------------------------------------ several parcels


async def test_parcels_are_batched_sent_by_one_feed_and_their_report_is_read_once(shop: AmazonSalesTestbed) -> None:
    orders = [await shop.sandbox.sell(TEA, 1, "leeds") for _ in range(4)]
    shop.sandbox.feeds.lag = 30
    for number, order in enumerate(orders):
        await enqueue_commands(shop, ship(order, 1, key=f"s{number}"))
        shop.clock.forward(seconds=20)
    assert shop.list_requests("createFeed") == []
    shop.clock.forward(minutes=1)
    await shop.gateway.run_due()
    assert len(shop.list_requests("createFeed")) == 1 and set(await list_command_states(shop)) == {"SENDING"}
    shop.sandbox.set_order_status(orders[2], "CANCELLED")
    await shop.advance(3, minutes=1)
    assert await list_command_states(shop) == ["DONE", "DONE", "DEAD", "DONE"]
    assert [read_order_state(shop, order)[0] for order in orders] == ["SHIPPED", "SHIPPED", "CANCELLED", "SHIPPED"]
    assert len(shop.list_requests("createFeed")) == len(shop.list_requests("getFeedDocument")) == 1


async def test_twenty_parcels_do_not_wait_for_more(shop: AmazonSalesTestbed) -> None:
    orders = [await shop.sandbox.sell(TEA, 1, "leeds") for _ in range(12)]
    orders += [await shop.sandbox.sell("MUG, LARGE/1", 1, "leeds") for _ in range(3)]
    orders += [await shop.sandbox.sell(PAIR, 1, "leeds") for _ in range(2)]
    shop.sandbox.set_offer(TEA, 3)
    orders += [await shop.sandbox.sell(TEA, 1, "leeds") for _ in range(3)]
    skus = [TEA] * 12 + ["MUG, LARGE/1"] * 3 + [PAIR] * 2 + [TEA] * 3
    pairs = enumerate(zip(orders, skus, strict=True))
    await enqueue_commands(shop, *(ship(order, 1, sku=sku, key=f"s{number}") for number, (order, sku) in pairs))
    assert len(shop.list_requests("createFeed")) == 1
    await shop.advance()
    assert set(await list_command_states(shop)) == {"DONE"}


async def test_one_that_cannot_leave_holds_up_no_others(shop: AmazonSalesTestbed) -> None:
    good, bad = await shop.sandbox.sell(TEA, 1, "leeds"), await shop.sandbox.sell(FULFILLED_BY_AMAZON, 1, "fba")
    first, second, third = await shop.send(ship(bad, 1, sku=FULFILLED_BY_AMAZON), ship(good, 1), ship("none", 1))
    assert [type(one) for one in (first, second, third)] == [Refused, Accepted, Refused]
    assert read_order_state(shop, good)[0] == "SHIPPED"


# ------------------------------------------------------------------------------------------------ lost responses


@pytest.mark.parametrize("carried_out", [True, False])
async def test_a_parcel_whose_answer_is_lost_leaves_once(shop: AmazonSalesTestbed, carried_out: bool) -> None:
    order = await shop.sandbox.sell(TEA, 2, "leeds")
    shop.sandbox.lose_response("createFeed", carried_out=carried_out)
    await enqueue_commands(shop, ship(order, 1, **DHL))
    await shop.advance(12)
    assert read_order_state(shop, order) == ("PARTIALLY_SHIPPED", [1], ["JD01"])
    assert await list_command_states(shop) == ["DONE"] and len(shop.sandbox.feeds.feeds) == 1


async def test_the_danger_is_real_the_same_parcel_sent_twice_leaves_twice(shop: AmazonSalesTestbed) -> None:
    order = await shop.sandbox.sell(TEA, 2, "leeds")
    for _ in range(2):
        await send_accepted(shop, ship(order, 1, **DHL))
    assert read_order_state(shop, order) == ("SHIPPED", [2], ["JD01", "JD01"])


async def test_a_lost_parcel_is_not_sent_again_while_its_feed_may_still_be_processed(shop: AmazonSalesTestbed) -> None:
    shop.sandbox.feeds.lag = 3600
    order = await shop.sandbox.sell(TEA, 2, "leeds")
    command = ship(order, 1, **DHL)
    shop.sandbox.lose_response("createFeed", carried_out=True)
    with pytest.raises(OutcomeUnknownError):
        raise_if_error(*await shop.send(command))
    for minutes in (0, 30):
        shop.clock.forward(minutes=minutes)
        with pytest.raises(OutcomeUnknownError, match="being processed"):
            await shop.find(command, None)
    shop.clock.forward(minutes=30)
    assert await shop.find(command, None) == Done()


async def test_of_identical_parcels_it_is_unknown_which_has_left(shop: AmazonSalesTestbed) -> None:
    order = await shop.sandbox.sell(TEA, 2, "leeds")
    await send_accepted(shop, ship(order, 1))
    shop.clock.forward(hours=1)
    with pytest.raises(OutcomeUnknownError):
        await shop.find(ship(order, 1), None)
    with pytest.raises(OutcomeUnknownError):
        await shop.find(ship(order, 2), None)
    await send_accepted(shop, ship(order, 1))
    assert await shop.find(ship(order, 1), None) == Done()  # all of it has


async def test_a_lost_parcel_of_an_order_that_is_not_to_be_sent_is_refused(shop: AmazonSalesTestbed) -> None:
    order = await shop.sandbox.sell(TEA, 1, "leeds")
    shop.sandbox.set_order_status(order, "CANCELLED")
    found = await shop.find(ship(order, 1), None)
    assert isinstance(found, Refused) and found.code == "CANCELLED"


# ------------------------------------------------------------------------------------------------ results of feeds


async def test_a_feed_that_was_canceled_is_sent_again(shop: AmazonSalesTestbed) -> None:
    order = await shop.sandbox.sell(TEA, 1, "leeds")
    shop.sandbox.feeds.next_result = "CANCELLED"
    await enqueue_commands(shop, ship(order, 1))
    await shop.advance(5)
    assert read_order_state(shop, order)[:2] == ("SHIPPED", [1])
    assert [feed["processingStatus"] for feed in shop.sandbox.feeds.feeds.values()] == ["CANCELLED", "DONE"]


async def test_of_an_aborted_feed_only_parcels_that_have_not_left_are_sent_again(shop: AmazonSalesTestbed) -> None:
    one, other = await shop.sandbox.sell(TEA, 2, "leeds"), await shop.sandbox.sell(TEA, 2, "leeds")
    shop.sandbox.feeds.next_result = "HALF"
    await enqueue_commands(shop, ship(one, 1, key="s1"), ship(other, 1, key="s2"))
    await shop.advance(2)
    assert (read_order_state(shop, one)[1], read_order_state(shop, other)[1]) == ([1], [0])
    assert sorted(await list_command_states(shop)) == ["DONE", "SENDING"]
    await shop.advance(6)
    assert (read_order_state(shop, one)[1], read_order_state(shop, other)[1]) == ([1], [1])
    assert await list_command_states(shop) == ["DONE", "DONE"]


async def test_a_parcel_whose_feeds_are_aborted_twice_is_for_a_person(shop: AmazonSalesTestbed) -> None:
    order = await shop.sandbox.sell(TEA, 1, "leeds")
    await enqueue_commands(shop, ship(order, 1))
    for _ in range(12):
        shop.sandbox.feeds.next_result = "FATAL"
        await shop.advance()
    assert await list_command_states(shop) == ["DEAD"] and len(shop.sandbox.feeds.feeds) == 2


async def test_a_feed_in_an_unknown_state_is_not_sent_again(shop: AmazonSalesTestbed) -> None:
    order = await shop.sandbox.sell(TEA, 1, "leeds")
    command = ship(order, 1)
    (ticket,) = await send_accepted(shop, command)
    shop.sandbox.replace_response("getFeed", lambda said: {**said, "processingStatus": "RESTING"})
    with pytest.raises(OutcomeUnknownError):
        await shop.find(command, ticket)


async def test_a_feed_that_is_not_known_any_more_is_for_a_person(shop: AmazonSalesTestbed) -> None:
    order = await shop.sandbox.sell(TEA, 1, "leeds")
    command = ship(order, 1)
    (ticket,) = await send_accepted(shop, command)
    shop.sandbox.feeds.feeds.clear()
    with pytest.raises(OutcomeUnknownError):
        await shop.find(command, ticket)


@pytest.mark.parametrize("packed", [False, True])
async def test_what_the_report_says_is_the_answer_packed_or_not(shop: AmazonSalesTestbed, packed: bool) -> None:
    order = await shop.sandbox.sell(TEA, 1, "leeds")
    shop.sandbox.feeds.lag = 60
    command = ship(order, 1)
    (ticket,) = await send_accepted(shop, command)
    shop.sandbox.set_order_status(order, "CANCELLED")
    shop.clock.forward(minutes=1)
    if packed:
        shop.sandbox.replace_response("getFeedDocument", lambda said: {**said, "compressionAlgorithm": "GZIP"})
        pack(shop)
    found = await shop.find(command, ticket)
    assert isinstance(found, Refused) and found.code == "18028"


def pack(shop: AmazonSalesTestbed, packing: Any = gzip.compress) -> None:
    """Encode all reports with this function."""
    for feed in shop.sandbox.feeds.feeds:
        shop.sandbox.feeds.get_feed(Query(), {"feed": feed})
    for id, document in shop.sandbox.feeds.documents.items():
        if id.startswith("report"):
            document.content = packing(document.content)


BOMB = b"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b 'b'>]><a>&b;</a>"


@pytest.mark.parametrize(
    "report",
    [BOMB, BOMB.decode().encode("utf-16"), b"", b"<a>", b"<a><Result><ResultCode>Error</ResultCode></Result></a>"],
)
async def test_a_report_that_cannot_be_read_says_nothing(shop: AmazonSalesTestbed, report: bytes) -> None:
    order = await shop.sandbox.sell(TEA, 1, "leeds")
    command = ship(order, 1)
    (ticket,) = await send_accepted(shop, command)
    pack(shop, lambda _: report)
    with pytest.raises(ContractError):
        await shop.find(command, ticket)


@pytest.mark.parametrize("content", [b"no gzip", gzip.compress(bytes(6_000_000)), zlib.compress(b"<a/>")])
async def test_a_report_that_unpacks_to_too_much_or_nothing_is_not_read(
    shop: AmazonSalesTestbed, content: bytes
) -> None:
    order = await shop.sandbox.sell(TEA, 1, "leeds")
    command = ship(order, 1)
    (ticket,) = await send_accepted(shop, command)
    pack(shop, lambda _: content)
    shop.sandbox.replace_response("getFeedDocument", lambda said: {**said, "compressionAlgorithm": "GZIP"})
    with pytest.raises(ContractError):
        await shop.find(command, ticket)


# ------------------------------------------------------------------------------------------------ faults


FAULTS: dict[str, type[ChannelError]] = {
    "down": UnavailableError,
    "throttle": RateLimitedError,
    "auth": AuthError,
    "error": UnavailableError,
    "half": UnavailableError,
}


@pytest.mark.parametrize("mode", FAULTS)
async def test_each_fault_says_whether_something_may_have_happened(shop: AmazonSalesTestbed, mode: str) -> None:
    order = await shop.sandbox.sell(TEA, 1, "leeds")
    await shop.sandbox.fault(mode)
    with pytest.raises(FAULTS[mode]) as caught:
        raise_if_error(*await shop.send(ship(order, 1)))
    assert "Atz" not in str(caught.value) and "Signature" not in str(caught.value)
    await shop.sandbox.fault("ok")
    assert shop.sandbox.feeds.feeds == {} and read_order_state(shop, order)[1] == [0]


ADDRESSES = ["file:///etc/passwd", "ftp://127.0.0.1/", "//127.0.0.1/a", "http://user@127.0.0.1/", "http://[", "", 7]


@pytest.mark.parametrize("url", ADDRESSES)
async def test_a_document_is_sent_only_where_one_may_be(shop: AmazonSalesTestbed, url: Any) -> None:
    order = await shop.sandbox.sell(TEA, 1, "leeds")
    shop.sandbox.replace_response("createFeedDocument", lambda said: {**said, "url": url})
    with pytest.raises(ContractError):
        raise_if_error(*await shop.send(ship(order, 1)))
    assert shop.list_requests("createFeed") == []


async def test_an_address_that_is_no_longer_good_has_done_nothing(shop: AmazonSalesTestbed) -> None:
    order = await shop.sandbox.sell(TEA, 1, "leeds")
    shop.sandbox.replace_response("createFeedDocument", lambda said: {**said, "url": said["url"].partition("?")[0]})
    with pytest.raises(UnavailableError):
        raise_if_error(*await shop.send(ship(order, 1)))
    shop.sandbox.replace_response("createFeedDocument", None)
    assert len(await send_accepted(shop, ship(order, 1))) == 1


def build_document_twist(url: str) -> Callable[[Shape], Shape]:
    """Build a twist that replaces the URL of a document."""
    return lambda said: {**said, "url": url}


async def test_documents_lie_at_a_handful_of_addresses(shop: AmazonSalesTestbed) -> None:
    order = await shop.sandbox.sell(TEA, 1, "leeds")
    for port in range(1, MAX_HOSTS + 1):
        shop.sandbox.replace_response("createFeedDocument", build_document_twist(f"http://127.0.0.1:{port}/a"))
        with pytest.raises(UnavailableError):
            raise_if_error(*await shop.send(ship(order, 1)))
    shop.sandbox.replace_response("createFeedDocument", None)
    with pytest.raises(ContractError, match="too many"):
        raise_if_error(*await shop.send(ship(order, 1)))
