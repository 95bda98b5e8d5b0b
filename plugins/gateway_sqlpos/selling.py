"""Orders as receipts: all of one, with its stock, in one transaction. Only where the configuration asks for it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from sqlalchemy.engine import Connection

from gateway.sdk import (
    ChannelError,
    Context,
    Done,
    MovementReason,
    OrderRecord,
    Outcome,
    PaymentStatus,
    PlaceOrder,
    Ref,
    Refused,
    Write,
)
from gateway_sqlpos import books
from gateway_sqlpos.bill import Bill, BillError, bill_of
from gateway_sqlpos.books import Receipt
from gateway_sqlpos.config import SqlPosConfig
from gateway_sqlpos.ledger import Entry, Ledger
from gateway_sqlpos.ours import id_of
from gateway_sqlpos.stocking import has_place
from gateway_sqlpos.till import Till, wall_clock


class OrderWrite(Write[PlaceOrder]):
    """The receipt's id is derived from the command's key: the database itself keeps it from being written twice."""

    of = PlaceOrder
    repeatable = True

    def __init__(self, config: SqlPosConfig, till: Till, context: Context, ledger: Ledger) -> None:
        self._config, self._till, self._context, self._ledger = config, till, context, ledger

    async def send(self, commands: Sequence[PlaceOrder]) -> Sequence[Outcome | ChannelError]:
        return [await self._answer(command) for command in commands]

    async def _answer(self, command: PlaceOrder) -> Outcome | ChannelError:
        try:
            return await self._till.write(lambda conn: self._placed(conn, command))
        except BillError as error:
            return Refused(code=error.code, message=str(error))
        except ChannelError as error:
            return error

    async def find(self, command: PlaceOrder, ticket: str | None) -> Outcome | None:
        found = await self._till.read(lambda conn: books.is_written(conn, command.key))
        return _done(command) if found else None

    def _placed(self, conn: Connection, command: PlaceOrder) -> Outcome:
        if books.is_written(conn, command.key):
            return _done(command)
        bill = self._bill(conn, command.order)
        at = wall_clock(self._context, self._config.time_zone)
        books.write(conn, self._receipt(command, bill, at))
        for entry in entries(command.key, bill, at):
            self._ledger.write(conn, entry)
        return _done(command)

    def _bill(self, conn: Connection, order: OrderRecord) -> Bill:
        """Raises `BillError` where the till cannot write such a receipt."""
        for place in {order.place, *(line.place or order.place for line in order.lines)}:
            if place is None or not has_place(conn, self._config, place):
                raise BillError("NO_LOCATION", f"the till has no location {place}")
        if order.total is None or order.total.currency_code != self._config.currency:
            raise BillError("CURRENCY", f"the till takes {self._config.currency}")
        wanted = {line.variant or "" for line in order.lines}
        articles = books.articles(conn, sorted(wanted))
        if missing := sorted(wanted - articles.keys()):
            raise BillError("NO_PRODUCT", f"the till has no product {missing[0]}")
        config = self._config
        return bill_of(order, articles, books.untaxed(conn), config.currency, gross=config.prices_include_tax)

    def _receipt(self, command: PlaceOrder, bill: Bill, at: datetime) -> Receipt:
        order = command.order
        owed = order.payment_status is PaymentStatus.UNPAID
        return Receipt(
            key=command.key,
            number=order.number,
            at=at,
            place=order.place or "",
            clerk=self._config.clerk,
            bill=bill,
            payment=self._config.layout.payments.on_account if owed else books.PAID_ELSEWHERE,
            total=Decimal(0) if order.total is None else Decimal(order.total.amount),
        )


def entries(key: str, bill: Bill, at: datetime) -> list[Entry]:
    """What the lines take from the shelves."""
    return [
        Entry(
            id=id_of(key, position),
            at=at,
            product=line.article.id,
            place=line.place or "",
            units=-line.units,
            reason=MovementReason.SALE,
            price=line.price,
        )
        for position, line in enumerate(bill.lines)
        if line.article is not None
    ]


def _done(command: PlaceOrder) -> Done:
    return Done(ref=Ref(id_of(command.key)), moved_stock=True)
