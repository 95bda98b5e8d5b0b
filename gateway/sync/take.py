"""Applying what was read: one transaction per slice of a page, the only way by which a channel's word becomes ours."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from gateway.commerce.catalog import take_products
from gateway.commerce.customers import take_customers
from gateway.commerce.orders import take_orders
from gateway.commerce.stock import take_stock
from gateway.commerce.taking import Rules, Seen, Take
from gateway.model.channels import Resource
from gateway.model.ids import new_id
from gateway.sdk.records import Gone, Record, Ref, Version
from gateway.storage import leases, rejects, reservations, sources
from gateway.storage.database import Connection
from gateway.storage.leases import Lease
from gateway.storage.rejects import RejectRow
from gateway.storage.sources import Source
from gateway.storage.tables import EPOCH, MICROSECOND
from gateway.sync.observation import Observation, Verdict, decide, moved

APPLY: Mapping[Resource, Callable[[Connection, Take[Any]], None]] = {
    Resource.PRODUCTS: take_products,
    Resource.STOCK: take_stock,
    Resource.CUSTOMERS: take_customers,
    Resource.ORDERS: take_orders,
}


@dataclass(frozen=True, slots=True)
class Bad:
    """A record that could not be read."""

    reason: str
    field: str | None
    payload: str


class Item(NamedTuple):
    """One record as a read found it.

    Attributes:
        digest: of the raw data; None: gone.
        found: None: the raw data is what is known already, so it was not read again.
    """

    id: str
    digest: str | None
    found: Record | Gone | Bad | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Where items come from.

    Attributes:
        begin: the observation counter before the request.
        live: the feed can read single records; `fetched`: it did.
    """

    channel: str
    feed: str
    resource: Resource
    begin: int
    observed_at: datetime
    live: bool
    fetched: bool
    rules: Rules


class Judged(NamedTuple):
    """An item, and what becomes of it."""

    item: Item
    verdict: Verdict
    after: Source


def take(conn: Connection, reading: Reading, items: Sequence[Item], lease: Lease | None, now: datetime) -> int:
    """Apply these items; how many of them changed something.

    Raises:
        LeaseLostError: somebody else reads this channel by now.
    """
    if lease is not None:
        leases.check(conn, lease)
    known = _known(conn, reading, items, now)
    end = sources.next_count(conn)
    judged = [_judge(item, known[item.id], reading, end) for item in items]
    _store_sources(conn, judged, known, reading, end)
    applied = [one for one in judged if one.verdict is Verdict.APPLY]
    if applied:
        _store_rejects(conn, applied, known, reading, now)
    if applied or _proves(conn, reading):
        APPLY[reading.resource](conn, _take(judged, known, reading, end, now))
    return len(applied)


def _proves(conn: Connection, reading: Reading) -> bool:
    """Whether reading what is known already tells something: that a count contains what was sold meanwhile (K3)."""
    return reading.resource is Resource.STOCK and reservations.any_open(conn, reading.channel)


def _known(conn: Connection, reading: Reading, items: Sequence[Item], now: datetime) -> dict[str, Source]:
    ids = [item.id for item in items]
    known = sources.locked(conn, reading.channel, reading.resource.value, ids)
    new = [id_ for id_ in ids if id_ not in known]
    unread = sources.unread(reading.channel, reading.resource.value, reading.feed, new, now)
    return known | {source.external_id: source for source in unread}


def _judge(item: Item, known: Source, reading: Reading, end: int) -> Judged:
    asked = known.dirty_at is not None and reading.begin >= known.dirty_at
    seen = Observation(
        digest=item.digest,
        version=_version(item),
        bad=isinstance(item.found, Bad),
        begin=reading.begin,
        end=end,
        observed_at=reading.observed_at,
        sure=reading.fetched or (not reading.live and asked),
    )
    verdict = decide(known, seen)
    if verdict is Verdict.APPLY and item.found is None:
        verdict = Verdict.AGAIN  # what it was equal to has changed meanwhile
    after = moved(known, seen, verdict)
    ref = _ref(item)
    note = ref.note if ref else known.note
    if verdict is Verdict.APPLY and (after.feed, after.note) != (reading.feed, note):
        after.feed, after.note = reading.feed, note
    return Judged(item, verdict, after)


def _version(item: Item) -> int | None:
    version: Version | None = item.found.version if isinstance(item.found, Record) else None
    return (version - EPOCH) // MICROSECOND if isinstance(version, datetime) else version


def _ref(item: Item) -> Ref | None:
    return item.found.ref if isinstance(item.found, Record) else None


def _store_sources(
    conn: Connection, judged: Sequence[Judged], known: Mapping[str, Source], reading: Reading, end: int
) -> None:
    """Those that only moved forward in time take one statement together."""
    still = [one for one in judged if one.verdict is Verdict.SAME and _only_later(known[one.item.id], one.after)]
    alone = {one.item.id for one in still}
    sources.touch(conn, [one.after.id for one in still], reading.begin, end, reading.observed_at)
    moved = [one for one in judged if one.item.id not in alone and one.after != known[one.item.id]]
    sources.found(conn, [one.after for one in moved if _is_new(known, one)])
    sources.store(conn, [one.after for one in moved if not _is_new(known, one)])


def _is_new(known: Mapping[str, Source], one: Judged) -> bool:
    return known[one.item.id].end == 0 and known[one.item.id].dirty_at is None


def _only_later(before: Source, after: Source) -> bool:
    moved = before.copy()
    moved.begin, moved.end, moved.observed_at = after.begin, after.end, after.observed_at
    return moved == after


def _store_rejects(
    conn: Connection, applied: Sequence[Judged], known: Mapping[str, Source], reading: Reading, now: datetime
) -> None:
    bad = [
        RejectRow(
            id=new_id(now),
            channel=reading.channel,
            resource=reading.resource.value,
            external_id=one.item.id,
            feed=reading.feed,
            reason=one.item.found.reason,
            field=one.item.found.field,
            payload=one.item.found.payload,
            rejected_at=now,
        )
        for one in applied
        if isinstance(one.item.found, Bad)
    ]
    good = [one.item.id for one in applied if not isinstance(one.item.found, Bad) and _was_bad(known[one.item.id])]
    rejects.store(conn, bad)
    rejects.clear(conn, reading.channel, reading.resource.value, good)


def _was_bad(known: Source) -> bool:
    """Never read well yet, or rejected when it was read last."""
    return known.rejected or known.gone


def _take(
    judged: Sequence[Judged], known: Mapping[str, Source], reading: Reading, end: int, now: datetime
) -> Take[Any]:
    applied = [one for one in judged if one.verdict is Verdict.APPLY]
    return Take(
        channel=reading.channel,
        seen=[Seen(one.after.id, one.item.found) for one in applied if isinstance(one.item.found, Record)],
        gone=[one.after.id for one in applied if isinstance(one.item.found, Gone)],
        doubtful=[one.after.id for one in applied if isinstance(one.item.found, Bad) and not known[one.item.id].gone],
        same=[one.after.id for one in judged if one.verdict is Verdict.SAME],
        begin=reading.begin,
        begun_at=reading.observed_at,
        count=end,
        now=now,
        rules=reading.rules,
    )
