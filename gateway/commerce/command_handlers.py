"""Command handlers: what waits for an outbox command handles its result, in the transaction that closes the outbox
entry.

`Entry.about` names the kind of thing that waits. Each kind registers a handler for results, and possibly a function
that prepares the command when it is sent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gateway.commerce.channel_orders import forwarding, forwarding_results, submission_results
from gateway.commerce.consents import pushes
from gateway.commerce.context import SellingContext
from gateway.commerce.fulfillment import shipping
from gateway.commerce.inventory import movements
from gateway.commerce.loyalty import channel_points
from gateway.commerce.orders import cancellation, cancellation_results, submission
from gateway.commerce.outbox.commands import decode_command
from gateway.commerce.outbox.results import CommandResult
from gateway.commerce.privacy import channel_erases
from gateway.commerce.push import confirmation, planner
from gateway.sdk.writes import Command
from gateway.storage.database import Connection
from gateway.storage.outbox import Entry

ResultHandler = Callable[[Connection, CommandResult, SellingContext], None]
CommandPreparer = Callable[[Connection, Entry, Command, SellingContext], Command | None]


def prepare_command(conn: Connection, entry: Entry, context: SellingContext) -> Command | None:
    """Prepare the command to be sent now. Returns None if there is nothing to send any more."""
    command = decode_command(entry.operation, entry.payload)
    preparer = _PREPARERS.get(_get_kind(entry))
    return command if preparer is None else preparer(conn, entry, command, context)


def is_operator_required(entry: Entry, *, is_refused: bool) -> bool:
    """Whether an operator has to look at an entry that failed.

    Not for pushes: their quantity is computed anew. Not for a cancellation that the channel refuses, such as that of a
    till's receipt: to send it again is of no use, and the task of its order says what to do.
    """
    kind = _get_kind(entry)
    return kind != planner.PUSH and not (is_refused and kind in (cancellation.CANCEL, forwarding.RECALLED))


def handle_result(conn: Connection, result: CommandResult, context: SellingContext) -> None:
    """Pass the result of a command to the handler of what waits for it."""
    _RESULT_HANDLERS[_get_kind(result.entry)](conn, result, context)


def _get_kind(entry: Entry) -> str:
    return entry.about.partition(":")[0]


def _handle_movement_result(conn: Connection, result: CommandResult, context: SellingContext) -> None:
    if result.done is not None:
        movements.acknowledge_movements(conn, [result.entry.key], context)
    elif result.is_refused:
        movements.reject_movements(conn, [result.entry.key], context.now)


_RESULT_HANDLERS: Mapping[str, ResultHandler] = {
    movements.MOVEMENT: _handle_movement_result,
    submission.ORDER: submission_results.handle_result,
    cancellation.CANCEL: cancellation_results.handle_result,
    shipping.SHIP: shipping.handle_result,
    planner.PUSH: confirmation.handle_result,
    forwarding.FORWARDED: forwarding_results.handle_result,
    forwarding.RECALLED: forwarding_results.handle_recall_result,
    channel_points.POINTS: channel_points.handle_result,
    pushes.CONSENT: pushes.handle_result,
    channel_erases.ERASE: channel_erases.handle_result,
}
_PREPARERS: Mapping[str, CommandPreparer] = {
    cancellation.CANCEL: cancellation_results.prepare_cancellation,
    shipping.SHIP: cancellation_results.prepare_cancellation,
    channel_points.POINTS: channel_points.prepare_points,
    planner.PUSH: planner.prepare_push,
    forwarding.RECALLED: cancellation_results.prepare_cancellation,
    pushes.CONSENT: pushes.prepare_push,
}
