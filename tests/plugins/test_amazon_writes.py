"""What the gateway changes in a seller account: applied late, read back, and never what Amazon keeps itself."""

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
from gateway.sdk.shapes import Shape
from gateway.storage import tables
from gateway_amazon import stocking
from gateway_amazon.stocking import Offer, _patch, _read

from .amazon_selling import AMAZON, KEPT, PAIR, TEA, Selling, offer, selling

pytestmark = [pytest.mark.anyio, pytest.mark.long]

STATE, OUTBOX, FAULT = tables.reservations.c.state, tables.outbox.c.state, tables.outbox.c.fault_code


@pytest.fixture
async def shop(database_url: str, tmp_path: Path) -> AsyncIterator[Selling]:
    async with selling(database_url, tmp_path) as opened:
        yield opened


def raise_if_error(*answers: Any) -> None:
    for answer in answers:
        if isinstance(answer, ChannelError):
            raise answer


# ------------------------------------------------------------------------------------------------ following


async def test_nothing_is_told_before_an_operator_has_armed_the_account(shop: Selling) -> None:
    await shop.later(2)
    assert shop.told() == [] and shop.offered() == 12


async def test_an_armed_account_offers_what_the_till_counts(shop: Selling) -> None:
    await shop.arm()
    assert dict(shop.told()) == {TEA: 20, PAIR: 5}
    await shop.later()
    assert (shop.offered(), shop.offered(PAIR)) == (20, 5)
    assert await shop.push() == ("IN_SYNC", 20, 20) and await shop.push(PAIR) == ("IN_SYNC", 5, 5)
    await shop.later(5)
    assert len(shop.told()) == 2 and await shop.column(OUTBOX) == ["DONE", "DONE"]


async def test_an_app_that_was_not_allowed_to_changes_nothing(database_url: str, tmp_path: Path) -> None:
    async with selling(database_url, tmp_path, writes=[]) as shop:
        assert shop.gateway.syncing[AMAZON].channel.writes == {}
        await shop.arm()
        await shop.later(2)
        assert {one.operation for one in shop.sandbox.asked} & {"patchListingsItem", "createFeed"} == set()


async def test_a_sale_at_the_till_lowers_the_offer(shop: Selling) -> None:
    await shop.arm()
    await shop.later()
    shop.till.change("stock", "TEA-1@L", on_hand=15)
    shop.till.change("stock", "MUG-1@L", on_hand=5)
    await shop.later()
    assert (shop.offered(), shop.offered(PAIR)) == (15, 2)


async def test_a_quantity_that_is_applied_late_and_seen_later_is_done_once_it_is_seen(
    database_url: str, tmp_path: Path
) -> None:
    async with selling(database_url, tmp_path, lag=90, delay=60) as shop:
        await shop.arm()
        await shop.later(minutes=1)
        assert (shop.offered(), set(await shop.column(OUTBOX))) == (12, {"SENDING"})
        await shop.later(minutes=1)
        assert (shop.offered(), set(await shop.column(OUTBOX))) == (20, {"SENDING"})
        await shop.later(2, minutes=1)
        assert set(await shop.column(OUTBOX)) == {"DONE"} and await shop.push() == ("IN_SYNC", 20, 20)
        assert len(shop.told()) == 2 and await shop.column(FAULT) == [None, None]


async def test_what_has_been_overtaken_before_it_was_seen_is_told_anew(database_url: str, tmp_path: Path) -> None:
    async with selling(database_url, tmp_path, lag=600) as shop:
        await shop.arm()
        shop.till.change("stock", "TEA-1@L", on_hand=8)
        await shop.later(minutes=1)
        assert [quantity for sku, quantity in shop.told() if sku == TEA] == [20, 8]
        await shop.later(4)
        assert shop.offered() == 8 and await shop.push() == ("IN_SYNC", 8, 8)


@pytest.mark.parametrize("carried_out", [True, False])
async def test_a_quantity_whose_answer_is_lost_is_told_again_and_is_one(shop: Selling, carried_out: bool) -> None:
    shop.sandbox.lose("patchListingsItem", carried_out=carried_out)
    await shop.arm()
    await shop.later(3)
    assert (shop.offered(), shop.offered(PAIR)) == (20, 5) and set(await shop.column(OUTBOX)) == {"DONE"}
    await shop.later(4)
    assert await shop.push() == ("IN_SYNC", 20, 20)


async def test_how_long_the_merchant_takes_to_ship_stays_as_he_filed_it(shop: Selling) -> None:
    await shop.arm()
    await shop.later()
    (filed,) = shop.sandbox.filed(TEA)["fulfillment_availability"]
    assert (filed["quantity"], filed["lead_time_to_ship_max_days"]) == (20, 2)


async def test_the_proof_a_patch_that_replaces_loses_it(shop: Selling) -> None:
    def replacing(quantity: int, product_type: str) -> Shape:
        told = _patch(quantity, product_type)
        return {**told, "patches": [{**told["patches"][0], "op": "replace"}]}

    with patch.object(stocking, "_patch", replacing):
        await shop.arm()
    await shop.later()
    (filed,) = shop.sandbox.filed(TEA)["fulfillment_availability"]
    assert filed["quantity"] == 20 and "lead_time_to_ship_max_days" not in filed


async def test_a_change_of_what_is_offered_is_no_change_of_the_product(shop: Selling) -> None:
    versions = tables.listings.c.updated_at
    before = await shop.column(versions)
    await shop.arm()
    await shop.later(2)
    assert shop.offered() == 20 and await shop.column(versions) == before


# ------------------------------------------------------------------------------------------------ sold meanwhile


async def test_what_the_account_sells_is_taken_from_the_till_once_and_the_offer_stays_right(shop: Selling) -> None:
    await shop.arm()
    await shop.later()
    order = await shop.sandbox.sell(TEA, 3, "leeds", status="PENDING")
    await shop.later(2)
    assert shop.counted() == 17 and await shop.stock() == (17, 0) and await shop.column(STATE) == ["SETTLED"]
    assert shop.offered() == 17 and await shop.push() == ("IN_SYNC", 17, 17)
    for status in ("UNSHIPPED", "SHIPPED"):
        shop.sandbox.settle(order, status)
        await shop.later(2)
    assert shop.counted() == 17 and await shop.stock() == (17, 0) and shop.offered() == 17


async def test_what_vanished_from_the_offer_is_not_put_on_sale_again_before_its_order_comes(shop: Selling) -> None:
    await shop.arm()
    await shop.later()
    await shop.sandbox.sell(TEA, 3, "leeds", status="PENDING")
    shop.till.change("stock", "TEA-1@L", on_hand=19)  # and one in the shop: there is something to tell
    await shop.later(minutes=1)
    assert shop.offered() == 16 and await shop.stock() == (19, 3) and await shop.column(STATE) == ["HELD"]
    await shop.later(2)
    assert shop.counted() == 16 and await shop.stock() == (16, 0)
    assert await shop.column(STATE) == ["RELEASED", "SETTLED"] and shop.offered() == 16


async def test_a_pair_that_is_sold_takes_two(shop: Selling) -> None:
    await shop.arm()
    await shop.later()
    await shop.sandbox.sell(PAIR, 2, "leeds")
    await shop.later(2)
    assert shop.counted("MUG-1") == 7 and await shop.stock("MUG-1") == (7, 0) and shop.offered(PAIR) == 3


async def test_an_order_that_is_cancelled_comes_to_nothing(shop: Selling) -> None:
    await shop.arm()
    await shop.later()
    order = await shop.sandbox.sell(TEA, 3, "leeds", status="PENDING")
    await shop.later(2)
    shop.sandbox.settle(order, "CANCELLED")
    await shop.later(3)
    assert shop.counted() == 20 and await shop.stock() == (20, 0) and shop.offered() == 20


async def test_of_the_last_ones_it_offers_what_is_set_aside_for_it(shop: Selling) -> None:
    """It tells its sales late: nobody else may sell them meanwhile (rule K6)."""
    await shop.arm()
    await shop.later()
    shop.till.change("stock", "TEA-1@L", on_hand=3)
    await shop.later(2)
    assert shop.offered() == 2 and await shop.stock() == (3, 2)
    await shop.sandbox.sell(TEA, 2, "leeds")
    await shop.later(4)
    assert shop.counted() == 1 and (await shop.stock())[0] == 1 and shop.offered() == 1


async def test_what_amazon_keeps_is_never_taken_from_the_till(shop: Selling) -> None:
    await shop.arm()
    await shop.sandbox.sell(KEPT, 2, "fba")
    await shop.later(3)
    assert shop.counted("MUG-1") == 11 and await shop.column(STATE) == []


async def test_the_danger_is_real_an_older_quantity_puts_on_sale_again_what_was_sold(shop: Selling) -> None:
    shop.sandbox.offers.lag = 60
    assert [type(answer) for answer in await shop.send(offer(12))] == [Accepted]
    await shop.sandbox.sell(TEA, 5, "leeds")
    assert shop.offered() == 7
    shop.clock.forward(minutes=1)
    assert shop.offered() == 12


async def test_a_listing_that_has_sold_meanwhile_is_not_told_a_quantity_that_does_not_know_it(shop: Selling) -> None:
    await shop.sandbox.sell(TEA, 5, "leeds")
    (answer,) = await shop.send(offer(20, 12))
    assert isinstance(answer, Refused) and answer.code == "CHANGED"
    assert shop.told() == [] and shop.offered() == 7
    assert [type(answer) for answer in await shop.send(offer(4, 12))] == [
        Accepted
    ]  # less is safe in any case: it must not wait
    assert shop.offered() == 4


async def test_the_proof_without_that_rule_it_would_sell_them_again(shop: Selling) -> None:
    await shop.sandbox.sell(TEA, 5, "leeds")
    with patch.object(stocking, "_would_resell", lambda *_: False):
        await shop.send(offer(20, 12))
    assert shop.offered() == 20


async def test_what_was_sold_while_a_quantity_was_on_its_way_is_told_once_its_order_comes(
    database_url: str, tmp_path: Path
) -> None:
    async with selling(database_url, tmp_path, lag=60) as shop:
        await shop.arm()
        await shop.sandbox.sell(TEA, 5, "leeds")
        shop.clock.forward(minutes=1)
        assert shop.offered() == 20  # and fifteen are there
        await shop.later(4)
        assert shop.counted() == 15 and shop.offered() == 15
        await shop.later(6)
        assert shop.offered() == 15 and await shop.stock() == (15, 0) and await shop.push() == ("IN_SYNC", 15, 15)


async def test_what_is_sold_just_after_a_quantity_was_applied_does_not_leave_it_waiting(shop: Selling) -> None:
    await shop.arm()
    await shop.sandbox.sell(TEA, 1, "leeds")
    await shop.later(6)
    assert shop.counted() == 19 and shop.offered() == 19 and await shop.push() == ("IN_SYNC", 19, 19)
    assert set(await shop.column(OUTBOX)) == {"DONE"}


# ------------------------------------------------------------------------------------------------ the answers


async def test_what_amazon_keeps_is_told_no_quantity(shop: Selling) -> None:
    for command in (offer(5, sku=KEPT), offer(5, sku=KEPT, place="fba"), offer(5, place="fba")):
        (answer,) = await shop.send(command)
        assert isinstance(answer, Refused) and answer.code == "NOT_MERCHANT_FULFILLED"
    assert shop.told() == [] and shop.offered(KEPT) is None


async def test_the_danger_is_real_a_quantity_would_make_it_the_merchants(shop: Selling) -> None:
    def mistaken(item: Shape, store: str) -> Offer:
        return replace(_read(item, store), by_merchant=True)

    with patch.object(stocking, "_read", mistaken):
        assert [type(answer) for answer in await shop.send(offer(5, sku=KEPT))] == [Accepted]
    assert shop.offered(KEPT) == 5


async def test_a_listing_that_is_not_there_is_refused(shop: Selling) -> None:
    (answer,) = await shop.send(offer(5, sku="NONE/1"))
    assert isinstance(answer, Refused) and answer.code == "NOT_FOUND"


async def test_a_quantity_is_accepted_and_then_done(shop: Selling) -> None:
    shop.sandbox.offers.lag = 60
    (answer,) = await shop.send(offer(5))
    assert isinstance(answer, Accepted)
    again = await shop.find(offer(5), answer.ticket)
    assert isinstance(again, Accepted) and again.ticket == answer.ticket
    assert await shop.find(offer(4), answer.ticket) is None
    shop.clock.forward(minutes=1)
    assert await shop.find(offer(5), answer.ticket) == Done()


async def test_a_quantity_that_does_not_show_in_time_is_worked_out_anew(shop: Selling) -> None:
    shop.sandbox.offers.lag = 3600
    (answer,) = await shop.send(offer(5))
    assert isinstance(answer, Accepted)
    shop.clock.forward(minutes=15)
    found = await shop.find(offer(5), answer.ticket)
    assert isinstance(found, Refused) and found.code == "NOT_SHOWN"


async def test_of_a_lost_answer_only_what_is_shown_is_certain(shop: Selling) -> None:
    with pytest.raises(OutcomeUnknownError):
        await shop.find(offer(5), None)
    assert await shop.find(offer(12), None) == Done()


async def test_an_issue_that_is_found_later_is_a_no(shop: Selling) -> None:
    shop.sandbox.offers.issue = "99022"
    (answer,) = await shop.send(offer(5))
    assert isinstance(answer, Accepted)
    found = await shop.find(offer(5), answer.ticket)
    assert isinstance(found, Refused) and found.code == "99022"
    assert shop.offered() == 12


async def test_a_patch_that_is_not_valid_is_a_no(shop: Selling) -> None:
    broken = {"productType": "PRODUCT", "patches": [{"op": "merge", "path": "/attributes/quantity", "value": []}]}
    with patch.object(stocking, "_patch", lambda *_: broken):
        (answer,) = await shop.send(offer(5))
    assert isinstance(answer, Refused) and answer.code == "90000900"


@pytest.mark.parametrize("said", [{}, {"sku": TEA}, {"sku": "another", "status": "ACCEPTED"}, b"[]", b"<html>"])
async def test_an_answer_that_says_nothing_leaves_it_open(shop: Selling, said: Any) -> None:
    shop.sandbox.twist("patchListingsItem", lambda _: said)
    with pytest.raises(OutcomeUnknownError):
        raise_if_error(*await shop.send(offer(5)))


FAULTS: dict[str, type[ChannelError]] = {
    "down": UnavailableError,
    "throttle": RateLimitedError,
    "auth": AuthError,
    "error": UnavailableError,
    "half": UnavailableError,
}
"""All of them befall the look before the patch."""


@pytest.mark.parametrize("mode", FAULTS)
async def test_each_fault_says_whether_something_may_have_happened(shop: Selling, mode: str) -> None:
    await shop.sandbox.fault(mode)
    with pytest.raises(FAULTS[mode]) as caught:
        raise_if_error(*await shop.send(offer(5)))
    assert "Atz" not in str(caught.value) and "sandbox-client-secret" not in str(caught.value)
    await shop.sandbox.fault("ok")
    assert shop.told() == [] and shop.offered() == 12


async def test_an_account_that_hangs_is_told_once_it_answers(database_url: str, tmp_path: Path) -> None:
    async with selling(database_url, tmp_path, deadline="2s") as shop:
        await shop.sandbox.fault("hang")
        await shop.arm()
        await shop.sandbox.fault("ok")
        assert shop.told() == []
        await shop.later(4)
        assert shop.offered() == 20 and await shop.push() == ("IN_SYNC", 20, 20)
