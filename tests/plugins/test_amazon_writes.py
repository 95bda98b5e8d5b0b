"""Writes to a seller account: applied late, read back, and never for listings fulfilled by Amazon."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from gateway.sdk import (
    Accepted,
    AuthError,
    ChannelError,
    Done,
    OutcomeUnknownError,
    RateLimitedError,
    Refused,
    UnavailableError,
)
from gateway.sdk.json_access import Shape
from gateway.storage import tables
from gateway_amazon import stock_writes
from gateway_amazon.stock_writes import ListingOffer, _build_patch, _parse_offer
from tests.plugins.amazon_selling import (
    AMAZON,
    FULFILLED_BY_AMAZON,
    PAIR,
    TEA,
    AmazonSalesTestbed,
    build_set_stock,
    open_sales_testbed,
)

pytestmark = [pytest.mark.anyio, pytest.mark.long]

STATE, OUTBOX, FAULT = tables.reservations.c.state, tables.outbox.c.state, tables.outbox.c.fault_code


@pytest.fixture
async def shop(database_url: str, tmp_path: Path) -> AsyncIterator[AmazonSalesTestbed]:
    async with open_sales_testbed(database_url, tmp_path) as opened:
        yield opened


def raise_if_error(*answers: Any) -> None:
    for answer in answers:
        if isinstance(answer, ChannelError):
            raise answer


# ------------------------------------------------------------------------------------------------ pushes


async def test_nothing_is_sent_before_an_operator_has_armed_the_account(shop: AmazonSalesTestbed) -> None:
    await shop.advance(2)
    assert shop.list_sent_quantities() == [] and shop.get_offered() == 12


async def test_an_armed_account_offers_what_the_till_counts(shop: AmazonSalesTestbed) -> None:
    await shop.arm()
    assert dict(shop.list_sent_quantities()) == {TEA: 20, PAIR: 5}
    await shop.advance()
    assert (shop.get_offered(), shop.get_offered(PAIR)) == (20, 5)
    assert await shop.push() == ("IN_SYNC", 20, 20) and await shop.push(PAIR) == ("IN_SYNC", 5, 5)
    await shop.advance(5)
    assert len(shop.list_sent_quantities()) == 2 and await shop.select_column(OUTBOX) == ["DONE", "DONE"]


async def test_an_app_that_was_not_allowed_to_changes_nothing(database_url: str, tmp_path: Path) -> None:
    async with open_sales_testbed(database_url, tmp_path, writes=[]) as shop:
        assert shop.gateway.channel_syncs[AMAZON].channel.writes == {}
        await shop.arm()
        await shop.advance(2)
        assert {one.operation for one in shop.sandbox.requests} & {"patchListingsItem", "createFeed"} == set()


async def test_a_sale_at_the_till_lowers_the_offer(shop: AmazonSalesTestbed) -> None:
    await shop.arm()
    await shop.advance()
    shop.till.change("stock", "TEA-1@L", on_hand=15)
    shop.till.change("stock", "MUG-1@L", on_hand=5)
    await shop.advance()
    assert (shop.get_offered(), shop.get_offered(PAIR)) == (15, 2)


async def test_a_quantity_that_is_applied_late_and_seen_later_is_done_once_it_is_seen(
    database_url: str, tmp_path: Path
) -> None:
    async with open_sales_testbed(database_url, tmp_path, lag=90, delay=60) as shop:
        await shop.arm()
        await shop.advance(minutes=1)
        assert (shop.get_offered(), set(await shop.select_column(OUTBOX))) == (12, {"SENDING"})
        await shop.advance(minutes=1)
        assert (shop.get_offered(), set(await shop.select_column(OUTBOX))) == (20, {"SENDING"})
        await shop.advance(2, minutes=1)
        assert set(await shop.select_column(OUTBOX)) == {"DONE"} and await shop.push() == ("IN_SYNC", 20, 20)
        assert len(shop.list_sent_quantities()) == 2 and await shop.select_column(FAULT) == [None, None]


async def test_a_quantity_that_was_superseded_before_it_was_seen_is_sent_again(
    database_url: str, tmp_path: Path
) -> None:
    async with open_sales_testbed(database_url, tmp_path, lag=600) as shop:
        await shop.arm()
        shop.till.change("stock", "TEA-1@L", on_hand=8)
        await shop.advance(minutes=1)
        assert [quantity for sku, quantity in shop.list_sent_quantities() if sku == TEA] == [20, 8]
        await shop.advance(4)
        assert shop.get_offered() == 8 and await shop.push() == ("IN_SYNC", 8, 8)


@pytest.mark.parametrize("carried_out", [True, False])
async def test_a_quantity_whose_response_is_lost_is_sent_again_and_counts_once(
    shop: AmazonSalesTestbed, carried_out: bool
) -> None:
    shop.sandbox.lose_response("patchListingsItem", carried_out=carried_out)
    await shop.arm()
    await shop.advance(3)
    assert (shop.get_offered(), shop.get_offered(PAIR)) == (20, 5) and set(await shop.select_column(OUTBOX)) == {"DONE"}
    await shop.advance(4)
    assert await shop.push() == ("IN_SYNC", 20, 20)


async def test_how_long_the_merchant_takes_to_ship_stays_as_he_filed_it(shop: AmazonSalesTestbed) -> None:
    await shop.arm()
    await shop.advance()
    (filed,) = shop.sandbox.get_attributes(TEA)["fulfillment_availability"]
    assert (filed["quantity"], filed["lead_time_to_ship_max_days"]) == (20, 2)


async def test_the_proof_a_patch_that_replaces_loses_it(shop: AmazonSalesTestbed) -> None:
    def build_replacing_patch(quantity: int, product_type: str) -> Shape:
        body = _build_patch(quantity, product_type)
        return {**body, "patches": [{**body["patches"][0], "op": "replace"}]}

    with patch.object(stock_writes, "_build_patch", build_replacing_patch):
        await shop.arm()
    await shop.advance()
    (filed,) = shop.sandbox.get_attributes(TEA)["fulfillment_availability"]
    assert filed["quantity"] == 20 and "lead_time_to_ship_max_days" not in filed


async def test_a_change_of_what_is_offered_is_no_change_of_the_product(shop: AmazonSalesTestbed) -> None:
    versions = tables.listings.c.updated_at
    before = await shop.select_column(versions)
    await shop.arm()
    await shop.advance(2)
    assert shop.get_offered() == 20 and await shop.select_column(versions) == before


# ------------------------------------------------------------------------------------------------ concurrent sales


async def test_what_the_account_sells_is_taken_from_the_till_once_and_the_offer_stays_right(
    shop: AmazonSalesTestbed,
) -> None:
    await shop.arm()
    await shop.advance()
    order = await shop.sandbox.sell(TEA, 3, "leeds", status="PENDING")
    await shop.advance(2)
    assert (
        shop.count_till_units() == 17
        and await shop.read_stock() == (17, 0)
        and await shop.select_column(STATE) == ["SETTLED"]
    )
    assert shop.get_offered() == 17 and await shop.push() == ("IN_SYNC", 17, 17)
    for status in ("UNSHIPPED", "SHIPPED"):
        shop.sandbox.set_order_status(order, status)
        await shop.advance(2)
    assert shop.count_till_units() == 17 and await shop.read_stock() == (17, 0) and shop.get_offered() == 17


async def test_what_vanished_from_the_offer_is_not_put_on_sale_again_before_its_order_comes(
    shop: AmazonSalesTestbed,
) -> None:
    await shop.arm()
    await shop.advance()
    await shop.sandbox.sell(TEA, 3, "leeds", status="PENDING")
    shop.till.change("stock", "TEA-1@L", on_hand=19)  # a sale in the shop, which causes a push
    await shop.advance(minutes=1)
    assert (
        shop.get_offered() == 16 and await shop.read_stock() == (19, 3) and await shop.select_column(STATE) == ["HELD"]
    )
    await shop.advance(2)
    assert shop.count_till_units() == 16 and await shop.read_stock() == (16, 0)
    assert await shop.select_column(STATE) == ["RELEASED", "SETTLED"] and shop.get_offered() == 16


async def test_a_pair_that_is_sold_takes_two(shop: AmazonSalesTestbed) -> None:
    await shop.arm()
    await shop.advance()
    await shop.sandbox.sell(PAIR, 2, "leeds")
    await shop.advance(2)
    assert (
        shop.count_till_units("MUG-1") == 7 and await shop.read_stock("MUG-1") == (7, 0) and shop.get_offered(PAIR) == 3
    )


async def test_an_order_that_is_canceled_comes_to_nothing(shop: AmazonSalesTestbed) -> None:
    await shop.arm()
    await shop.advance()
    order = await shop.sandbox.sell(TEA, 3, "leeds", status="PENDING")
    await shop.advance(2)
    shop.sandbox.set_order_status(order, "CANCELLED")
    await shop.advance(3)
    assert shop.count_till_units() == 20 and await shop.read_stock() == (20, 0) and shop.get_offered() == 20


async def test_of_the_last_ones_it_offers_what_is_set_aside_for_it(shop: AmazonSalesTestbed) -> None:
    """The account reports its sales late; other channels may not sell these units meanwhile (rule K6)."""
    await shop.arm()
    await shop.advance()
    shop.till.change("stock", "TEA-1@L", on_hand=3)
    await shop.advance(2)
    assert shop.get_offered() == 2 and await shop.read_stock() == (3, 2)
    await shop.sandbox.sell(TEA, 2, "leeds")
    await shop.advance(4)
    assert shop.count_till_units() == 1 and (await shop.read_stock())[0] == 1 and shop.get_offered() == 1


async def test_what_amazon_keeps_is_never_taken_from_the_till(shop: AmazonSalesTestbed) -> None:
    await shop.arm()
    await shop.sandbox.sell(FULFILLED_BY_AMAZON, 2, "fba")
    await shop.advance(3)
    assert shop.count_till_units("MUG-1") == 11 and await shop.select_column(STATE) == []


async def test_the_danger_is_real_an_older_quantity_puts_on_sale_again_what_was_sold(shop: AmazonSalesTestbed) -> None:
    shop.sandbox.offers.lag = 60
    assert [type(answer) for answer in await shop.send(build_set_stock(12))] == [Accepted]
    await shop.sandbox.sell(TEA, 5, "leeds")
    assert shop.get_offered() == 7
    shop.clock.forward(minutes=1)
    assert shop.get_offered() == 12


async def test_a_listing_that_has_sold_meanwhile_gets_no_stale_quantity(shop: AmazonSalesTestbed) -> None:
    await shop.sandbox.sell(TEA, 5, "leeds")
    (answer,) = await shop.send(build_set_stock(20, 12))
    assert isinstance(answer, Refused) and answer.code == "CHANGED"
    assert shop.list_sent_quantities() == [] and shop.get_offered() == 7
    assert [type(answer) for answer in await shop.send(build_set_stock(4, 12))] == [
        Accepted
    ]  # a decrease is always safe and must not wait
    assert shop.get_offered() == 4


async def test_the_proof_without_that_rule_it_would_sell_them_again(shop: AmazonSalesTestbed) -> None:
    await shop.sandbox.sell(TEA, 5, "leeds")
    with patch.object(stock_writes, "_is_overtaken", lambda *_: False):
        await shop.send(build_set_stock(20, 12))
    assert shop.get_offered() == 20


async def test_a_sale_during_a_push_is_pushed_once_its_order_arrives(database_url: str, tmp_path: Path) -> None:
    async with open_sales_testbed(database_url, tmp_path, lag=60) as shop:
        await shop.arm()
        await shop.sandbox.sell(TEA, 5, "leeds")
        shop.clock.forward(minutes=1)
        assert shop.get_offered() == 20  # only fifteen are in stock
        await shop.advance(4)
        assert shop.count_till_units() == 15 and shop.get_offered() == 15
        await shop.advance(6)
        assert (
            shop.get_offered() == 15 and await shop.read_stock() == (15, 0) and await shop.push() == ("IN_SYNC", 15, 15)
        )


async def test_what_is_sold_just_after_a_quantity_was_applied_does_not_leave_it_waiting(
    shop: AmazonSalesTestbed,
) -> None:
    await shop.arm()
    await shop.sandbox.sell(TEA, 1, "leeds")
    await shop.advance(6)
    assert shop.count_till_units() == 19 and shop.get_offered() == 19 and await shop.push() == ("IN_SYNC", 19, 19)
    assert set(await shop.select_column(OUTBOX)) == {"DONE"}


# ------------------------------------------------------------------------------------------------ responses


async def test_a_listing_fulfilled_by_amazon_gets_no_quantity(shop: AmazonSalesTestbed) -> None:
    for command in (
        build_set_stock(5, sku=FULFILLED_BY_AMAZON),
        build_set_stock(5, sku=FULFILLED_BY_AMAZON, location="fba"),
        build_set_stock(5, location="fba"),
    ):
        (answer,) = await shop.send(command)
        assert isinstance(answer, Refused) and answer.code == "NOT_MERCHANT_FULFILLED"
    assert shop.list_sent_quantities() == [] and shop.get_offered(FULFILLED_BY_AMAZON) is None


async def test_the_danger_is_real_a_quantity_would_make_it_the_merchants(shop: AmazonSalesTestbed) -> None:
    def read_as_merchant(item: Shape, store: str) -> ListingOffer:
        return replace(_parse_offer(item, store), by_merchant=True)

    with patch.object(stock_writes, "_parse_offer", read_as_merchant):
        assert [type(answer) for answer in await shop.send(build_set_stock(5, sku=FULFILLED_BY_AMAZON))] == [Accepted]
    assert shop.get_offered(FULFILLED_BY_AMAZON) == 5


async def test_a_listing_that_is_not_there_is_refused(shop: AmazonSalesTestbed) -> None:
    (answer,) = await shop.send(build_set_stock(5, sku="NONE/1"))
    assert isinstance(answer, Refused) and answer.code == "NOT_FOUND"


async def test_a_quantity_is_accepted_and_then_done(shop: AmazonSalesTestbed) -> None:
    shop.sandbox.offers.lag = 60
    (answer,) = await shop.send(build_set_stock(5))
    assert isinstance(answer, Accepted)
    again = await shop.find(build_set_stock(5), answer.ticket)
    assert isinstance(again, Accepted) and again.ticket == answer.ticket
    assert await shop.find(build_set_stock(4), answer.ticket) is None
    shop.clock.forward(minutes=1)
    assert await shop.find(build_set_stock(5), answer.ticket) == Done()


async def test_a_quantity_that_does_not_show_in_time_is_computed_again(shop: AmazonSalesTestbed) -> None:
    shop.sandbox.offers.lag = 3600
    (answer,) = await shop.send(build_set_stock(5))
    assert isinstance(answer, Accepted)
    shop.clock.forward(minutes=15)
    found = await shop.find(build_set_stock(5), answer.ticket)
    assert isinstance(found, Refused) and found.code == "NOT_SHOWN"


async def test_of_a_lost_answer_only_what_is_shown_is_certain(shop: AmazonSalesTestbed) -> None:
    with pytest.raises(OutcomeUnknownError):
        await shop.find(build_set_stock(5), None)
    assert await shop.find(build_set_stock(12), None) == Done()


async def test_an_issue_that_is_found_later_is_a_no(shop: AmazonSalesTestbed) -> None:
    shop.sandbox.offers.issue = "99022"
    (answer,) = await shop.send(build_set_stock(5))
    assert isinstance(answer, Accepted)
    found = await shop.find(build_set_stock(5), answer.ticket)
    assert isinstance(found, Refused) and found.code == "99022"
    assert shop.get_offered() == 12


async def test_a_patch_that_is_not_valid_is_a_no(shop: AmazonSalesTestbed) -> None:
    broken = {"productType": "PRODUCT", "patches": [{"op": "merge", "path": "/attributes/quantity", "value": []}]}
    with patch.object(stock_writes, "_build_patch", lambda *_: broken):
        (answer,) = await shop.send(build_set_stock(5))
    assert isinstance(answer, Refused) and answer.code == "90000900"


@pytest.mark.parametrize("said", [{}, {"sku": TEA}, {"sku": "another", "status": "ACCEPTED"}, b"[]", b"<html>"])
async def test_an_answer_that_says_nothing_leaves_it_open(shop: AmazonSalesTestbed, said: Any) -> None:
    shop.sandbox.replace_response("patchListingsItem", lambda _: said)
    with pytest.raises(OutcomeUnknownError):
        raise_if_error(*await shop.send(build_set_stock(5)))


FAULTS: dict[str, type[ChannelError]] = {
    "down": UnavailableError,
    "throttle": RateLimitedError,
    "auth": AuthError,
    "error": UnavailableError,
    "half": UnavailableError,
}
"""All of them affect the read before the patch."""


@pytest.mark.parametrize("mode", FAULTS)
async def test_each_fault_says_whether_something_may_have_happened(shop: AmazonSalesTestbed, mode: str) -> None:
    await shop.sandbox.fault(mode)
    with pytest.raises(FAULTS[mode]) as caught:
        raise_if_error(*await shop.send(build_set_stock(5)))
    assert "Atz" not in str(caught.value) and "sandbox-client-secret" not in str(caught.value)
    await shop.sandbox.fault("ok")
    assert shop.list_sent_quantities() == [] and shop.get_offered() == 12


async def test_an_account_that_hangs_gets_the_quantity_once_it_responds(database_url: str, tmp_path: Path) -> None:
    async with open_sales_testbed(database_url, tmp_path, deadline="2s") as shop:
        await shop.sandbox.fault("hang")
        await shop.arm()
        await shop.sandbox.fault("ok")
        assert shop.list_sent_quantities() == []
        await shop.advance(4)
        assert shop.get_offered() == 20 and await shop.push() == ("IN_SYNC", 20, 20)
