"""Orders that the gateway writes to a till as receipts."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from gateway.commerce.outbox.commands import decode_command
from gateway.sdk import Done, Outcome, PlaceOrder, Ref, Refused
from gateway.sdk.errors import ChannelError
from gateway_sqlpos_sandbox import schema
from tests.graphql.shopper import Shopper
from tests.graphql.world import ADMIN, World
from tests.plugins.sqlpos_gateway import TEA, TillTestbed, open_till_testbed
from tests.plugins.test_sqlpos_writes import lose_commit

pytestmark = [pytest.mark.anyio, pytest.mark.long]
DEADLINE = timedelta(seconds=20)


async def submit_order(testbed: TillTestbed, quantity: int = 2, *, method: str = "PICKUP") -> dict[str, Any]:
    """Order tea on the web from the shop in London."""
    shopper = Shopper(World(testbed.gateway, {"web": testbed.web}, testbed.clock, testbed.client))
    await shopper.fill("web", TEA_1=quantity)
    order: dict[str, Any] = (await shopper.buy(await shopper.find_option(method, "london")))["order"]
    return order


async def find_order_command(testbed: TillTestbed) -> PlaceOrder:
    """Find the command that places the order."""
    (entry,) = [one for one in await testbed.list_outbox() if one.operation == "PlaceOrder"]
    command = decode_command(entry.operation, entry.payload)
    assert isinstance(command, PlaceOrder)
    return command


async def send_command(testbed: TillTestbed, command: PlaceOrder) -> Outcome | ChannelError:
    (answer,) = await testbed.channel.send([command], DEADLINE)
    return answer


async def test_an_order_is_a_receipt_with_its_tax_its_payment_and_its_stock(till_url: str, tmp_path: Path) -> None:
    async with open_till_testbed(till_url, tmp_path, stock_movements=True, receipts=True) as testbed:
        order = await submit_order(testbed)
        await testbed.gateway.run_due()
        (line,) = await testbed.list_rows(schema.ticketlines)
        (tax,) = await testbed.list_rows(schema.taxlines)
        (paid,) = await testbed.list_rows(schema.payments)
        assert (line.product, line.units, round(line.price * 1.2, 6)) == (TEA, 2, 3.06)
        assert (tax.base, tax.amount, tax.taxid) == (5.1, 1.02, "001")
        assert (paid.total, paid.payment) == (6.12, "gateway")
        (receipt,) = await testbed.list_rows(schema.receipts)
        assert order["number"] in receipt.attributes.decode()
        (entry,) = await testbed.list_diary_rows()
        assert (entry.units, entry.reason, await testbed.list_till_counts()) == (-2, -1, [10])


async def test_a_receipt_stands_in_a_cash_session_of_its_own(till_url: str, tmp_path: Path) -> None:
    async with open_till_testbed(till_url, tmp_path, stock_movements=True, receipts=True) as testbed:
        await submit_order(testbed)
        await submit_order(testbed, 1)
        await testbed.gateway.run_due()
        (ours,) = [one for one in await testbed.list_rows(schema.closedcash) if not one.host.startswith("till-")]
        assert {one.money for one in await testbed.list_rows(schema.receipts)} == {ours.money}
        assert (ours.host, ours.dateend) == ("gateway-london", None)
        assert sorted(one.ticketid for one in await testbed.list_rows(schema.tickets)) == [-2, -1]


async def test_when_our_cash_session_was_closed_another_one_is_opened(till_url: str, tmp_path: Path) -> None:
    async with open_till_testbed(till_url, tmp_path, stock_movements=True, receipts=True) as testbed:
        await submit_order(testbed)
        await testbed.gateway.run_due()
        cash = schema.closedcash
        now = testbed.clock().astimezone(ZoneInfo("Europe/London")).replace(tzinfo=None)
        await testbed.execute(sa.update(cash).where(cash.c.host == "gateway-london").values(dateend=now))
        await submit_order(testbed, 1)
        await testbed.gateway.run_due()
        assert len({one.money for one in await testbed.list_rows(schema.receipts)}) == 2


async def test_the_tills_own_record_of_it_attaches_and_is_listed_once(till_url: str, tmp_path: Path) -> None:
    async with open_till_testbed(till_url, tmp_path, stock_movements=True, receipts=True) as testbed:
        order = await submit_order(testbed)
        await testbed.advance()
        listed = await testbed.list_orders()
        assert [row.attached_to is None for row in listed] == [True, False]
        assert listed[1].attached_to == listed[0].id
        assert listed[1].client_reference == (await find_order_command(testbed)).key
        assert (listed[0].number, listed[0].fulfillment_status) == (order["number"], "UNFULFILLED")
        assert await read_attention(testbed, order["id"]) == []
        payments = schema.payments.update().where(schema.payments.c.receipt.like("gw-%"))
        await testbed.execute(payments.values(total=9.99))
        await testbed.advance(days=1)
        assert await read_attention(testbed, order["id"]) == ["TOTAL_DIFFERS"]


async def read_attention(testbed: TillTestbed, id: str) -> list[str]:
    query = "query ($id: ID!) { order(by: {id: $id}) { attention } }"
    return list((await testbed.client.fetch_data(query, ADMIN, id=id))["order"]["attention"])


async def test_the_stock_of_an_order_is_spoken_for_until_the_till_shows_it(till_url: str, tmp_path: Path) -> None:
    async with open_till_testbed(till_url, tmp_path, stock_movements=True, receipts=True) as testbed:
        await submit_order(testbed)
        await testbed.advance()
        assert await testbed.read_counter() == (10, 0)
        assert await testbed.list_reservation_states() == ["SETTLED"]


async def test_an_order_that_is_sent_twice_is_one_receipt(till_url: str, tmp_path: Path) -> None:
    async with open_till_testbed(till_url, tmp_path, stock_movements=True, receipts=True) as testbed:
        await submit_order(testbed)
        await testbed.gateway.run_due()
        command = await find_order_command(testbed)
        assert await send_command(testbed, command) == Done(ref=Ref(f"gw-{command.key}"), moved_stock=True)
        assert await testbed.list_till_counts() == [10]
        assert len(await testbed.list_rows(schema.receipts)) == 1
        assert await testbed.channel.find(command, None, DEADLINE) == await send_command(testbed, command)
        assert await testbed.channel.find(replace(command, key="another"), None, DEADLINE) is None


async def test_what_a_till_cannot_write_is_refused_and_leaves_nothing(till_url: str, tmp_path: Path) -> None:
    async with open_till_testbed(till_url, tmp_path, stock_movements=True, receipts=True) as testbed:
        await submit_order(testbed)
        await testbed.gateway.run_due()
        command = replace(await find_order_command(testbed), key="k2")
        order, (line,) = command.order, command.order.lines
        half = replace(order, tax_total=replace(order.tax_total, minor=50)) if order.tax_total else order
        wrong = {
            "NO_PRODUCT": replace(order, lines=[replace(line, variant="nothing")]),
            "NO_LOCATION": replace(order, place="nowhere"),
            "TAX_DIFFERS": half,
            "NO_TAX": replace(order, shipping_total=order.total),
            "CURRENCY": replace(order, total=None),
        }
        before = await testbed.list_all_rows()
        answers = {code: await send_command(testbed, replace(command, order=one)) for code, one in wrong.items()}
        assert {code: answer.code for code, answer in answers.items() if isinstance(answer, Refused)} == {
            code: code for code in wrong
        }
        assert await testbed.list_all_rows() == before


@pytest.mark.parametrize("after", [True, False])
async def test_an_order_whose_answer_was_lost_is_one_receipt(till_url: str, tmp_path: Path, after: bool) -> None:
    async with open_till_testbed(till_url, tmp_path, stock_movements=True, receipts=True) as testbed:
        with lose_commit(after=after) as broken:
            await submit_order(testbed)
            await testbed.advance()
            assert broken
        await testbed.advance()
        assert len(await testbed.list_rows(schema.receipts)) == 1
        assert (await testbed.list_till_counts(), await testbed.read_counter()) == ([10], (10, 0))
        assert [row.attached_to is None for row in await testbed.list_orders()] == [True, False]


async def test_an_order_that_we_placed_can_be_returned_to_the_shop(till_url: str, tmp_path: Path) -> None:
    async with open_till_testbed(till_url, tmp_path, stock_movements=True, receipts=True) as testbed:
        await submit_order(testbed)
        await testbed.gateway.run_due()
        (receipt,) = await testbed.list_rows(schema.receipts)
        await testbed.sandbox.refund_receipt(receipt.id, at=testbed.clock())
        assert await testbed.list_till_counts() == [12]


async def test_without_leave_an_order_moves_stock_and_writes_no_receipt(till_url: str, tmp_path: Path) -> None:
    async with open_till_testbed(till_url, tmp_path, stock_movements=True) as testbed:
        await submit_order(testbed)
        await testbed.gateway.run_due()
        assert await testbed.list_rows(schema.receipts) == []
        assert await testbed.list_till_counts() == [10]


async def test_the_price_of_a_delivery_stands_on_a_line_without_tax(till_url: str, tmp_path: Path) -> None:
    none = sa.insert(schema.taxcategories).values(id="000", name="None")
    free = sa.insert(schema.taxes).values(id="000", name="None", category="000", rate=0.0, ratecascade=False)
    async with open_till_testbed(
        till_url, tmp_path, stock_movements=True, receipts=True, prepared=[none, free]
    ) as testbed:
        await submit_order(testbed, method="SHIPPING")
        await testbed.gateway.run_due()
        lines = await testbed.list_rows(schema.ticketlines)
        assert [(line.product, line.price, line.taxid) for line in lines][1:] == [(None, 3.0, "000")]
        assert [one.total for one in await testbed.list_rows(schema.payments)] == [9.12]


@pytest.mark.parametrize(("quantity", "paid"), [(1, "9.99"), (10, "99.90")])
async def test_a_receipt_at_a_charm_price_is_what_was_paid(
    till_url: str, tmp_path: Path, quantity: int, paid: str
) -> None:
    charm = sa.update(schema.products).where(schema.products.c.id == TEA).values(pricesell=8.325)
    async with open_till_testbed(till_url, tmp_path, prepared=[charm], stock_movements=True, receipts=True) as testbed:
        clerk = Shopper(World(testbed.gateway, {"web": testbed.web}, testbed.clock, testbed.client), ADMIN)
        await clerk.fill("till", TEA_1=quantity)
        placed = (await clerk.buy(await clerk.find_option("PICKUP", "london")))["order"]
        assert placed["total"]["amount"] == paid
        await testbed.gateway.run_due()
        (line,) = await testbed.list_rows(schema.ticketlines)
        (tax,) = await testbed.list_rows(schema.taxlines)
        (payment,) = await testbed.list_rows(schema.payments)
        assert round(line.price * 1.2 * line.units, 6) == float(paid), "what the till shows"
        assert round(tax.base + tax.amount, 6) == payment.total == float(paid)
