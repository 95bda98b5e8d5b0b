"""Whatever the order of deadline, payments, cancellations and other buyers: a paid order is delivered, or its money is
due back, never both and never neither; and units are sold to one buyer (rule U1).

A schedule is a list of steps, each a transaction of the gateway. It runs in one transaction that is rolled back. That
two transactions meet is the matter of `test_concurrent_payments`.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from gateway.commerce.context import SellingContext
from gateway.commerce.inventory import reservations
from gateway.commerce.inventory.reservations import InsufficientStockError, ReservationTemplate, StockRequest
from gateway.commerce.orders import expiry, late_payment, payment_recording, payments, reopening
from gateway.commerce.orders.cancellation import CancelRequest, cancel_order
from gateway.commerce.orders.expiry import expire_order
from gateway.commerce.orders.payment_recording import record_payment
from gateway.commerce.orders.payments import PaymentRequest
from gateway.commerce.outbox.commands import EnqueuedKeys
from gateway.model.ids import GlobalId
from gateway.model.money import Money
from gateway.model.orders import PaymentKind
from gateway.model.stock import ReservationState
from gateway.storage.database import Connection
from gateway.storage.writes import orders
from gateway.storage.writes.orders import OrderRow
from tests.commerce.paid_orders import read_order_facts
from tests.conftest import TORTURE
from tests.graphql.shopper import TABLES, Shopper, build_stores
from tests.graphql.world import World, open_world
from tests.graphql.writable_channels import select_variant_id

pytestmark = [pytest.mark.anyio, pytest.mark.any_database]

TOTAL, UNITS = 1_300, 2
Step = tuple[str, int]
KINDS = ("find due orders", "expire them", "pay", "pay in part", "cancel", "take units", "wait")
steps = st.lists(st.tuples(st.sampled_from(KINDS), st.integers(0, 3)), min_size=2, max_size=12)
OVERDUE: list[Step] = [("wait", 2), ("find due orders", 0)]
EXAMPLES: list[list[Step]] = [
    [("pay", 0), ("pay", 0)],
    [*OVERDUE, ("expire them", 0), ("pay", 0), ("pay", 0)],
    [*OVERDUE, ("expire them", 0), ("take units", 3), ("pay", 0)],
    [*OVERDUE, ("pay", 0), ("expire them", 0)],
    [*OVERDUE, ("cancel", 0), ("expire them", 0), ("pay", 0)],
    [("pay in part", 0), *OVERDUE, ("expire them", 0), ("pay", 0)],
]
"""What the naive forms of the rule get wrong."""

many = settings(
    max_examples=2_000 if TORTURE else 40,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate],  # to shrink a schedule takes long, and the steps are few
    report_multiple_bugs=False,
)


@dataclass
class Schedule:
    """An order that waits for its payment, and what happens to it."""

    conn: Connection
    context: SellingContext
    order: str
    variant: str
    due: Sequence[str] = ()
    canceled: bool = False
    references: set[str] = field(default_factory=set)

    def run(self, step: Step) -> None:
        kind, n = step
        actions: dict[str, Callable[[int], None]] = dict(
            zip(
                KINDS,
                (self.find_due, self.expire, self.pay, self.pay_in_part, self.cancel, self.take_units, self.wait),
                strict=True,
            )
        )
        actions[kind](n)
        self.check()

    def check(self) -> None:
        facts = read_order_facts(self.conn, self.order)
        assert facts.problems == []
        assert facts.references == sorted(self.references), "recorded twice, or not at all"
        assert facts.claimed == (UNITS if facts.is_active else 0), "sold, and its units are free"
        assert not (self.canceled and facts.is_active), "canceled by a person, and reopened"
        if facts.paid >= TOTAL:
            assert facts.is_active or facts.is_due_back, "paid, and not due back"
        if facts.paid <= TOTAL:
            assert not (facts.is_active and facts.is_due_back), "delivered, and paid back"
        assert facts.is_active or facts.is_due_back == (facts.paid > 0)

    # -------------------------------------------------------------------------------------------- steps

    def find_due(self, _: int) -> None:
        """A process looks for orders past their deadline. It expires them later."""
        self.due = orders.find_due_orders(self.conn, self.context.now, 10)

    def expire(self, _: int) -> None:
        before = read_order_facts(self.conn, self.order)
        for order_id in self.due:
            expire_order(self.conn, order_id, self.context)
        if before.is_active and before.paid:
            assert read_order_facts(self.conn, self.order).is_active, "paid, at least in part, and canceled"

    def pay(self, n: int) -> None:
        """A provider reports a payment of the whole order, perhaps again."""
        self.record(TOTAL, f"pi_{n % 2}")

    def pay_in_part(self, n: int) -> None:
        self.record(500, f"part_{n}")

    def record(self, amount: int, reference: str) -> None:
        payment = PaymentRequest(PaymentKind.PROVIDER, "stripe", reference, Money(amount, "GBP"))
        result, _ = record_payment(self.conn, self.order, payment, self.context)
        assert result.user_errors == ()
        self.references.add(reference)

    def cancel(self, _: int) -> None:
        version = orders.lock_orders(self.conn, [self.order])[self.order].version
        result = cancel_order(self.conn, CancelRequest(self.order, version, None), self.context)[0]
        self.canceled |= result.done

    def take_units(self, n: int) -> None:
        """Somebody else takes units, as many as there are at most."""
        template = ReservationTemplate(state=ReservationState.HELD, owner="other")
        with contextlib.suppress(InsufficientStockError):
            request = StockRequest(self.variant, "depot", n + 1)
            reservations.reserve_stock(self.conn, [request], template, self.context)

    def wait(self, n: int) -> None:
        self.context = SellingContext(self.context.config, self.context.now + timedelta(minutes=15 * n))


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with open_world(database_url, build_stores(), **TABLES) as world:
        yield world


async def run_schedules(world: World) -> None:
    """Run schedules on an order that is placed once. What each of them changes is rolled back."""
    shopper = Shopper(world)
    await shopper.fill("web", MUG=UNITS)
    placed = await shopper.submit(await shopper.find_option("SHIPPING", "depot"))
    assert placed["userErrors"] == []
    order = GlobalId.parse(placed["order"]["id"]).key
    variant = GlobalId.parse(await select_variant_id(world, "MUG")).key
    await world.gateway.database.write(run_examples, world, order, variant)


def try_examples(test: Callable[..., None]) -> Callable[..., None]:
    for schedule in EXAMPLES:
        test = example(schedule)(test)
    return test


def run_examples(conn: Connection, world: World, order: str, variant: str) -> None:
    @try_examples
    @many
    @given(steps)
    def run_schedule(schedule: list[Step]) -> None:
        with conn.begin_nested() as savepoint:
            running = Schedule(conn, SellingContext(world.gateway.selling, world.clock()), order, variant)
            running.check()
            for step in schedule:
                running.run(step)
            savepoint.rollback()

    run_schedule()


async def test_a_paid_order_is_delivered_or_paid_back_whatever_the_order_of_events(world: World) -> None:
    await run_schedules(world)


def forget_receipts(provider: str | None, reference: str | None) -> None:
    """Record every payment, as if providers never repeated themselves."""


def forget_refund(conn: Connection, order: OrderRow, rows: object, context: object) -> EnqueuedKeys:
    """Let a late payment have no consequence."""
    return {}


def open_nothing(*_: object) -> None:
    """Open no task."""


def reopen_always(conn: Connection, order: OrderRow, rows: object, context: SellingContext) -> EnqueuedKeys:
    """Reopen an order that staff have canceled, too."""
    return reopening.reopen_order(conn, order, context) or {}


def lock_unconditionally(conn: Connection, id_: str, now: object) -> OrderRow | None:
    """Lock an order without looking whether it still waits for its payment."""
    return orders.lock_orders(conn, [id_]).get(id_)


@pytest.mark.parametrize(
    ("module", "name", "replacement", "message"),
    [
        (payments, "build_receipt", forget_receipts, "recorded twice"),
        (payment_recording, "decide_late_payment", forget_refund, "not due back|is_due_back"),
        (payment_recording, "decide_late_payment", reopen_always, "reopened|is_due_back|not due back"),
        (late_payment, "open_refund_task", open_nothing, "not due back|is_due_back"),
        (expiry, "has_taken_payment", lambda _: False, "paid, at least in part, and canceled"),
        (orders, "lock_due_order", lock_unconditionally, "reopened"),
    ],
)
async def test_the_proof_that_the_property_can_fail(
    world: World, module: object, name: str, replacement: Callable[..., object], message: str
) -> None:
    with patch.object(module, name, replacement), pytest.raises(AssertionError, match=message):
        await run_schedules(world)
