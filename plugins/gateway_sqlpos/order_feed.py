"""Feed of receipts as orders: sales, and refunds as separate negative orders."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

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
from gateway_sqlpos.database import get_local_time
from gateway_sqlpos.late_window import WindowMark, compute_fingerprints, group_by_hour
from gateway_sqlpos.order_mapping import map_order
from gateway_sqlpos.receipt_queries import ReceiptQueries
from gateway_sqlpos.till import Till, TillSession

PAGE_SIZE = 200


class ReceiptFeed(LiveFeed[OrderRecord]):
    """Receipts: without a mark all by ID, otherwise those of the hours that have changed (see `late_window`)."""

    of = OrderRecord
    name = "receipts"
    every = timedelta(minutes=1)

    def __init__(self, config: SqlPosConfig, till: Till, context: Context) -> None:
        self._config, self._till, self._context = config, till, context
        self._zone = ZoneInfo(config.time_zone)

    async def page(self, mark: Mark | None, token: Token | None) -> Page:
        if mark is None:
            return await self._till.read(lambda till: self._read_all(till, token))
        previous = WindowMark.parse(mark)
        return await self._till.read(lambda till: self._read_changed(till, previous, token))

    async def fetch(self, refs: Sequence[Ref]) -> Mapping[str, Raw | Gone | ChannelError]:
        items = await self._till.read(lambda till: ReceiptQueries(till).find_by_ids([ref.id for ref in refs]))
        return {**{ref.id: Gone(ref) for ref in refs}, **{raw.id: raw for raw in items}}

    def read(self, raw: Raw) -> OrderRecord:
        return map_order(raw, self._config)

    def _read_all(self, till: TillSession, token: Token | None) -> Page:
        """Read a page of all receipts, by ID. The mark is built at the beginning of the pass."""
        queries = ReceiptQueries(till)
        mark, after = parse_token(token) if token else (self._build_mark(queries), None)
        items, more = queries.list_after(after, PAGE_SIZE)
        return _build_page(items, mark, items[-1].id if more else None)

    def _read_changed(self, till: TillSession, previous: WindowMark, token: Token | None) -> Page:
        """Read a page of the hours whose fingerprints differ, ordered by hour and ID."""
        queries, now = ReceiptQueries(till), self._get_now()
        dates = queries.list_dates(previous.get_window_start(self._config.late_window))
        fingerprints = compute_fingerprints(dates, now)
        hours = {
            key: ids for key, ids in group_by_hour(dates, now).items() if fingerprints[key] != previous.hours.get(key)
        }
        mark, after = parse_token(token) if token else (self._build_mark(queries), None)
        due = [
            (key, receipt)
            for key, ids in hours.items()
            for receipt in ids
            if after is None or f"{key}{receipt}" > after
        ]
        batch = due[:PAGE_SIZE]
        items = queries.find_by_ids([receipt for _, receipt in batch])
        return _build_page(items, mark, "".join(batch[-1]) if len(due) > PAGE_SIZE else None)

    def _build_mark(self, queries: ReceiptQueries) -> WindowMark:
        at = self._get_till_time(queries)
        since = WindowMark(at, {}).get_window_start(self._config.late_window)
        return WindowMark(at, compute_fingerprints(queries.list_dates(since), self._get_now()))

    def _get_till_time(self, queries: ReceiptQueries) -> datetime:
        """Return the current time of the till: that of its latest receipt, limited to the present."""
        now = self._get_now()
        latest = queries.get_latest_date()
        return now if latest is None else min(now, self._get_wall_time(latest))

    def _get_wall_time(self, date: datetime) -> datetime:
        local = date if date.tzinfo is None else date.astimezone(self._zone).replace(tzinfo=None)
        return local.replace(microsecond=0)

    def _get_now(self) -> datetime:
        return get_local_time(self._context, self._config.time_zone)


def _build_page(items: Sequence[Raw], mark: WindowMark, after: str | None) -> Page:
    if after is None:
        return Page(items, mark=str(mark))
    return Page(items, next=json.dumps([after, str(mark)]))


def parse_token(token: Token) -> tuple[WindowMark, str]:
    """Parse a page token: the mark at the end of the pass, and the position of the next page."""
    try:
        after, mark = json.loads(token)
        return WindowMark.parse(mark), after
    except (ValueError, TypeError) as error:
        raise CursorExpiredError("the page token belongs to another feed") from error
