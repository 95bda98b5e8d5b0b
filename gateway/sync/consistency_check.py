"""Consistency check: compares the stored data with itself, and with what every channel reports now."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from gateway.commerce.push import planner
from gateway.commerce.topology import Topology
from gateway.model.channels import Resource
from gateway.model.orders import OrderAttention
from gateway.sdk.errors import ChannelError
from gateway.sdk.feeds import Raw
from gateway.sdk.records import Ref, StockRecord
from gateway.storage import consistency, outbox
from gateway.storage.consistency import CountedStock
from gateway.storage.database import Connection, Database
from gateway.storage.outbox import OutboxState
from gateway.storage.sql.bulk import slice_items
from gateway.storage.sync import feed_cursors, notices
from gateway.storage.writes import pushes
from gateway.storage.writes.reservations import StockCounterKey
from gateway.sync.channel_sync import ChannelSync, get_resource
from gateway.sync.read_version import list_waiting
from gateway.sync.record_comparison import Comparison, compare_records

FETCH_SIZE = 100


@dataclass(slots=True)
class Findings:
    """The findings, one line each.

    Attributes:
        differences: values that should be equal.
        in_flight: differences that a pending command explains.
        shortages: shortages, open tasks and dead commands.
        attention: orders whose record needs attention, such as totals that differ (rule O8).
        overdue: orders past their payment deadline that are not canceled (rule U1).
        waiting: changes of the configuration that an operator has to decide about (rules G1, G2).
        rereads: feeds that wait to be read again after an upgrade (rule S11).
        unreachable: channels that could not be read, with the reason.
        compared: number of compared values by channel and kind: levels, listings, prices, orders, products.
    """

    differences: list[str] = field(default_factory=list)
    in_flight: list[str] = field(default_factory=list)
    shortages: list[str] = field(default_factory=list)
    attention: list[str] = field(default_factory=list)
    overdue: list[str] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)
    rereads: list[str] = field(default_factory=list)
    unreachable: list[str] = field(default_factory=list)
    compared: dict[str, dict[str, int]] = field(default_factory=dict)


async def check_consistency(database: Database, syncs: Iterable[ChannelSync], topology: Topology) -> Findings:
    """Compare reservations, stock counters and channels."""
    findings = Findings()
    for counter in await database.read(consistency.find_unbalanced_counters):
        findings.differences.append(
            f"{_format_counter(counter.counter)}: {counter.held} held, but {counter.claimed} reserved"
        )
    await _check_shortages(database, topology, findings)
    findings.waiting += await _list_paused_endpoints(database)
    for sync in syncs:
        await _check_channel(sync, topology, findings)
    return findings


async def compare_channels(syncs: Iterable[ChannelSync], findings: Findings) -> None:
    """Compare products, listings, prices and orders with what the channels report now."""
    for sync in syncs:
        comparison = Comparison(compared=findings.compared.setdefault(sync.key, {}))
        try:
            await compare_records(sync, comparison)
        except ChannelError as error:
            _add_unreachable(sync, error, findings)
        findings.differences += comparison.differences
        findings.in_flight += comparison.in_flight


def _add_unreachable(sync: ChannelSync, error: ChannelError, findings: Findings) -> None:
    line = f"{sync.key}: {error}"
    if line not in findings.unreachable:
        findings.unreachable.append(line)


async def _check_shortages(database: Database, topology: Topology, findings: Findings) -> None:
    authorities = [location.authority for location in topology.locations.values() if location.authority is not None]
    external_locations = [(authority.channel, authority.external_id) for authority in authorities]
    for short in await database.read(consistency.find_short_counters, external_locations):
        line = f"{_format_counter(short.counter)}: {short.promised} reserved, {short.on_hand} on hand"
        findings.shortages.append(line)
    for task in await database.read(consistency.list_tasks):
        until = f" (until {task.due_at:%Y-%m-%d %H:%M} UTC)" if task.due_at else ""
        lines_by_kind = {
            OrderAttention.PAYMENT_OVERDUE.value: findings.overdue,
            OrderAttention.TOTAL_DIFFERS.value: findings.attention,
            OrderAttention.INCOMPLETE.value: findings.attention,
        }
        lines = lines_by_kind.get(task.kind, findings.shortages)
        lines.append(f"order {task.number}: {task.kind}: {task.note}{until}")
    dead = await database.read(_load_dead_entries)
    findings.shortages += [
        f"outbox: {entry.operation} of {entry.subject} in {entry.channel_key} is dead" for entry in dead
    ]


async def _list_paused_endpoints(database: Database) -> list[str]:
    statuses = await database.read(notices.find_endpoint_statuses)
    paused = {name: status.fault for name, status in statuses.items() if status.paused_at is not None}
    return [f"webhook {name} is paused ({fault}); see `gateway webhooks`" for name, fault in sorted(paused.items())]


def _load_dead_entries(conn: Connection) -> Sequence[outbox.OutboxEntry]:
    rows = outbox.list_entries((OutboxState.DEAD.value,))
    return [rows.read(row) for row in conn.execute(rows.statement)]


async def _check_channel(sync: ChannelSync, topology: Topology, findings: Findings) -> None:
    findings.compared[sync.key] = {"levels": 0}
    waiting = list_waiting(sync, await sync.database.read(feed_cursors.find_cursors, sync.key))
    findings.rereads += [f"{sync.key}: {feed}, {pages:,} pages so far" for feed, pages in waiting]
    counters = await sync.database.read(consistency.list_counts, sync.key)
    moving = await sync.database.read(consistency.sum_open_movements)
    offered = await sync.database.read(_list_planned_pushes, sync.key, topology)
    external_locations = {
        location.authority.external_id
        for location in topology.locations.values()
        if location.authority is not None and location.authority.channel == sync.key
    }
    try:
        async for counter, on_hand in _fetch_counts(
            sync, [counted for counted in counters if counted.counter[2] in external_locations]
        ):
            _compare_count(sync, counter, on_hand, moving, findings)
            findings.compared[sync.key]["levels"] += 1
    except ChannelError as error:
        _add_unreachable(sync, error, findings)
    for listing, target, published in offered:
        findings.in_flight.append(f"{sync.key} offers {published} of {listing}, should offer {target}")


async def _fetch_counts(
    sync: ChannelSync, counters: Sequence[CountedStock]
) -> AsyncIterator[tuple[CountedStock, int | None]]:
    """Fetch the current counts of a channel, each with the stored counter."""
    for feed in (feed for feed in sync.channel.live_feeds.values() if get_resource(feed) is Resource.STOCK):
        of_feed = [counter for counter in counters if counter.feed == feed.name]
        for batch in slice_items(of_feed, FETCH_SIZE):
            answers = await sync.channel.fetch(
                feed.name, [Ref(counter.record) for counter in batch], sync.table.call_deadline
            )
            raws = {id_: raw for id_, raw in answers.items() if isinstance(raw, Raw)}
            records = dict(zip(raws, await sync.channel.read(feed.name, list(raws.values())), strict=True))
            for counter in batch:
                record = records.get(counter.record)
                yield counter, record.base if isinstance(record, StockRecord) else None


def _compare_count(
    sync: ChannelSync,
    counter: CountedStock,
    on_hand: int | None,
    moving: Mapping[StockCounterKey, int],
    findings: Findings,
) -> None:
    if on_hand == counter.on_hand:
        return
    line = f"{_format_counter(counter.counter)}: {counter.on_hand} in the gateway, {on_hand} in the channel"
    if on_hand is not None and counter.on_hand - on_hand == moving.get(counter.counter, 0) != 0:
        findings.in_flight.append(line)
    else:
        findings.differences.append(line)


def _list_planned_pushes(
    conn: Connection, channel: str, topology: Topology
) -> list[tuple[str, int | None, int | None]]:
    if pushes.get_arming(conn, channel).armed_at is None:
        return []
    return [
        (planned.offer.external_id, planned.target, planned.offer.published)
        for planned in planner.plan_follower(conn, channel, topology)
    ]


def _format_counter(counter_key: StockCounterKey) -> str:
    channel, item, external_location = counter_key
    return f"{channel}, {item} in {external_location}"
