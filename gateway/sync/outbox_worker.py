"""Delivers commands to channels (rules L3, O1, O2): at least once, in effect once, in order per subject.

A delivery has three steps, and no transaction is open during the second: the entry is marked as in flight, the
channel is called, and the answer is stored together with everything that follows from it. A mutation marks its
commands in the transaction that enqueues them. A process that dies in between leaves an overdue entry in flight.
Whichever worker finds it looks up what the channel has done, and sends the command again only if that is certainly
nothing, or if sending again has no further effect.
"""

from __future__ import annotations

import asyncio
import random
import secrets
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.channels.errors import build_fault
from gateway.channels.open_channel import CircuitOpenError
from gateway.commerce import command_handlers
from gateway.commerce.outbox.commands import COMMAND_TYPES
from gateway.commerce.outbox.results import CommandResult
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
from gateway.sync.channel_sync import ChannelSync

MAX_IN_FLIGHT = 20
"""Entries of a channel in flight at the same time."""

MIN_RETRY_DELAY, MAX_RETRY_DELAY = timedelta(seconds=1), timedelta(minutes=5)
"""Bounds of the exponential backoff, which has jitter."""

MAX_LOOKUPS = 12
"""Lookups without an answer after which an operator has to decide."""

CALL_MARGIN = timedelta(seconds=2)
"""Added to the deadline of a call, so that the process that made the call stores its answer first."""


@dataclass(frozen=True, slots=True)
class InFlight:
    """An entry in flight. `command`: None if the channel does not need it any more."""

    entry: Entry
    command: Command | None


@dataclass(frozen=True, slots=True)
class Delivery:
    """Entries of a channel in flight. `sender`: identifies the attempt."""

    sync: ChannelSync
    sender: str
    entries: Sequence[InFlight]


Answer = Outcome | ChannelError | None
"""The answer to a call. None: the command certainly had no effect."""


async def deliver_due(sync: ChannelSync) -> int:
    """Send the due commands, or look up those that were sent before. Returns how many entries there were."""
    if not await sync.database.read(outbox.has_due_entries, sync.key, sync.now()):
        return 0
    delivery = await sync.database.write(start_delivery, sync)
    await call_channel(delivery)
    return len(delivery.entries)


async def call_channel(delivery: Delivery) -> None:
    """Call the channel, and store its answers."""
    sync = delivery.sync
    await asyncio.gather(*(_run_call(sync, delivery.sender, some) for some in _group_calls(sync, delivery.entries)))


def start_delivery(conn: Connection, sync: ChannelSync, keys: Collection[str] | None = None) -> Delivery:
    """Mark due entries as in flight. The time of the first lookup is stored before anything is sent."""
    now, sender = sync.now(), secrets.token_hex(8)
    due = outbox.lock_due_entries(conn, sync.key, now, MAX_IN_FLIGHT, keys)
    ready = [entry for entry in due if not _is_batching(sync, entry, due)]
    in_flight = [InFlight(entry, command_handlers.prepare_command(conn, entry, sync.context)) for entry in ready]
    call_ends = now + sync.table.call_deadline
    lookup_at = call_ends + sync.channel.traits.lookup_settle
    fresh = {entry.id for entry in ready if _is_fresh(_find_write(sync, entry), entry)}
    outbox.mark_sending(conn, fresh, sender, lookup_at + CALL_MARGIN, now, lookup_at)
    outbox.mark_sending(conn, {entry.id for entry in ready} - fresh, sender, call_ends + CALL_MARGIN, now, None)
    return Delivery(sync, sender, in_flight)


def _is_batching(sync: ChannelSync, entry: Entry, found: Sequence[Entry]) -> bool:
    """Return whether the write waits for more commands to send in one call. All are sent when the first is due."""
    write = _find_write(sync, entry)
    if write is None or entry.sent:
        return False
    waiting = [other.created_at for other in found if other.operation == entry.operation and not other.sent]
    return len(waiting) < write.batch and min(waiting) + write.gather > sync.now()


def _find_write(sync: ChannelSync, entry: Entry) -> AnyWrite | None:
    return sync.channel.writes.get(COMMAND_TYPES[entry.operation])


def _group_calls(sync: ChannelSync, in_flight: Sequence[InFlight]) -> list[list[InFlight]]:
    """Each list is one call: commands sent together, or a single lookup."""
    calls: list[list[InFlight]] = []
    together: dict[str, list[InFlight]] = defaultdict(list)
    for sending in in_flight:
        write = _find_write(sync, sending.entry)
        if write is None or sending.command is None or not _is_fresh(write, sending.entry):
            calls.append([sending])
            continue
        together[sending.entry.operation].append(sending)
        if len(together[sending.entry.operation]) == write.batch:
            calls.append(together.pop(sending.entry.operation))
    return [*calls, *together.values()]


def _is_repeatable(sync: ChannelSync, entry: Entry) -> bool:
    """Return whether sending again has no further effect, so that a lookup need not prove that nothing happened."""
    write = _find_write(sync, entry)
    return write is not None and write.repeatable


def _is_fresh(write: AnyWrite | None, entry: Entry) -> bool:
    """Return whether the entry is sent rather than looked up."""
    return not entry.sent or (write is not None and write.repeatable and entry.ticket is None)


async def _run_call(sync: ChannelSync, sender: str, batch: Sequence[InFlight]) -> None:
    """Make one call, and store what follows from it."""
    answers = await _send_or_find(sync, batch)
    answered = list(zip(batch, answers, strict=True))
    await sync.database.write(_store_answers, sync, sender, answered)


async def _send_or_find(sync: ChannelSync, batch: Sequence[InFlight]) -> Sequence[Answer]:
    commands = [one.command for one in batch if one.command is not None]
    write = _find_write(sync, batch[0].entry)
    if not commands:
        return [Done() for _ in batch]
    if write is None:
        return [
            Refused(code="UNSUPPORTED", message=f"{sync.key} does not support this command any more") for _ in batch
        ]
    try:
        if _is_fresh(write, batch[0].entry):
            return await sync.channel.send(commands, sync.table.call_deadline)
        return [await sync.channel.find(commands[0], batch[0].entry.ticket, sync.table.call_deadline)]
    except ChannelError as error:
        return [error for _ in batch]


def _store_answers(
    conn: Connection, sync: ChannelSync, sender: str, answered: Sequence[tuple[InFlight, Answer]]
) -> None:
    for sending, answer in answered:
        news = _store_answer(conn, sync, sender, sending.entry, answer)
        if news is not None:
            command_handlers.handle_result(conn, news, sync.context)


def _store_answer(
    conn: Connection, sync: ChannelSync, sender: str, entry: Entry, answer: Answer
) -> CommandResult | None:
    """Store the answer. Returns None if another attempt took over the entry, and stores its own."""
    now = sync.now()
    match answer:
        case Done():
            ours = outbox.close_entry(conn, entry, sender, OutboxState.DONE, now, None)
            return CommandResult(entry, OutboxState.DONE, done=answer) if ours else None
        case Refused():
            return _store_refusal(
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
            return _store_refusal(conn, entry, sender, now, build_fault(answer, now))
        case Accepted():
            ours = outbox.mark_unknown(conn, entry, sender, answer.look_after, now, None, answer.ticket)
            return CommandResult(entry, OutboxState.SENDING) if ours else None
        case None if entry.not_after is not None and now < entry.not_after and not _is_repeatable(sync, entry):
            outbox.mark_unknown(conn, entry, sender, entry.not_after, now, None, entry.ticket)
            return None
        case None:
            outbox.retry_entry(conn, entry, sender, now, now, None)
            return None
    if _may_have_taken_effect(sync, entry, answer):
        return _store_unknown(conn, sync, entry, sender, answer)
    outbox.retry_entry(conn, entry, sender, _get_retry_time(entry, answer, now), now, _get_fault(answer, now))
    return CommandResult(entry, OutboxState.QUEUED, fault=_get_fault(answer, now))


def _may_have_taken_effect(sync: ChannelSync, entry: Entry, error: ChannelError) -> bool:
    """Return whether the command may have had an effect, now or in an earlier attempt that cannot be looked up."""
    return not _is_fresh(_find_write(sync, entry), entry) or isinstance(error, OutcomeUnknownError | ContractError)


def _store_unknown(
    conn: Connection, sync: ChannelSync, entry: Entry, sender: str, error: ChannelError
) -> CommandResult | None:
    now, fault = sync.now(), build_fault(error, sync.now())
    asked = isinstance(error, OutcomeUnknownError | ContractError)
    if asked and entry.attempts + 1 >= MAX_LOOKUPS:
        ours = outbox.close_entry(conn, entry, sender, _get_final_state(entry, is_refused=False), now, fault)
        return CommandResult(entry, OutboxState.DEAD, unknown=True, fault=fault) if ours else None
    ours = outbox.mark_unknown(conn, entry, sender, _get_retry_time(entry, error, now), now, fault, entry.ticket)
    return CommandResult(entry, OutboxState.SENDING, unknown=True, fault=fault) if ours else None


def _store_refusal(conn: Connection, entry: Entry, sender: str, now: datetime, fault: Fault) -> CommandResult | None:
    ours = outbox.close_entry(conn, entry, sender, _get_final_state(entry, is_refused=True), now, fault)
    return CommandResult(entry, OutboxState.DEAD, fault=fault) if ours else None


def _get_final_state(entry: Entry, *, is_refused: bool) -> OutboxState:
    """Return the final state of a command that the channel refused, or whose result stays unknown."""
    is_dead = command_handlers.is_operator_required(entry, is_refused=is_refused)
    return OutboxState.DEAD if is_dead else OutboxState.DONE


def _get_retry_time(entry: Entry, error: ChannelError, now: datetime) -> datetime:
    if isinstance(error, CircuitOpenError):
        return max(error.retry_at, now + MIN_RETRY_DELAY)
    pause: timedelta = min(MAX_RETRY_DELAY, MIN_RETRY_DELAY * 2 ** min(entry.attempts, 10)) * random.uniform(0.5, 1)  # noqa: S311 jitter, no secret
    if isinstance(error, RateLimitedError) and error.retry_after is not None:
        pause = max(pause, error.retry_after)
    return now + pause


def _get_fault(error: ChannelError, now: datetime) -> Fault | None:
    return None if isinstance(error, BudgetSpentError) else build_fault(error, now)
