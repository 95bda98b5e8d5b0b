"""A process in which payments, the deadline, cancellations and other buyers meet on the same orders.

``python -m tests.commerce.concurrent_payments URL MANNERS``. Manners: ``careful``, or ``careless``, which locks no
order.

Prints, as JSON, the ids of the orders that this process has canceled as staff.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import sys
from collections.abc import Iterator
from functools import partial
from unittest.mock import patch

import sqlalchemy as sa

from gateway.commerce.context import SellingContext
from gateway.commerce.inventory import reservations
from gateway.commerce.inventory.reservations import InsufficientStockError, ReservationTemplate, StockRequest
from gateway.commerce.orders.cancellation import CancelRequest, cancel_order
from gateway.commerce.orders.expiry import expire_order
from gateway.commerce.orders.payment_recording import record_payment
from gateway.commerce.orders.payments import PaymentRequest
from gateway.model.ids import GlobalId
from gateway.model.money import Money
from gateway.model.orders import PaymentKind
from gateway.model.stock import ReservationState
from gateway.runtime.gateway import Gateway
from gateway.storage import tables
from gateway.storage.database import Connection
from gateway.storage.sql.bulk import BulkSelect
from gateway.storage.writes import orders
from tests.commerce.paid_orders import PAID_LATE
from tests.gateways import Clock, run_gateway
from tests.graphql.shopper import build_stores
from tests.graphql.world import World, open_client
from tests.graphql.writable_channels import select_variant_id

AT_ONCE = 8
TOTAL = 800
"""The total of each order, in pence: a mug and its shipping."""


async def main(url: str) -> None:
    clock, channels = Clock(), build_stores()
    clock.forward(minutes=31)
    async with run_gateway(url, channels, clock, **PAID_LATE) as gateway, open_client(gateway) as client:
        world = World(gateway, channels, clock, client)
        variant = GlobalId.parse(await select_variant_id(world, "MUG")).key
        steps, canceled = list_steps(gateway, variant, await gateway.database.read(list_orders)), set[str]()
        semaphore = asyncio.Semaphore(AT_ONCE)

        async def run(step: partial[str | None]) -> None:
            async with semaphore:
                done = await gateway.database.write(step)
                canceled.update([done] if done is not None else [])

        print("ready", flush=True)
        sys.stdin.readline()
        await asyncio.gather(*(run(step) for step in steps))
    print(json.dumps(sorted(canceled)), flush=True)


def list_orders(conn: Connection) -> list[str]:
    return list(conn.scalars(sa.select(tables.orders.c.id).where(tables.orders.c.pay_by.is_not(None))))


def list_steps(gateway: Gateway, variant: str, order_ids: list[str]) -> list[partial[str | None]]:
    """List what happens to the orders: near one another for one order, and in any sequence."""
    context = SellingContext(gateway.selling, gateway.now())
    steps: list[partial[str | None]] = []
    for order_id in order_ids:
        some: list[partial[str | None]] = [
            partial(expire, order_id=order_id, context=context),
            partial(pay, order_id=order_id, context=context),
            partial(take_unit, variant=variant, context=context),
        ]
        if random.random() < 0.1:
            some.append(partial(cancel, order_id=order_id, context=context))
        random.shuffle(some)
        steps += some
    return steps


def expire(conn: Connection, order_id: str, context: SellingContext) -> str | None:
    expire_order(conn, order_id, context)
    return None


def pay(conn: Connection, order_id: str, context: SellingContext) -> str | None:
    payment = PaymentRequest(PaymentKind.PROVIDER, "stripe", f"pi {order_id}", Money(TOTAL, "GBP"))
    result, _ = record_payment(conn, order_id, payment, context)
    assert result.user_errors == ()
    return None


def take_unit(conn: Connection, variant: str, context: SellingContext) -> str | None:
    """Somebody else takes a unit as soon as there is one."""
    template = ReservationTemplate(state=ReservationState.HELD, owner="other")
    with contextlib.suppress(InsufficientStockError):
        reservations.reserve_stock(conn, [StockRequest(variant, "depot", 1)], template, context)
    return None


def cancel(conn: Connection, order_id: str, context: SellingContext) -> str | None:
    version = conn.execute(sa.select(tables.orders.c.version).where(tables.orders.c.id == order_id)).scalar_one()
    result, _ = cancel_order(conn, CancelRequest(order_id, version, None), context)
    return order_id if result.done else None


@contextlib.contextmanager
def lock_nothing() -> Iterator[None]:
    """Read orders without locking them."""
    unlocked = BulkSelect(sa.select(*orders._order_columns), tables.orders.c.id)
    due = sa.select(*orders._order_columns).where(tables.orders.c.id == sa.bindparam("id"), orders._is_due)
    with patch.object(orders, "_orders", unlocked), patch.object(orders, "_due_order", due):
        yield


if __name__ == "__main__":
    with lock_nothing() if sys.argv[2] == "careless" else contextlib.nullcontext():
        asyncio.run(main(sys.argv[1]))
