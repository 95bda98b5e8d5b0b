"""Outbox commands: enqueued in the transaction that needs them, and sent by the outbox worker."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any

from pydantic import TypeAdapter

from gateway.commerce.permissions import Permissions
from gateway.model.mutation_result import MutationResult, UserError, UserErrorCode
from gateway.sdk.writes import (
    AdjustStock,
    CancelOrder,
    Command,
    EraseCustomer,
    PlaceOrder,
    RefundOrder,
    SetConsent,
    SetLoyalty,
    SetPrice,
    SetStock,
    ShipOrder,
)
from gateway.storage import outbox
from gateway.storage.database import Connection
from gateway.storage.outbox import OutboxRow

COMMAND_TYPES: dict[str, type[Command]] = {
    kind.__name__: kind
    for kind in (
        SetStock,
        AdjustStock,
        SetPrice,
        PlaceOrder,
        CancelOrder,
        ShipOrder,
        RefundOrder,
        EraseCustomer,
        SetLoyalty,
        SetConsent,
    )
}
"""The command types, by the name that the outbox stores."""

EnqueuedKeys = Mapping[str, Sequence[str]]
"""The keys of enqueued commands, by channel."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxCommand:
    """A command for a channel.

    Attributes:
        subject: commands with the same subject are sent in order.
        about: what waits for the result: a kind, and after a colon an ID. See `command_handlers`.
        priority: commands with a lower one are sent first.
        held_by: the order whose payment it waits for; None: it is sent at once.
    """

    channel: str
    command: Command
    subject: str
    about: str
    priority: int = 0
    held_by: str | None = None


def enqueue(conn: Connection, commands: Sequence[OutboxCommand], now: datetime) -> EnqueuedKeys:
    """Enqueue commands for channels. Returns the keys of those that can be sent."""
    outbox.insert_entries(conn, [_build_row(command, now) for command in commands])
    keys: dict[str, list[str]] = {}
    for command in commands:
        if command.held_by is None:
            keys.setdefault(command.channel, []).append(command.command.key)
    return keys


def release_commands(
    conn: Connection, order_id: str, adapt: Callable[[Command], Command], now: datetime
) -> EnqueuedKeys:
    """Queue the commands that waited for the payment of this order, behind those that were enqueued since.

    Args:
        adapt: brings a command up to date. It has not been sent yet.
    """
    rows = outbox.take_held_entries(conn, order_id)
    for row in rows:
        command = adapt(decode_command(row.operation, row.payload))
        row.payload = _encode_command(row.operation, command)
        row.held_by, row.due_at, row.created_at, row.updated_at = None, now, now, now
    outbox.insert_entries(conn, rows)
    keys: dict[str, list[str]] = {}
    for row in rows:
        keys.setdefault(row.channel, []).append(row.key)
    return keys


def merge_keys(first: EnqueuedKeys, second: EnqueuedKeys) -> EnqueuedKeys:
    """Merge the keys of enqueued commands."""
    return {key: [*first.get(key, ()), *second.get(key, ())] for key in (*first, *second)}


def _build_row(command: OutboxCommand, now: datetime) -> OutboxRow:
    operation = type(command.command).__name__
    return OutboxRow(
        key=command.command.key,
        channel=command.channel,
        operation=operation,
        subject=command.subject,
        payload=_encode_command(operation, command.command),
        about=command.about,
        lane=command.priority,
        held_by=command.held_by,
        due_at=now,
        created_at=now,
        updated_at=now,
    )


def replay_entry(
    conn: Connection, key: str, permissions: Permissions, now: datetime
) -> tuple[MutationResult, EnqueuedKeys]:
    """Retry a dead outbox entry. Its outcome is looked up in the channel before the command is sent again."""
    about = MutationResult(subject=key)
    entry = outbox.find_entries(conn, [key]).get(key)
    if entry is None or not permissions.can_see(entry.channel):
        return replace(about, user_errors=(_ENTRY_NOT_FOUND,)), {}
    if not outbox.replay_entry(conn, key, now):
        return replace(about, user_errors=(_ENTRY_NOT_DEAD,)), {}
    return replace(about, done=True), {entry.channel: [key]}


_ENTRY_NOT_FOUND = UserError(
    code=UserErrorCode.NOT_FOUND,
    field=("input", "entryId"),
    message="There is no outbox entry with this ID. It may have been purged.",
)
_ENTRY_NOT_DEAD = UserError(
    code=UserErrorCode.NOT_ALLOWED_IN_STATE,
    field=("input", "entryId"),
    message="The outbox entry is not dead: it is done, or still being retried.",
)


def decode_command(operation: str, payload: str) -> Command:
    """Decode the command of an outbox entry."""
    command: Command = _get_adapter(operation).validate_json(payload)
    return command


def _encode_command(operation: str, command: Command) -> str:
    return _get_adapter(operation).dump_json(command, ensure_ascii=True).decode()


@cache
def _get_adapter(operation: str) -> TypeAdapter[Any]:
    return TypeAdapter(COMMAND_TYPES[operation])
