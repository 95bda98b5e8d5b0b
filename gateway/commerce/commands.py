"""Commands to channels: wished for in the transaction that needs them, sent by the outbox."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any

from pydantic import TypeAdapter

from gateway.model.outcomes import Outcome, UserError, UserErrorCode
from gateway.sdk.writes import (
    AdjustStock,
    CancelOrder,
    Command,
    EraseCustomer,
    PlaceOrder,
    RefundOrder,
    SetPrice,
    SetStock,
    ShipOrder,
)
from gateway.storage import outbox
from gateway.storage.database import Connection
from gateway.storage.outbox import OutboxRow

KINDS: dict[str, type[Command]] = {
    kind.__name__: kind
    for kind in (SetStock, AdjustStock, SetPrice, PlaceOrder, CancelOrder, ShipOrder, RefundOrder, EraseCustomer)
}
"""By the name under which the outbox keeps them."""


Told = Mapping[str, Sequence[str]]
"""What channels are to be told, by their keys: the keys of commands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A command, and whom it is for.

    Attributes:
        subject: wishes of one subject are carried out in order.
        about: what waits for the outcome: see `effects`.
        lane: wishes of lower ones are told first.
    """

    channel: str
    command: Command
    subject: str
    about: str
    lane: int = 0


def wish(conn: Connection, wishes: Sequence[Wish], now: datetime) -> Told:
    """Have the channels carry these out."""
    outbox.add(conn, [_row(one, now) for one in wishes])
    told: dict[str, list[str]] = {}
    for one in wishes:
        told.setdefault(one.channel, []).append(one.command.key)
    return told


def both(one: Told, other: Told) -> Told:
    """All that either of them has wished for."""
    return {key: [*one.get(key, ()), *other.get(key, ())] for key in (*one, *other)}


def _row(one: Wish, now: datetime) -> OutboxRow:
    operation = type(one.command).__name__
    return OutboxRow(
        key=one.command.key,
        channel=one.channel,
        operation=operation,
        subject=one.subject,
        payload=_adapter(operation).dump_json(one.command, ensure_ascii=True).decode(),
        about=one.about,
        lane=one.lane,
        due_at=now,
        created_at=now,
        updated_at=now,
    )


def replay(conn: Connection, key: str, now: datetime) -> tuple[Outcome, Told]:
    """Have a wish be tried again that nobody tries any more. What may have been done is looked up first."""
    about = Outcome(subject=key)
    entry = outbox.by_keys(conn, [key]).get(key)
    if entry is None or not outbox.replay(conn, key, now):
        return replace(about, user_errors=(_NOT_DEAD if entry else _NO_ENTRY,)), {}
    return replace(about, done=True), {entry.channel: [key]}


_NO_ENTRY = UserError(
    code=UserErrorCode.NOT_FOUND, field=("input", "entryId"), message="There is no such entry, or not any more."
)
_NOT_DEAD = UserError(
    code=UserErrorCode.NOT_ALLOWED_IN_STATE, field=("input", "entryId"), message="It is done, or still being tried."
)


def command_of(operation: str, payload: str) -> Command:
    """The command that was wished for."""
    found: Command = _adapter(operation).validate_json(payload)
    return found


@cache
def _adapter(operation: str) -> TypeAdapter[Any]:
    return TypeAdapter(KINDS[operation])
