"""Receipts of a till as orders: sales, and the refunds that are negative orders of their own."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.engine import Connection

from gateway.sdk import (
    ChannelError,
    Context,
    CursorExpiredError,
    Gone,
    LiveFeed,
    Mark,
    OrderRecord,
    Page,
    Raw,
    Ref,
    Token,
)
from gateway_sqlpos.config import SqlPosConfig
from gateway_sqlpos.orders import order_of
from gateway_sqlpos.tickets import Tickets
from gateway_sqlpos.till import Till, instant, wall_clock
from gateway_sqlpos.window import Known, by_hour, fingerprints

PAGE = 200


class ReceiptFeed(LiveFeed[OrderRecord]):
    """All receipts by id where there is no mark; else those of the hours that are not as they were (see `window`)."""

    of = OrderRecord
    name = "receipts"
    every = timedelta(minutes=1)

    def __init__(self, config: SqlPosConfig, till: Till, context: Context) -> None:
        self._config = config
        self._till = till
        self._zone = ZoneInfo(config.time_zone)
        self._context = context
        self._tickets = Tickets(config)

    async def page(self, mark: Mark | None, token: Token | None) -> Page:
        if mark is None:
            return await self._till.read(lambda conn: self._full(conn, token))
        known = Known.parse(mark)
        return await self._till.read(lambda conn: self._changed(conn, known, token))

    async def fetch(self, refs: Sequence[Ref]) -> Mapping[str, Raw | Gone | ChannelError]:
        items = await self._till.read(lambda conn: self._tickets.by_ids(conn, [ref.id for ref in refs]))
        return {**{ref.id: Gone(ref) for ref in refs}, **{raw.id: raw for raw in items}}

    def read(self, raw: Raw) -> OrderRecord:
        return order_of(raw, self._config)

    def _full(self, conn: Connection, token: Token | None) -> Page:
        """Everything, by id. What is known at the end is what stood there at the beginning."""
        reached, after = parted(token) if token else (self._known(conn, self._reached(conn)), None)
        items, more = self._tickets.after(conn, after, PAGE)
        return _page(items, reached, items[-1].id if more else None)

    def _changed(self, conn: Connection, known: Known, token: Token | None) -> Page:
        """The hours whose fingerprints differ, in order of (hour, id)."""
        now, since = self._now(), known.since(self._config.late_window)
        seen = self._tickets.dates(conn, instant(conn, since))
        prints = fingerprints(seen, now)
        hours = {key: ids for key, ids in by_hour(seen, now).items() if prints[key] != known.hours.get(key)}
        reached, after = parted(token) if token else (self._known(conn, self._reached(conn)), None)
        due = [(key, one) for key, ids in hours.items() for one in ids if after is None or f"{key}{one}" > after]
        some = due[:PAGE]
        items = self._tickets.by_ids(conn, [one for _, one in some])
        return _page(items, reached, "".join(some[-1]) if len(due) > PAGE else None)

    def _known(self, conn: Connection, at: datetime) -> Known:
        since = Known(at, {}).since(self._config.late_window)
        return Known(at, fingerprints(self._tickets.dates(conn, instant(conn, since)), self._now()))

    def _reached(self, conn: Connection) -> datetime:
        """How far the till is, on its wall clock: its latest receipt, but not one from the future."""
        now = self._now()
        latest = self._tickets.latest(conn)
        return now if latest is None else min(now, self._wall(latest))

    def _wall(self, date: datetime) -> datetime:
        local = date if date.tzinfo is None else date.astimezone(self._zone).replace(tzinfo=None)
        return local.replace(microsecond=0)

    def _now(self) -> datetime:
        return wall_clock(self._context, self._config.time_zone)


def _page(items: Sequence[Raw], reached: Known, after: str | None) -> Page:
    if after is None:
        return Page(items, mark=str(reached))
    return Page(items, next=json.dumps([after, str(reached)]))


def parted(token: Token) -> tuple[Known, str]:
    """What the pass will have reached when it is done, and where its next page begins."""
    try:
        after, mark = json.loads(token)
        return Known.parse(mark), after
    except (ValueError, TypeError) as error:
        raise CursorExpiredError("the page token is none of this feed") from error
