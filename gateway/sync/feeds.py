"""Reading feeds, one page at a time: read, take, move the cursor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from gateway.channels.errands import Urgency
from gateway.channels.guard import fault_of
from gateway.model.channels import Fault
from gateway.sdk.errors import BudgetSpentError, ChannelError, ContractError, CursorExpiredError, RejectedError
from gateway.sdk.feeds import AnyFeed, Feed, Page
from gateway.storage import health, leases, passes, sources
from gateway.storage.database import Connection
from gateway.storage.leases import Lease
from gateway.storage.passes import DELTA, SWEEP, PassRow
from gateway.sync import sweeps
from gateway.sync.channel import Progress, Syncing, fail, resource_of, spared
from gateway.sync.reading import items, reading
from gateway.sync.take import Item, Reading, take

PAGES = 1000
"""After so many it is looked whether they name anything: a pass without an end would keep the other feeds waiting."""


TRIES = 5
"""So often a page may be answered against the contract. Then the pass begins anew: its token may be the reason."""


class EndlessPassError(ContractError):
    """The feed gives page after page, and they name next to nothing."""


@dataclass(frozen=True, slots=True)
class Turn:
    """The feed and the pass that a page is read for, and the lease under which that is written."""

    sync: Syncing
    feed: AnyFeed
    lease: Lease


async def read_page(turn: Turn, row: PassRow) -> PassRow:
    """Read one page of a pass and apply it; what the pass is now. A failed call is a fault of the pass."""
    try:
        row = await _tell_taken(turn, row)
        row = await _read_page(turn, row)
    except EndlessPassError as error:
        return await _store(turn, _faulted(_ended(turn, row), fault_of(error, turn.sync.now())))
    except BudgetSpentError as error:
        return await _store(turn, replace(row, due_at=turn.sync.now() + spared(error)))
    except CursorExpiredError as error:
        return await _failed(turn, _restarted(turn, row), error)
    except (ContractError, RejectedError) as error:
        return await _failed(turn, _doubted(turn, row), error)
    except ChannelError as error:
        return await _failed(turn, row, error)
    return await _told(turn, row)


async def _read_page(turn: Turn, row: PassRow) -> PassRow:
    sync, feed = turn.sync, turn.feed
    now = await reading(sync, feed)
    if row.begin is None:
        row = replace(row, begin=now.begin, begun_at=now.observed_at, reached=None, pages=0)
    token, urgency = fleeting(sync, row) or row.token, Urgency.SWEEP if row.kind == SWEEP else Urgency.DELTA
    page = await sync.channel.page(feed.name, _mark(row), token, sync.table.call_deadline, urgency)
    found = await items(sync, feed, page.items)
    row = await _apply(turn, now, found, _moved(turn, row, page), last=page.next is None)
    if page.next is None and row.begin is not None:
        row = await _settled(turn, row)
    _remember(turn, row, page)
    await _check_end(turn, row)
    sync.refused.pop((row.feed, row.kind), None)
    sync.failures = 0
    sync.progress(Progress(sync.key, feed.name, now.resource, len(found), page.next is None))
    return row


def _mark(row: PassRow) -> str | None:
    """A sweep begins with everything, whatever is known."""
    return row.mark if row.kind == DELTA else None


def _moved(turn: Turn, row: PassRow, page: Page) -> PassRow:
    """The pass after the page: its mark moves with it only where the feed comes in order (rule S3)."""
    row = replace(row, pages=row.pages + 1, reached=page.mark or row.reached, token=page.next if page.resume else None)
    if row.kind == DELTA and turn.feed.ascending and page.mark is not None and not whole(turn.feed, row):
        return replace(row, mark=page.mark)
    return row


def whole(feed: AnyFeed, row: PassRow) -> bool:
    """Whether the pass names everything there is, so that what it does not name is absent."""
    return feed.lists_all and _mark(row) is None


def _remember(turn: Turn, row: PassRow, page: Page) -> None:
    """A token that dies soon stands nowhere but here: after a restart the pass begins anew."""
    key = (turn.feed.name, row.kind)
    if page.next is not None and not page.resume:
        turn.sync.tokens[key] = (row.begin, row.pages, page.next)
    else:
        turn.sync.tokens.pop(key, None)


def fleeting(sync: Syncing, row: PassRow) -> str | None:
    """The token that dies soon, by which this very pass goes on; None: it has none."""
    begin, pages, token = sync.tokens.get((row.feed, row.kind), (None, 0, None))
    return token if (begin, pages) == (row.begin, row.pages) else None


async def _check_end(turn: Turn, row: PassRow) -> None:
    if row.begin is None or row.pages % PAGES:
        return
    named = await turn.sync.database.read(sources.count_named, turn.sync.key, turn.feed.name, row.begin)
    if named < row.pages:
        raise EndlessPassError(f"the feed {turn.feed.name} named {named} records on {row.pages} pages, and goes on")


async def _apply(turn: Turn, source: Reading, found: Sequence[Item], row: PassRow, last: bool) -> PassRow:
    """In slices; the cursor moves with the last one. What the pass is then: ended, if it was through and named all."""
    sync = turn.sync
    for some, is_last in sync.pace.slices(turn.feed.name, found):
        if not is_last:
            await sync.turns.write(_take, turn, source, some)
        else:
            row = await sync.turns.write(_take_last, turn, source, some, row, last)
    return row


def _take(conn: Connection, turn: Turn, source: Reading, some: Sequence[Item]) -> None:
    sync, now = turn.sync, turn.sync.now()
    sync.pace.timed(turn.feed.name, len(some), lambda: take(conn, source, some, turn.lease, now))


def _take_last(
    conn: Connection, turn: Turn, source: Reading, some: Sequence[Item], row: PassRow, last: bool
) -> PassRow:
    _take(conn, turn, source, some)
    health.succeeded(conn, turn.sync.key, turn.sync.now())
    if last and not (
        whole(turn.feed, row) and sources.count_unnamed(conn, turn.sync.key, turn.feed.name, row.begin or 0)
    ):
        return _complete(conn, turn, row)
    passes.store(conn, row)
    return row


async def _settled(turn: Turn, row: PassRow) -> PassRow:
    """The pass is through, and did not name everything that is known: it is found out why."""
    fault = await sweeps.settle_absent(turn.sync, turn.feed, row.begin or 0, row.accept_absent, turn.lease)
    if fault is not None:
        return await _store(turn, _faulted(_ended(turn, row), fault))
    return await turn.sync.turns.write(_complete_fenced, turn, row)


def _complete_fenced(conn: Connection, turn: Turn, row: PassRow) -> PassRow:
    leases.check(conn, turn.lease)
    return _complete(conn, turn, row)


def _complete(conn: Connection, turn: Turn, row: PassRow) -> PassRow:
    """The next pass waits for its time. Once every feed was read completely, the first sync is through (rule S10)."""
    sync = turn.sync
    row = replace(
        _ended(turn, row),
        mark=row.reached or row.mark if row.kind == DELTA else None,
        completed_at=sync.now(),
        complete_as_of=row.begun_at,
        taken=type(turn.feed).taken is Feed.taken,  # who keeps nothing is not told
        fault_code=None,
        fault_message=None,
        fault_retryable=None,
        fault_at=None,
    )
    passes.store(conn, row)
    if row.accept_absent:
        passes.absent_accepted(conn, row)
    known = passes.of_channel(conn, sync.key)
    if all((feed, DELTA) in known and known[feed, DELTA].completed_at for feed in sync.channel.feeds):
        health.synced(conn, sync.key, sync.now())
    return row


def _ended(turn: Turn, row: PassRow) -> PassRow:
    every = turn.sync.every(turn.feed) if row.kind == DELTA else turn.sync.table.sweep_every
    begun = row.begun_at or turn.sync.now()
    return replace(row, token=None, begin=None, begun_at=None, reached=None, due_at=max(begun + every, turn.sync.now()))


async def _told(turn: Turn, row: PassRow) -> PassRow:
    """A plugin that cannot be told now is told before the next page: the pass is stored all the same."""
    try:
        return await _tell_taken(turn, row)
    except ChannelError as error:
        return await _failed(turn, row, error)


async def _tell_taken(turn: Turn, row: PassRow) -> PassRow:
    """At least once, after the commit, so that a plugin can let go of what it kept."""
    if row.taken:
        return row
    await turn.sync.channel.taken(turn.feed.name, row.mark, turn.sync.table.call_deadline)
    return await _store(turn, replace(row, taken=True))


def _restarted(turn: Turn, row: PassRow) -> PassRow:
    turn.sync.tokens.pop((turn.feed.name, row.kind), None)
    return replace(row, token=None, begin=None, begun_at=None, reached=None)


def _doubted(turn: Turn, row: PassRow) -> PassRow:
    """The pass goes on where it was; but not for ever, where it is the token that is no good."""
    key, token = (row.feed, row.kind), fleeting(turn.sync, row) or row.token
    if token is None:
        return row
    before, times = turn.sync.refused.get(key, ("", 0))
    times = times + 1 if before == token else 1
    turn.sync.refused[key] = (token, times % TRIES)
    return row if times < TRIES else _restarted(turn, row)


async def _failed(turn: Turn, row: PassRow, error: ChannelError) -> PassRow:
    """The pass goes on later, where it was."""
    sync = turn.sync
    row = _faulted(row, fault_of(error, sync.now()))
    return await _store(turn, replace(row, due_at=await fail(sync, error)))


def _faulted(row: PassRow, fault: Fault) -> PassRow:
    return replace(
        row,
        fault_code=fault.code.value,
        fault_message=fault.message,
        fault_retryable=fault.retryable,
        fault_at=fault.occurred_at,
    )


async def _store(turn: Turn, row: PassRow) -> PassRow:
    await turn.sync.turns.write(_store_fenced, turn.lease, row)
    return row


def _store_fenced(conn: Connection, lease: Lease, row: PassRow) -> None:
    leases.check(conn, lease)
    passes.store(conn, row)


def new_passes(sync: Syncing, feed: AnyFeed, known: Mapping[tuple[str, str], PassRow]) -> list[PassRow]:
    """The passes that the feed should have and does not have yet."""
    kinds = [DELTA]
    delta = known.get((feed.name, DELTA))
    if feed.lists_all and delta is not None and delta.mark is not None:
        kinds.append(SWEEP)
    due = {DELTA: sync.now(), SWEEP: sync.now() + sync.table.sweep_every}
    return [
        PassRow(channel=sync.key, feed=feed.name, kind=kind, resource=resource_of(feed).value, due_at=due[kind])
        for kind in kinds
        if (feed.name, kind) not in known
    ]
