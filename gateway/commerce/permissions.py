"""Permissions of a use case: where its caller may buy, hand goods over, and act (rule X1)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Permissions:
    """What the caller of a use case may do. The defaults are those of the gateway itself: everything.

    Attributes:
        visible_channels: keys of the channels whose orders, listings and commands it sees; None: all.
        channels: keys of the channels in which it may buy; None: all.
        take_away: keys of the locations at which it may sell goods that are taken away at once; None: all.
        locations: keys of the locations at which it acts; None: all.
        configured_channels: keys of the channels that are configured; None: all. What others list is hidden, and their
            orders are history (rule G1).
    """

    visible_channels: frozenset[str] | None = None
    channels: frozenset[str] | None = None
    take_away: frozenset[str] | None = None
    locations: frozenset[str] | None = None
    configured_channels: frozenset[str] | None = None

    def can_see(self, channel: str) -> bool:
        """Return whether the caller sees what belongs to this channel."""
        return self.visible_channels is None or channel in self.visible_channels

    def can_see_listings(self, channel: str) -> bool:
        """Return whether the caller sees what this channel lists."""
        return self.can_see(channel) and not self.is_removed(channel)

    def is_removed(self, channel: str) -> bool:
        """Return whether the channel is not configured any more."""
        return self.configured_channels is not None and channel not in self.configured_channels

    def can_buy_in(self, channel: str) -> bool:
        """Return whether the caller may have a cart in this channel."""
        return self.channels is None or channel in self.channels

    def can_take_away_at(self, location: str) -> bool:
        """Return whether the caller may sell goods that are taken away at this location."""
        return self.take_away is None or location in self.take_away

    def can_act_at(self, *locations: str | None) -> bool:
        """Return whether the caller acts at all of these locations. None stands for no location in particular."""
        return self.locations is None or all(key is None or key in self.locations for key in locations)


UNRESTRICTED = Permissions()
"""The permissions of the gateway itself: sync, deadlines and channels."""
