"""Audit of mutations (rule X3): who attempted what, with values before and after, in the mutation's own transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.model.actors import Actor, CallerKind
from gateway.model.audit import AuditChange, AuditEntry
from gateway.model.ids import generate_id
from gateway.model.mutation_result import MutationResult, UserErrorCode
from gateway.storage import audit
from gateway.storage.database import Connection
from gateway.storage.reads.audit_snapshots import Snapshot, read_snapshot

INPUT_ERRORS = frozenset(
    {
        UserErrorCode.INVALID,
        UserErrorCode.NOT_FOUND,
        UserErrorCode.CURRENCY_MISMATCH,
        UserErrorCode.CART_EMPTY,
        UserErrorCode.IN_PROGRESS,
        UserErrorCode.IDEMPOTENCY_KEY_REUSED,
    }
)
"""Refusals because of the input alone, which are not recorded."""

_LOCATED = ("channelKey", "locationKey")


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """An attempt to change something.

    Attributes:
        action: name of the mutation.
        subject_type: type of the object that the mutation's result names; None: none in particular.
        changes: values that the input states and that no snapshot shows.
        reason: the reason that the input gives; personal data, because it is free text.
        channel, location: keys, where the input names them.
    """

    actor: Actor
    action: str
    subject_type: str | None
    request_id: str | None
    changes: Sequence[AuditChange] = ()
    reason: str | None = None
    channel: str | None = None
    location: str | None = None

    @property
    def notes(self) -> Sequence[AuditChange]:
        """The reason, as a value of the entry."""
        return [] if self.reason is None else [AuditChange("reason", None, self.reason, is_personal=True)]

    @property
    def is_recorded(self) -> bool:
        """Whether it becomes an entry: carts of shoppers and of clients without a token do not."""
        return self.actor.kind.is_trusted or self.subject_type in ("Order", "Fulfillment")


def take_snapshot(conn: Connection, attempt: Attempt, subject: MutationResult) -> Snapshot:
    """Read the values of the object before the mutation."""
    return read_snapshot(conn, attempt.subject_type, subject.subject) if attempt.is_recorded else {}


def record_attempt(conn: Connection, attempt: Attempt, before: Snapshot, result: MutationResult, now: datetime) -> None:
    """Append an entry about the result of an attempt, unless it was refused because of its input alone."""
    refusal = next((error.code for error in result.user_errors), None)
    if not attempt.is_recorded or refusal in INPUT_ERRORS or is_counted_refusal(attempt, result):
        return
    after = read_snapshot(conn, attempt.subject_type, result.subject)
    changes = [] if refusal is not None else [*_compare(before, after), *attempt.changes]
    entry = _build_entry(attempt, result, after or before, None if refusal is None else refusal.value, now)
    audit.insert_entry(conn, entry, [*changes, *attempt.notes])


def is_counted_refusal(attempt: Attempt, result: MutationResult) -> bool:
    """Return whether a shopper or a client without a token was refused: such refusals are counted instead."""
    return not attempt.actor.kind.is_trusted and bool(result.user_errors)


def record_denial(conn: Connection, attempt: Attempt, code: str, now: datetime) -> None:
    """Append an entry about an attempt that was denied before it began, for lack of a scope."""
    audit.insert_entry(conn, _build_entry(attempt, MutationResult(), {}, code, now), attempt.notes)


def record_command(
    conn: Connection, command: str, channel: str | None, now: datetime, location: str | None = None
) -> None:
    """Append an entry about a command of an operator, such as `gateway push arm`: of a location, or else a channel."""
    subject_type, subject = ("Channel", channel) if location is None else ("Location", location)
    attempt = Attempt(
        actor=Actor(CallerKind.ADMIN),
        action=command,
        subject_type=subject_type,
        request_id=None,
        channel=channel,
        location=location,
    )
    audit.insert_entry(conn, _build_entry(attempt, MutationResult(subject=subject), {}, None, now), ())


def _compare(before: Snapshot, after: Snapshot) -> list[AuditChange]:
    names = [name for name in {**before, **after} if name not in _LOCATED or before.get(name) is not None]
    return [
        AuditChange(name, before.get(name), after.get(name)) for name in names if before.get(name) != after.get(name)
    ]


def _build_entry(
    attempt: Attempt, result: MutationResult, values: Snapshot, refused: str | None, now: datetime
) -> AuditEntry:
    return AuditEntry(
        id=generate_id(now),
        occurred_at=now,
        actor=attempt.actor,
        action=attempt.action,
        subject_type=attempt.subject_type if result.subject is not None else None,
        subject_id=_join_subject(attempt, result),
        channel_key=attempt.channel or values.get("channelKey"),
        location_key=attempt.location or values.get("locationKey"),
        refused=refused,
        request_id=attempt.request_id,
    )


def _join_subject(attempt: Attempt, result: MutationResult) -> str | None:
    """Return the ID of the subject; that of a stock level consists of a variant and a location."""
    if attempt.subject_type == "StockLevel" and result.subject is not None and result.subjects:
        return f"{result.subject}:{result.subjects[0]}"
    return result.subject
