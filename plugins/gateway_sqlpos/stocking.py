"""Telling a till that units have moved: a line in its stock diary and the sum under it, in one transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.sdk import AdjustStock, ChannelError, Context, Done, MovementReason, Outcome, Refused, Write
from gateway_sqlpos.config import SqlPosConfig
from gateway_sqlpos.rows import Ids, table
from gateway_sqlpos.till import Till

OURS = "gw-"
"""Before the command's key, in the id of a line that the gateway has written: 35 of 36 characters."""

IN_PURCHASE, OUT_SALE, IN_REFUND, OUT_BREAK = 1, -1, 2, -3
IN_MOVEMENT, OUT_MOVEMENT = 4, -4
REASONS: Mapping[MovementReason, tuple[int, int]] = MappingProxyType(
    {
        MovementReason.SALE: (IN_REFUND, OUT_SALE),
        MovementReason.CANCELLATION: (IN_REFUND, OUT_SALE),
        MovementReason.TRANSFER: (IN_MOVEMENT, OUT_MOVEMENT),
        MovementReason.RECEIVED: (IN_PURCHASE, OUT_MOVEMENT),
        MovementReason.DAMAGE: (IN_MOVEMENT, OUT_BREAK),
        MovementReason.THEFT: (IN_MOVEMENT, OUT_BREAK),
    }
)
"""The till's own codes for what came in and what went out (Openbravo POS, `MovementReason`); others are movements."""


class StockWrite(Write[AdjustStock]):
    """A line in the diary is named by the command's key: what was told is there once, however often it is told.

    A till counts what it was told at once, and whoever reads it then reads that.
    """

    of = AdjustStock
    repeatable = True

    def __init__(self, config: SqlPosConfig, till: Till, context: Context) -> None:
        self._till, self._context = till, context
        self._zone = ZoneInfo(config.time_zone)
        self._ids = Ids(config.layout.integer_ids)
        layout = config.layout
        self._names = layout.stock
        self._product = table(layout.products, ("id",)).c[layout.products.id]
        self._location = table(layout.locations, ("id",)).c[layout.locations.id]
        self._stock = table(layout.stock, ("product", "location", "units"))
        self._diary = sa.table("stockdiary", *(sa.column(name) for name in _DIARY))

    async def send(self, commands: Sequence[AdjustStock]) -> Sequence[Outcome | ChannelError]:
        """See `Write.send`."""
        return [await self._till.write(partial(self._told, command=one)) for one in commands]

    def _told(self, conn: Connection, command: AdjustStock) -> Outcome:
        line = f"{OURS}{command.key}"
        if conn.execute(sa.select(self._diary.c.id).where(self._diary.c.id == line)).first() is not None:
            return Done(moved_stock=True)
        for what, column, id in (
            ("product", self._product, command.subject.id),
            ("location", self._location, command.place),
        ):
            if conn.execute(sa.select(column).where(self._ids.among(column, [id]))).first() is None:
                return Refused(code=f"NO_{what.upper()}", message=f"the till has no {what} {id}")
        conn.execute(sa.insert(self._diary).values(self._line(conn, line, command)))
        self._move(conn, command)
        return Done(moved_stock=True)

    def _line(self, conn: Connection, line: str, command: AdjustStock) -> dict[str, Any]:
        came_in, went_out = REASONS.get(command.reason, (IN_MOVEMENT, OUT_MOVEMENT))
        return {
            "id": line,
            "datenew": _wall(conn, self._context.now().astimezone(self._zone).replace(tzinfo=None, microsecond=0)),
            "reason": came_in if command.delta > 0 else went_out,
            "location": command.place,
            "product": command.subject.id,
            "units": float(command.delta),
            "price": 0.0,
        }

    def _move(self, conn: Connection, command: AdjustStock) -> None:
        """Of an item's rows in a place exactly one changes; where none can be told from the others, one is added."""
        names, stock = self._names, self._stock
        here = sa.and_(
            self._ids.among(stock.c[names.product], [command.subject.id]),
            self._ids.among(stock.c[names.location], [command.place]),
        )
        units = stock.c[names.units]
        counts = Counter(conn.execute(sa.select(units).where(here)).scalars())
        alone = [count for count, times in counts.items() if times == 1]
        if alone:
            which = sa.true() if counts.total() == 1 else units == alone[0]
            changed = sa.update(stock).where(here, which).values({names.units: units + float(command.delta)})
            if conn.execute(changed).rowcount == 1:
                return
        place = {names.product: command.subject.id, names.location: command.place}
        conn.execute(sa.insert(stock).values({**place, names.units: float(command.delta)}))


_DIARY = ("id", "datenew", "reason", "location", "product", "units", "price")


def _wall(conn: Connection, local: datetime) -> object:
    """A wall-clock time to be written: SQLite keeps it as text."""
    return local.isoformat(" ") if conn.dialect.name == "sqlite" else local
