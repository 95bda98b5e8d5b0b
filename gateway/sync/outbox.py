"""Carrying out what was wished of channels (rules L3, O1, O2): at least once, in effect once, in order per subject.

Three steps, and no transaction is open during the second: the entry is marked as under way, the channel is called, and
the outcome is written together with all that follows from it. Who wishes for something and tells the channel at once,
marks it in the transaction that wishes for it. A process that dies in between leaves an entry that is under way and
overdue: whoever finds it looks up what became of it, and sends it again only when that is certain to have been nothing,
or when sending it again would do nothing more.
"""

from __future__ import annotations

import asyncio
import random
import secrets
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.channels.faults import fault_of
from gateway.channels.guard import LeftAloneError
from gateway.commerce import effects
from gateway.commerce.commands import KINDS
from gateway.commerce.news import News
from gateway.model.channels import Fault, FaultCode
from gateway.sdk.errors import (
    BudgetSpentError,
    ChannelError,
    ContractError,
    OutcomeUnknownError,
    RateLimitedError,
    RejectedError,
)
from gateway.sdk.writes import Accepted, AnyWrite, Command, Done, Outcome, Refused
from gateway.storage import outbox
from gateway.storage.database import Connection
from gateway.storage.outbox import Entry, OutboxState
from gateway.sync.channel import Syncing

MOST = 20
"""Entries that are under way at once."""

SOON, LATEST = timedelta(seconds=1), timedelta(minutes=5)
"""When an entry is tried again: twice as late every time, less some jitter."""

TRIES = 12
"""Look-ups that tell nothing, after which a person has to look."""

MARGIN = timedelta(seconds=2)
"""Beyond a call's deadline, so that whoever made it is the first to say what came of it."""


@dataclass(frozen=True, slots=True)
class Sending:
    """An entry that is under way. `command`: None: there is nothing to tell the channel any more."""

    entry: Entry
    command: Command | None


@dataclass(frozen=True, slots=True)
class Delivery:
    """Entries of a channel that are under way. `sender`: the attempt that they belong to."""

    sync: Syncing
    sender: str
    entries: Sequence[Sending]


Answer = Outcome | ChannelError | None
"""What a call gave. None: certainly nothing has happened."""


async def deliver(sync: Syncing) -> int:
    """Send what is due, or look it up where it was sent before; how many entries there were."""
    if not await sync.database.read(outbox.is_due, sync.key, sync.now()):
        return 0
    delivery = await sync.database.write(begin, sync)
    await carry_out(delivery)
    return len(delivery.entries)


async def carry_out(delivery: Delivery) -> None:
    """Call the channel, and write down what it answers."""
    sync = delivery.sync
    await asyncio.gather(*(_told(sync, delivery.sender, some) for some in _calls(sync, delivery.entries)))


def begin(conn: Connection, sync: Syncing, keys: Collection[str] | None = None) -> Delivery:
    """Mark what is due as under way; when somebody else may look what became of it is said before anything is sent.

    Args:
        keys: only these.
    """
    now, sender = sync.now(), secrets.token_hex(8)
    found = outbox.due(conn, sync.key, now, MOST, keys)
    ready = [entry for entry in found if not _gathers(sync, entry, found)]
    known = [Sending(entry, effects.prepared(conn, entry, sync.rules.selling, now)) for entry in ready]
    over = now + sync.table.call_deadline
    proves = over + sync.channel.traits.lookup_settle
    fresh = {entry.id for entry in ready if _is_fresh(_write(sync, entry), entry)}
    outbox.send(conn, fresh, sender, proves + MARGIN, now, proves)
    outbox.send(conn, {entry.id for entry in ready} - fresh, sender, over + MARGIN, now, None)
    return Delivery(sync, sender, known)


def _gathers(sync: Syncing, entry: Entry, found: Sequence[Entry]) -> bool:
    """Whether the write waits for more of its kind, to send them together: all go when the first of them has to."""
    write = _write(sync, entry)
    if write is None or entry.sent:
        return False
    waiting = [other.created_at for other in found if other.operation == entry.operation and not other.sent]
    return len(waiting) < write.batch and min(waiting) + write.gather > sync.now()


def _write(sync: Syncing, entry: Entry) -> AnyWrite | None:
    return sync.channel.writes.get(KINDS[entry.operation])


def _calls(sync: Syncing, begun: Sequence[Sending]) -> list[list[Sending]]:
    """Each list is one call: those that are sent together, and those that are looked up one by one."""
    calls: list[list[Sending]] = []
    together: dict[str, list[Sending]] = defaultdict(list)
    for one in begun:
        write = _write(sync, one.entry)
        if write is None or one.command is None or not _is_fresh(write, one.entry):
            calls.append([one])
            continue
        together[one.entry.operation].append(one)
        if len(together[one.entry.operation]) == write.batch:
            calls.append(together.pop(one.entry.operation))
    return [*calls, *together.values()]


def _is_repeatable(sync: Syncing, entry: Entry) -> bool:
    """Whether sending it again does nothing more: then it need not be proved that nothing has happened."""
    write = _write(sync, entry)
    return write is not None and write.repeatable


def _is_fresh(write: AnyWrite | None, entry: Entry) -> bool:
    """Whether it is sent, rather than looked up."""
    return not entry.sent or (write is not None and write.repeatable and entry.ticket is None)


async def _told(sync: Syncing, sender: str, some: Sequence[Sending]) -> None:
    """One call, and what follows from it."""
    answers = await _asked(sync, some)
    told = list(zip(some, answers, strict=True))
    await sync.database.write(_conclude, sync, sender, told)


async def _asked(sync: Syncing, some: Sequence[Sending]) -> Sequence[Answer]:
    commands = [one.command for one in some if one.command is not None]
    write = _write(sync, some[0].entry)
    if not commands:
        return [Done() for _ in some]
    if write is None:
        return [Refused(code="UNSUPPORTED", message=f"{sync.key} cannot do this any more") for _ in some]
    try:
        if _is_fresh(write, some[0].entry):
            return await sync.channel.send(commands, sync.table.call_deadline)
        return [await sync.channel.find(commands[0], some[0].entry.ticket, sync.table.call_deadline)]
    except ChannelError as error:
        return [error for _ in some]


def _conclude(conn: Connection, sync: Syncing, sender: str, told: Sequence[tuple[Sending, Answer]]) -> None:
    for one, answer in told:
        news = _news(conn, sync, sender, one.entry, answer)
        if news is not None:
            effects.heard(conn, news, sync.rules.selling, sync.now())


def _news(conn: Connection, sync: Syncing, sender: str, entry: Entry, answer: Answer) -> News | None:
    """Write down what came of it; None: another attempt has taken it over, and says so itself."""
    now = sync.now()
    match answer:
        case Done():
            ours = outbox.close(conn, entry, sender, OutboxState.DONE, now, None)
            return News(entry, OutboxState.DONE, done=answer) if ours else None
        case Refused():
            return _refused(
                conn,
                entry,
                sender,
                now,
                Fault(
                    code=FaultCode.REJECTED,
                    retryable=False,
                    occurred_at=now,
                    message=f"{answer.code}: {answer.message}",
                ),
            )
        case RejectedError():
            return _refused(conn, entry, sender, now, fault_of(answer, now))
        case Accepted():
            ours = outbox.unknown(conn, entry, sender, answer.look_after, now, None, answer.ticket)
            return News(entry, OutboxState.SENDING) if ours else None
        case None if entry.not_after is not None and now < entry.not_after and not _is_repeatable(sync, entry):
            outbox.unknown(conn, entry, sender, entry.not_after, now, None, entry.ticket)
            return None
        case None:
            outbox.again(conn, entry, sender, now, now, None)
            return None
    if _was_done_perhaps(sync, entry, answer):
        return _unknown(conn, sync, entry, sender, answer)
    outbox.again(conn, entry, sender, _when(entry, answer, now), now, _fault(answer, now))
    return News(entry, OutboxState.QUEUED, fault=_fault(answer, now))


def _was_done_perhaps(sync: Syncing, entry: Entry, error: ChannelError) -> bool:
    """Whether it may have had an effect: this time, or when it was sent before and could not be looked up now."""
    return not _is_fresh(_write(sync, entry), entry) or isinstance(error, OutcomeUnknownError | ContractError)


def _unknown(conn: Connection, sync: Syncing, entry: Entry, sender: str, error: ChannelError) -> News | None:
    now, fault = sync.now(), fault_of(error, sync.now())
    asked = isinstance(error, OutcomeUnknownError | ContractError)
    if asked and entry.attempts + 1 >= TRIES:
        ours = outbox.close(conn, entry, sender, _end(entry), now, fault)
        return News(entry, OutboxState.DEAD, unknown=True, fault=fault) if ours else None
    ours = outbox.unknown(conn, entry, sender, _when(entry, error, now), now, fault, entry.ticket)
    return News(entry, OutboxState.SENDING, unknown=True, fault=fault) if ours else None


def _refused(conn: Connection, entry: Entry, sender: str, now: datetime, fault: Fault) -> News | None:
    ours = outbox.close(conn, entry, sender, _end(entry), now, fault)
    return News(entry, OutboxState.DEAD, fault=fault) if ours else None


def _end(entry: Entry) -> OutboxState:
    """How a wish ends that was not carried out, or of which nobody can tell."""
    return OutboxState.DEAD if effects.needs_a_person(entry) else OutboxState.DONE


def _when(entry: Entry, error: ChannelError, now: datetime) -> datetime:
    if isinstance(error, LeftAloneError):
        return max(error.retry_at, now + SOON)
    pause: timedelta = min(LATEST, SOON * 2 ** min(entry.attempts, 10)) * random.uniform(0.5, 1)  # noqa: S311 jitter, no secret
    if isinstance(error, RateLimitedError) and error.retry_after is not None:
        pause = max(pause, error.retry_after)
    return now + pause


def _fault(error: ChannelError, now: datetime) -> Fault | None:
    return None if isinstance(error, BudgetSpentError) else fault_of(error, now)
