"""Receipts of a till: their content, and that none is lost, whenever it arrives."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.sdk import Gone, InvalidValueError, Money, PaymentStatus, RejectedLine
from gateway.sdk.testing.sandbox import World, WorldLine, WorldReceipt, build_small_world
from gateway_sqlpos_sandbox import schema
from gateway_sqlpos_sandbox.sales import insert_receipt
from gateway_sqlpos_sandbox.seed import derive_product_id, derive_receipt_id, get_session
from tests.plugins.conftest import AT_WORK, MakeTill, OpenTill

pytestmark = [pytest.mark.anyio, pytest.mark.long]
LONDON = ZoneInfo("Europe/London")
FIRST = build_small_world().receipts[0]


def build_receipt(number: int, at: datetime, sku: str = "TEA-1", quantity: int = 1) -> WorldReceipt:
    return WorldReceipt(number=number, at=at, place="london", lines=(WorldLine(sku, quantity, Decimal("2.55")),))


def build_receipt_world(receipts: Iterable[WorldReceipt]) -> World:
    return replace(build_small_world(), receipts=tuple(receipts))


def build_hourly_receipts(count: int, before: datetime = AT_WORK) -> list[WorldReceipt]:
    return [build_receipt(number, before - number * timedelta(hours=1)) for number in range(1, count + 1)]


async def deliver_receipt(till: OpenTill, receipt: WorldReceipt) -> str:
    """Deliver a receipt of an earlier time."""

    def work(conn: Connection) -> None:
        insert_receipt(conn, receipt, Decimal("0.2"), LONDON)

    await till.sandbox.run(work)
    return derive_receipt_id(receipt)


async def list_changed_ids(till: OpenTill, mark: str) -> set[str]:
    return {raw.id for raw in await till.read_items("receipts", mark)}


async def test_a_receipt_is_an_order_with_its_shop_its_customer_and_its_tax(open_till: MakeTill) -> None:
    till = await open_till()
    (order,) = await till.read_records("receipts")
    assert (order.number, order.place, order.payment_status) == ("536365", "london", PaymentStatus.PAID)
    assert order.placed_at == FIRST.at
    assert (order.subtotal, order.tax_total, order.total) == (Money(1869, "GBP"), Money(374, "GBP"), Money(2243, "GBP"))
    assert [(tax.title, tax.rate) for tax in order.tax_lines] == [("VAT", Decimal("0.2"))]
    assert [(line.sku, line.quantity, line.variant) for line in order.lines] == [
        ("TEA-1", 6, derive_product_id("TEA-1")),
        ("MUG-1", 1, derive_product_id("MUG-1")),
    ]
    (customer,) = await till.read_records("customers")
    assert order.customer == customer.ref.id


async def test_a_refund_is_a_negative_order_that_names_its_sale_where_the_till_noted_it(open_till: MakeTill) -> None:
    till = await open_till()
    sale = derive_receipt_id(FIRST)
    named = await till.sandbox.refund_receipt(sale, at=AT_WORK)
    unnamed = await till.sandbox.refund_receipt(sale, at=AT_WORK, names_sale=False)
    orders = {order.ref.id: order for order in await till.read_records("receipts")}
    assert (orders[named].reverses, orders[unnamed].reverses, orders[sale].reverses) == (sale, None, None)
    assert (orders[named].total, orders[named].payment_status) == (Money(-2243, "GBP"), PaymentStatus.REFUNDED)
    assert [line.quantity for line in orders[named].lines] == [-6, -1]
    assert orders[named].number == "R1"


async def test_a_refund_names_no_sale_where_two_have_the_number(open_till: MakeTill) -> None:
    till = await open_till()
    refund = await till.sandbox.refund_receipt(derive_receipt_id(FIRST), at=AT_WORK)
    await deliver_receipt(till, build_receipt(900, AT_WORK))
    await till.execute(sa.update(schema.tickets).where(schema.tickets.c.ticketid == 900).values(ticketid=FIRST.number))
    raw = (await till.fetch_records("receipts", refund))[refund]
    assert till.read("receipts", raw).reverses is None


async def test_money_moved_in_the_drawer_is_no_order(open_till: MakeTill) -> None:
    till = await open_till()
    ticket, session = {"tickettype": 2, "ticketid": 1, "person": "0"}, get_session("london")
    await till.execute(
        sa.insert(schema.receipts).values(id="cash-in", money=session, datenew=datetime(2011, 1, 1, 9)),  # noqa: DTZ001 local time
        sa.insert(schema.receipts).values(id="debt-paid", money=session, datenew=datetime(2011, 1, 1, 9)),  # noqa: DTZ001
        sa.insert(schema.tickets).values(id="debt-paid", **ticket),
    )
    assert len(await till.read_items("receipts")) == 1
    assert all(isinstance(raw, Gone) for raw in (await till.fetch_records("receipts", "cash-in", "debt-paid")).values())


async def test_what_is_put_on_a_customers_account_is_not_paid(open_till: MakeTill) -> None:
    till = await open_till()
    await till.execute(sa.update(schema.payments).values(payment="debt"))
    (order,) = await till.read_records("receipts")
    assert order.payment_status is PaymentStatus.UNPAID
    rest = {"id": "2", "receipt": order.ref.id, "payment": "cash", "total": 0.0}
    await till.execute(sa.insert(schema.payments).values(rest))
    (order,) = await till.read_records("receipts")
    assert order.payment_status is PaymentStatus.PARTIALLY_PAID


async def test_renaming_a_product_changes_no_receipt(open_till: MakeTill) -> None:
    till = await open_till()
    before = await till.read_items("receipts")
    await till.sandbox.product("TEA-1", title="Another name")
    assert await till.read_items("receipts") == before


async def test_half_a_piece_rejects_its_line_and_nothing_else(open_till: MakeTill) -> None:
    """Rule O9. The amounts are those of the till, so they contain the line."""
    till = await open_till()
    lines = schema.ticketlines
    await till.execute(sa.update(lines).where(lines.c.line == 1).values(units=0.35))
    (order,) = await till.read_records("receipts")
    assert [line.sku for line in order.lines] == ["TEA-1"]
    reason = "0.35 is not a whole number of the variant's smallest unit"
    assert order.rejected_lines == (RejectedLine("1", "lines.quantity", reason),)
    assert [warning.reason for warning in order.warnings] == [f"line 1: {reason}"]
    assert order.subtotal == Money(1530 + round(339 * 0.35), "GBP")


@pytest.mark.parametrize(
    ("wall", "instant"),
    [
        (
            "2011-10-30 01:30:00",
            "2011-10-30T01:30:00+00:00",
        ),  # shown twice, in summer time an hour earlier
        ("2011-03-27 01:30:00", "2011-03-27T01:30:00+00:00"),  # does not exist
        ("2011-07-01 09:00:00", "2011-07-01T08:00:00+00:00"),
    ],
)
async def test_a_time_that_is_ambiguous_is_the_later_instant(open_till: MakeTill, wall: str, instant: str) -> None:
    till = await open_till()
    await till.execute(sa.update(schema.receipts).values(datenew=datetime.fromisoformat(wall)))
    (order,) = await till.read_records("receipts")
    assert order.placed_at == datetime.fromisoformat(instant)


async def test_a_date_that_is_none_is_one_reject(open_till: MakeTill, till_url: str) -> None:
    bad = "0001-01-01 00:00:00 BC" if till_url.startswith("postgresql") else "0000-00-00 00:00:00"
    till = await open_till()
    await till.execute(sa.text(f"UPDATE receipts SET datenew = '{bad}'"))
    (raw,) = await till.read_items("receipts")
    with pytest.raises(InvalidValueError):
        till.read("receipts", raw)


async def test_a_pass_after_which_nothing_happened_sends_nothing(open_till: MakeTill) -> None:
    till = await open_till(build_receipt_world(build_hourly_receipts(100)))
    mark = await till.mark()
    assert await list_changed_ids(till, mark) == set()
    assert await till.mark(mark) == mark


async def test_a_sale_sends_its_hour_and_no_other(open_till: MakeTill) -> None:
    till = await open_till(build_receipt_world(build_hourly_receipts(100)))
    mark = await till.mark()
    sale = await till.sandbox.sell("TEA-1", 2, "leeds", at=AT_WORK - timedelta(minutes=50))
    assert await list_changed_ids(till, mark) == {sale, derive_receipt_id(build_hourly_receipts(1)[0])}
    assert await list_changed_ids(till, await till.mark(mark)) == set()


async def test_two_sales_in_the_second_of_the_last_one_are_both_sent(open_till: MakeTill) -> None:
    till = await open_till()
    first = await till.sandbox.sell("TEA-1", 1, "leeds", at=AT_WORK)
    mark = await till.mark()
    second = await till.sandbox.sell("TEA-1", 1, "leeds", at=AT_WORK)
    assert await list_changed_ids(till, mark) == {first, second}


async def test_a_till_that_was_offline_for_three_days_delivers_late_and_nothing_is_lost(open_till: MakeTill) -> None:
    till = await open_till(build_receipt_world(build_hourly_receipts(100)))
    mark = await till.mark()
    late = await deliver_receipt(till, build_receipt(5_000, AT_WORK - timedelta(hours=71)))
    assert late in await list_changed_ids(till, mark)


async def test_proof_without_a_late_window_the_late_receipt_is_lost(open_till: MakeTill) -> None:
    till = await open_till(build_receipt_world(build_hourly_receipts(100)), late_window="0s")
    mark = await till.mark()
    late = await deliver_receipt(till, build_receipt(5_000, AT_WORK - timedelta(hours=71)))
    assert late not in await list_changed_ids(till, mark)
    assert late in {raw.id for raw in await till.read_items("receipts")}  # the sweep finds it


async def test_an_id_that_is_used_again_after_a_deletion_is_sent_again(open_till: MakeTill) -> None:
    till = await open_till(build_receipt_world(build_hourly_receipts(5)))
    mark = await till.mark()
    one = derive_receipt_id(build_hourly_receipts(1)[0])
    moved = sa.update(schema.receipts).where(schema.receipts.c.id == one)
    await till.execute(moved.values(datenew=datetime(2011, 3, 1, 11, 59)))  # noqa: DTZ001 local time
    assert await list_changed_ids(till, mark) == {one}


async def test_what_arrives_while_a_pass_runs_is_sent_by_the_next_one(open_till: MakeTill) -> None:
    till = await open_till(build_receipt_world([]))
    mark = await till.mark()
    batch = [build_receipt(number, AT_WORK - timedelta(seconds=number)) for number in range(1, 501)]
    for receipt in batch:
        await deliver_receipt(till, receipt)
    feed = till.feed("receipts")
    first = await feed.page(mark, None)
    passed = await deliver_receipt(
        till, build_receipt(9_001, AT_WORK - timedelta(minutes=90))
    )  # before the position of the pass
    page, known = first, {raw.id for raw in first.items}
    while page.next is not None:
        page = await feed.page(mark, page.next)
        known |= {raw.id for raw in page.items}
    assert {derive_receipt_id(receipt) for receipt in batch} <= known
    assert page.mark is not None
    assert passed in known | await list_changed_ids(till, page.mark)


async def test_a_full_pass_keeps_what_arrives_meanwhile_for_the_next_one(open_till: MakeTill) -> None:
    till = await open_till(build_receipt_world(build_hourly_receipts(450)))
    feed = till.feed("receipts")
    page = await feed.page(None, None)
    late = [
        await deliver_receipt(till, build_receipt(number, AT_WORK - timedelta(minutes=number)))
        for number in range(9001, 9031)
    ]
    known = {raw.id for raw in page.items}
    while page.next is not None:
        page = await feed.page(None, page.next)
        known |= {raw.id for raw in page.items}
    assert page.mark is not None
    missed = set(late) - known
    in_window = {one for number, one in zip(range(9001, 9031), late, strict=True) if number < 72 * 60}
    assert missed & in_window <= await list_changed_ids(till, page.mark)
    assert {derive_receipt_id(receipt) for receipt in build_hourly_receipts(450)} <= known


async def test_a_till_whose_clock_is_years_ahead_hides_no_sales_of_other_tills(open_till: MakeTill) -> None:
    till = await open_till(build_receipt_world(build_hourly_receipts(10)))
    ahead = [
        await deliver_receipt(till, build_receipt(7_000 + day, AT_WORK + timedelta(days=400 + day, hours=day)))
        for day in range(30)
    ]
    mark = await till.mark()
    sale = await till.sandbox.sell("TEA-1", 1, "leeds", at=AT_WORK - timedelta(hours=2))
    assert sale in await list_changed_ids(till, mark)
    assert not set(ahead) & await list_changed_ids(till, mark)


async def test_a_clock_that_is_put_back_hides_no_sale(open_till: MakeTill) -> None:
    before = datetime(2011, 10, 30, 0, 50, tzinfo=UTC)  # 01:50 summer time
    till = await open_till(build_receipt_world([build_receipt(1, before)]), late_window="0s")
    till.clock.time = before
    mark = await till.mark()
    till.clock.time = before + timedelta(minutes=20)
    sale = await till.sandbox.sell("TEA-1", 1, "leeds", at=till.clock.time)  # 01:10 winter time
    assert sale in await list_changed_ids(till, mark)


async def test_the_longest_late_window_fits_into_mark_and_token(open_till: MakeTill) -> None:
    till = await open_till(build_receipt_world(build_hourly_receipts(24 * 16)), late_window="14d")
    assert len(await till.read_pages("receipts")) == 2  # with a token that carries the mark
    assert await list_changed_ids(till, await till.mark()) == set()


async def test_sales_of_shops_without_a_known_till_have_no_place(open_till: MakeTill) -> None:
    tills: Mapping[str, str] = {"till-leeds": "leeds"}
    till = await open_till(tills=tills)
    (order,) = await till.read_records("receipts")
    assert order.place is None
