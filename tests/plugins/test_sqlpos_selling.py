"""Orders that a gateway writes to a till as receipts."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from gateway.commerce.commands import command_of
from gateway.sdk import Done, Outcome, PlaceOrder, Ref, Refused
from gateway.sdk.errors import ChannelError
from gateway_sqlpos.sandbox import schema
from tests.graphql.buying import Shopper
from tests.graphql.world import World

from .test_sqlpos_writes import lost
from .till_house import TEA, TillHouse, till_house

pytestmark = [pytest.mark.anyio, pytest.mark.long]
DEADLINE = timedelta(seconds=20)


async def bought(house: TillHouse, quantity: int = 2, *, method: str = "PICKUP") -> dict[str, Any]:
    """Tea, ordered on the web, from the shop in London."""
    shopper = Shopper(World(house.gateway, {"web": house.web}, house.clock, house.client))
    await shopper.fill("web", TEA_1=quantity)
    order: dict[str, Any] = (await shopper.buy(await shopper.option(method, "london")))["order"]
    return order


async def placing(house: TillHouse) -> PlaceOrder:
    """The wish that the order has led to."""
    (entry,) = [one for one in await house.outbox() if one.operation == "PlaceOrder"]
    command = command_of(entry.operation, entry.payload)
    assert isinstance(command, PlaceOrder)
    return command


async def told(house: TillHouse, command: PlaceOrder) -> Outcome | ChannelError:
    (answer,) = await house.channel.send([command], DEADLINE)
    return answer


async def test_an_order_is_a_receipt_with_its_tax_its_payment_and_its_stock(till_url: str, tmp_path: Path) -> None:
    async with till_house(till_url, tmp_path, stock_movements=True, receipts=True) as house:
        order = await bought(house)
        await house.gateway.run_due()
        (line,) = await house.rows(schema.ticketlines)
        (tax,) = await house.rows(schema.taxlines)
        (paid,) = await house.rows(schema.payments)
        assert (line.product, line.units, round(line.price * 1.2, 6)) == (TEA, 2, 3.06)
        assert (tax.base, tax.amount, tax.taxid) == (5.1, 1.02, "001")
        assert (paid.total, paid.payment) == (6.12, "gateway")
        (receipt,) = await house.rows(schema.receipts)
        assert order["number"] in receipt.attributes.decode()
        (entry,) = await house.diary()
        assert (entry.units, entry.reason, await house.counted()) == (-2, -1, [10])


async def test_a_receipt_stands_in_a_cash_session_of_its_own(till_url: str, tmp_path: Path) -> None:
    async with till_house(till_url, tmp_path, stock_movements=True, receipts=True) as house:
        await bought(house)
        await bought(house, 1)
        await house.gateway.run_due()
        (ours,) = [one for one in await house.rows(schema.closedcash) if not one.host.startswith("till-")]
        assert {one.money for one in await house.rows(schema.receipts)} == {ours.money}
        assert (ours.host, ours.dateend) == ("gateway-london", None)
        assert sorted(one.ticketid for one in await house.rows(schema.tickets)) == [-2, -1]


async def test_when_somebody_closed_our_session_another_one_is_opened(till_url: str, tmp_path: Path) -> None:
    async with till_house(till_url, tmp_path, stock_movements=True, receipts=True) as house:
        await bought(house)
        await house.gateway.run_due()
        cash = schema.closedcash
        now = house.clock().astimezone(ZoneInfo("Europe/London")).replace(tzinfo=None)
        await house.execute(sa.update(cash).where(cash.c.host == "gateway-london").values(dateend=now))
        await bought(house, 1)
        await house.gateway.run_due()
        assert len({one.money for one in await house.rows(schema.receipts)}) == 2


async def test_the_tills_own_record_of_it_attaches_and_is_listed_once(till_url: str, tmp_path: Path) -> None:
    async with till_house(till_url, tmp_path, stock_movements=True, receipts=True) as house:
        order = await bought(house)
        await house.later()
        listed = await house.orders()
        assert [row.attached_to is None for row in listed] == [True, False]
        assert listed[1].attached_to == listed[0].id
        assert listed[1].client_reference == (await placing(house)).key
        assert (listed[0].number, listed[0].fulfillment_status) == (order["number"], "UNFULFILLED")


async def test_the_stock_of_an_order_is_spoken_for_until_the_till_shows_it(till_url: str, tmp_path: Path) -> None:
    async with till_house(till_url, tmp_path, stock_movements=True, receipts=True) as house:
        await bought(house)
        await house.later()
        assert await house.counter() == (10, 0)
        assert await house.states() == ["SETTLED"]


async def test_an_order_that_is_sent_twice_is_one_receipt(till_url: str, tmp_path: Path) -> None:
    async with till_house(till_url, tmp_path, stock_movements=True, receipts=True) as house:
        await bought(house)
        await house.gateway.run_due()
        command = await placing(house)
        assert await told(house, command) == Done(ref=Ref(f"gw-{command.key}"), moved_stock=True)
        assert await house.counted() == [10]
        assert len(await house.rows(schema.receipts)) == 1
        assert await house.channel.find(command, None, DEADLINE) == await told(house, command)
        assert await house.channel.find(replace(command, key="another"), None, DEADLINE) is None


async def test_what_a_till_cannot_write_is_refused_and_leaves_nothing(till_url: str, tmp_path: Path) -> None:
    async with till_house(till_url, tmp_path, stock_movements=True, receipts=True) as house:
        await bought(house)
        await house.gateway.run_due()
        command = replace(await placing(house), key="k2")
        order, (line,) = command.order, command.order.lines
        half = replace(order, tax_total=replace(order.tax_total, minor=50)) if order.tax_total else order
        wrong = {
            "NO_PRODUCT": replace(order, lines=[replace(line, variant="nothing")]),
            "NO_LOCATION": replace(order, place="nowhere"),
            "TAX_DIFFERS": half,
            "NO_TAX": replace(order, shipping_total=order.total),
            "CURRENCY": replace(order, total=None),
        }
        before = await house.everything()
        answers = {code: await told(house, replace(command, order=one)) for code, one in wrong.items()}
        assert {code: answer.code for code, answer in answers.items() if isinstance(answer, Refused)} == {
            code: code for code in wrong
        }
        assert await house.everything() == before


@pytest.mark.parametrize("after", [True, False])
async def test_an_order_whose_answer_was_lost_is_one_receipt(till_url: str, tmp_path: Path, after: bool) -> None:
    async with till_house(till_url, tmp_path, stock_movements=True, receipts=True) as house:
        with lost(after=after) as broken:
            await bought(house)
            await house.later()
            assert broken
        await house.later()
        assert len(await house.rows(schema.receipts)) == 1
        assert (await house.counted(), await house.counter()) == ([10], (10, 0))
        assert [row.attached_to is None for row in await house.orders()] == [True, False]


async def test_what_we_placed_can_be_brought_back_to_the_shop(till_url: str, tmp_path: Path) -> None:
    async with till_house(till_url, tmp_path, stock_movements=True, receipts=True) as house:
        await bought(house)
        await house.gateway.run_due()
        (receipt,) = await house.rows(schema.receipts)
        await house.sandbox.refund(receipt.id, at=house.clock())
        assert await house.counted() == [12]


async def test_without_leave_an_order_moves_stock_and_writes_no_receipt(till_url: str, tmp_path: Path) -> None:
    async with till_house(till_url, tmp_path, stock_movements=True) as house:
        await bought(house)
        await house.gateway.run_due()
        assert await house.rows(schema.receipts) == []
        assert await house.counted() == [10]


async def test_the_price_of_a_delivery_stands_on_a_line_without_tax(till_url: str, tmp_path: Path) -> None:
    free = sa.insert(schema.taxes).values(id="000", name="None", category="none", rate=0.0, ratecascade=False)
    async with till_house(till_url, tmp_path, stock_movements=True, receipts=True, prepared=[free]) as house:
        await bought(house, method="SHIPPING")
        await house.gateway.run_due()
        lines = await house.rows(schema.ticketlines)
        assert [(line.product, line.price, line.taxid) for line in lines][1:] == [(None, 3.0, "000")]
        assert [one.total for one in await house.rows(schema.payments)] == [9.12]
