"""Access to channels (rule X1): which channels a caller sees, and in which it may buy.

A channel that a caller does not see is absent everywhere. Buying needs both: the caller sees the channel, and the
channel sells to the caller.
"""

from __future__ import annotations

from collections.abc import Mapping

from gateway.execution.caller import Caller
from gateway.model.actors import CallerKind
from gateway.model.channels import Channel
from gateway.settings.schema import Settings


def select_visible_channels(
    caller: Caller, settings: Settings, channels: Mapping[str, Channel]
) -> Mapping[str, Channel]:
    """Select the channels that the caller sees."""
    keys = caller.channels
    if keys is None and not caller.is_trusted:
        keys = _list_anonymous_keys(settings, channels)
    return channels if keys is None else {key: channel for key, channel in channels.items() if key in keys}


def select_selling_channels(caller: Caller, visible: Mapping[str, Channel]) -> frozenset[str]:
    """Select the keys of the visible channels that sell to the caller."""
    is_known = caller.kind is not CallerKind.ANONYMOUS
    return frozenset(key for key, channel in visible.items() if is_known or channel.sells_to_anyone)


def _list_anonymous_keys(settings: Settings, channels: Mapping[str, Channel]) -> frozenset[str]:
    configured = settings.access.anonymous.channels
    if configured is not None:
        return frozenset(configured)
    return frozenset(key for key, channel in channels.items() if channel.sells_to_anyone)
