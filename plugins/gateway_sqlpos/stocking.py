"""Moving stock in a till: an entry in its ledger, and the count with it, in one transaction."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.sdk import AdjustStock, ChannelError, Context, Done, Outcome, Refused, Write
from gateway_sqlpos.config import SqlPosConfig
from gateway_sqlpos.ledger import Entry, Ledger
from gateway_sqlpos.ours import id_of
from gateway_sqlpos.rows import bound, number, rows, table
from gateway_sqlpos.till import Till, wall_clock


class StockWrite(Write[AdjustStock]):
    """The entry's id is derived from the command's key: the database itself keeps it from being written twice."""

    of = AdjustStock
    repeatable = True

    def __init__(self, config: SqlPosConfig, till: Till, context: Context, ledger: Ledger) -> None:
        self._config, self._till, self._context, self._ledger = config, till, context, ledger

    async def send(self, commands: Sequence[AdjustStock]) -> Sequence[Outcome | ChannelError]:
        return [await self._answer(command) for command in commands]

    async def _answer(self, command: AdjustStock) -> Outcome | ChannelError:
        try:
            return await self._till.write(lambda conn: self._moved(conn, command))
        except ChannelError as error:
            return error

    async def find(self, command: AdjustStock, ticket: str | None) -> Outcome | None:
        found = await self._till.read(lambda conn: self._ledger.has(conn, id_of(command.key)))
        return Done(moved_stock=True) if found else None

    def _moved(self, conn: Connection, command: AdjustStock) -> Outcome:
        if self._ledger.has(conn, id_of(command.key)):
            return Done(moved_stock=True)
        product, place = command.subject.id, command.place
        priced = self._priced(conn, product)
        if priced is None:
            return Refused(code="NO_PRODUCT", message=f"the till has no product {product}")
        if not has_place(conn, self._config, place):
            return Refused(code="NO_LOCATION", message=f"the till has no location {place}")
        entry = Entry(
            id=id_of(command.key),
            at=wall_clock(self._context, self._config.time_zone),
            product=product,
            place=place,
            units=command.delta,
            reason=command.reason,
            price=number(priced, "price"),
        )
        self._ledger.write(conn, entry)
        return Done(moved_stock=True)

    def _priced(self, conn: Connection, product: str) -> dict[str, object] | None:
        """What the till asks for one unit: its ledger says what the units were worth."""
        names = self._config.layout.products
        goods = table(names, ("id", "price"))
        chosen = sa.select(goods.c[names.price].label("price")).where(goods.c[names.id] == bound(product))
        return next(iter(rows(conn, chosen)), None)


def has_place(conn: Connection, config: SqlPosConfig, place: str) -> bool:
    """Whether the till has this location."""
    names = config.layout.locations
    column = table(names, ("id",)).c[names.id]
    return conn.execute(sa.select(column).where(column == bound(place))).first() is not None
