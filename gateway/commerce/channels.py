"""What operators do to channels: stop them, let them go on, have them read."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime

from gateway.model.channels import PULLED_BY, Channel, ChannelState, Resource
from gateway.model.outcomes import Outcome, UserError, UserErrorCode
from gateway.storage import channels, health, log, passes, sources
from gateway.storage.database import Connection
from gateway.storage.passes import DELTA, SWEEP
from gateway.storage.rejects import RejectRow


def pause(conn: Connection, key: str, paused: bool, now: datetime) -> Outcome:
    """Stop a channel, or let it go on: a stored fact, so that every process heeds it."""
    channels.set_paused(conn, key, paused)
    log.record(conn, "CHANNEL", [(key, sources.next_count(conn))], now)
    return Outcome(subject=key, done=True)


def request_sync(conn: Connection, channel: Channel, resource: Resource | None, sweep: bool, now: datetime) -> Outcome:
    """Have the channel's feeds read now, all or those of one resource; `sweep`: completely."""
    about = Outcome(subject=channel.key)
    if (refusal := _refusal(conn, channel, resource)) is not None:
        return replace(about, user_errors=(refusal,))
    wanted = None if resource is None else {_carrier(resource).value}
    _make_due(conn, channel.key, wanted, (DELTA, SWEEP) if sweep else (DELTA,), now)
    return replace(about, done=True)


@dataclass(frozen=True, slots=True)
class Replay:
    """A rejected record that is to be read again; `by_id`: by its id, without its feed's other records."""

    reject: RejectRow
    channel: Channel
    by_id: bool


def request_replay(conn: Connection, replay: Replay | None, about: Outcome, now: datetime) -> Outcome:
    """Have a rejected record read again: by its id, or by a complete pass of everything of its kind."""
    if replay is None:
        return replace(about, user_errors=(_GONE,))
    if (refusal := _refusal(conn, replay.channel, None)) is not None:
        return replace(about, user_errors=(refusal,))
    reject = replay.reject
    if replay.by_id:
        sources.hint(conn, reject.channel, reject.resource, reject.feed, [reject.external_id], now)
    else:
        _make_due(conn, reject.channel, {reject.resource}, (DELTA, SWEEP), now)
    return about


_GONE = UserError(
    code=UserErrorCode.NOT_FOUND,
    field=("input", "rejectId"),
    message="There is no such reject: the record has been put right, or is gone.",
)


def _make_due(
    conn: Connection, key: str, resources: Collection[str] | None, kinds: Collection[str], now: datetime
) -> None:
    for row in passes.of_channel(conn, key).values():
        if row.kind in kinds and (resources is None or row.resource in resources):
            passes.make_due(conn, key, row.feed, row.kind, now)


def _carrier(resource: Resource) -> Resource:
    """The resource whose feeds bring this one: prices come with products."""
    return Resource.PRODUCTS if resource is Resource.PRICES else resource


def _refusal(conn: Connection, channel: Channel, resource: Resource | None) -> UserError | None:
    """Why the channel cannot be read."""
    if channel.state is not ChannelState.ENABLED:
        code, message = UserErrorCode.CHANNEL_UNAVAILABLE, "The channel is turned off, or could not be loaded."
    elif health.paused(conn, channel.key):
        code, message = UserErrorCode.NOT_ALLOWED_IN_STATE, "The channel is paused: resume it first."
    elif resource is not None and PULLED_BY[resource] not in (channel.capabilities or ()):
        code, message = UserErrorCode.NOT_SUPPORTED_BY_CHANNEL, "The channel does not have this."
    else:
        return None
    return UserError(code=code, message=message, channel_key=channel.key)
