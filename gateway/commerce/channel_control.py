"""Channel control: operators pause and resume channels, and request syncs and replays."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime

from gateway.model.channels import PULLED_BY, Channel, ChannelState, Resource
from gateway.model.mutation_result import MutationResult, UserError, UserErrorCode
from gateway.storage import change_log
from gateway.storage.database import Connection
from gateway.storage.reads import channel_status
from gateway.storage.sync import channel_health, feed_cursors, source_records
from gateway.storage.sync.feed_cursors import DELTA, SWEEP
from gateway.storage.sync.rejects import RejectRow


def set_paused(conn: Connection, key: str, paused: bool, now: datetime) -> MutationResult:
    """Pause or resume a channel. The state is stored, so every process observes it."""
    channel_status.set_paused(conn, key, paused)
    change_log.log_change(conn, "CHANNEL", [(key, source_records.take_next_count(conn))], now)
    return MutationResult(subject=key, done=True)


def request_sync(
    conn: Connection, channel: Channel, resource: Resource | None, sweep: bool, now: datetime
) -> MutationResult:
    """Make the channel's feeds due now, all or those of one resource. `sweep`: their sweeps as well, which read
    everything.
    """
    about = MutationResult(subject=channel.key)
    if (refusal := _check_readable(conn, channel, resource)) is not None:
        return replace(about, user_errors=(refusal,))
    resources = None if resource is None else {_get_carrier_resource(resource).value}
    _make_due(conn, channel.key, resources, (DELTA, SWEEP) if sweep else (DELTA,), now)
    return replace(about, done=True)


@dataclass(frozen=True, slots=True)
class ReplayRequest:
    """A rejected record to read again. `by_id`: by its ID, without the feed's other records."""

    reject: RejectRow
    channel: Channel
    by_id: bool


def request_replay(
    conn: Connection, replay: ReplayRequest | None, about: MutationResult, now: datetime
) -> MutationResult:
    """Request that a rejected record is read again: by its ID, or by a complete pass of its resource."""
    if replay is None:
        return replace(about, user_errors=(_REJECT_NOT_FOUND,))
    if (refusal := _check_readable(conn, replay.channel, None)) is not None:
        return replace(about, user_errors=(refusal,))
    reject = replay.reject
    if replay.by_id:
        source_records.hint_records(conn, reject.channel, reject.resource, reject.feed, [reject.external_id], now)
    else:
        _make_due(conn, reject.channel, {reject.resource}, (DELTA, SWEEP), now)
    return about


_REJECT_NOT_FOUND = UserError(
    code=UserErrorCode.NOT_FOUND,
    field=("input", "rejectId"),
    message="There is no reject with this ID. The record has been corrected or removed since.",
)


def _make_due(
    conn: Connection, key: str, resources: Collection[str] | None, kinds: Collection[str], now: datetime
) -> None:
    for row in feed_cursors.find_cursors(conn, key).values():
        if row.kind in kinds and (resources is None or row.resource in resources):
            feed_cursors.make_cursor_due(conn, key, row.feed, row.kind, now)


def _get_carrier_resource(resource: Resource) -> Resource:
    """Return the resource whose feeds carry this one: prices come with products."""
    return Resource.PRODUCTS if resource is Resource.PRICES else resource


def _check_readable(conn: Connection, channel: Channel, resource: Resource | None) -> UserError | None:
    """Return an error if the channel cannot be read."""
    if channel.state is not ChannelState.ENABLED:
        code, message = UserErrorCode.CHANNEL_UNAVAILABLE, "The channel is disabled, or failed to load."
    elif channel_health.is_paused(conn, channel.key):
        code, message = UserErrorCode.NOT_ALLOWED_IN_STATE, "The channel is paused. Resume it first."
    elif resource is not None and PULLED_BY[resource] not in (channel.capabilities or ()):
        code, message = UserErrorCode.NOT_SUPPORTED_BY_CHANNEL, "The channel does not support this resource."
    else:
        return None
    return UserError(code=code, message=message, channel_key=channel.key)
