"""The ground that commerce stands on: which places there are, who counts what is there, and what channels can do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.model.channels import Location, LocationKind
from gateway.sdk.channel import Traits
from gateway.sdk.writes import Command


@dataclass(frozen=True, slots=True)
class Ground:
    """What the configuration and the open channels say.

    Attributes:
        buffers: by location, units that are never promised.
        posts: by location and follower, how the authority learns what the follower sold there (rule K2).
        traits: of the channels that are open.
        writes: by channel, the commands that it can carry out.
        few: by follower, up to how many units of something are set aside for it rather than offered by everybody.
        marketplaces: channels whose orders are the last to be let down.
    """

    locations: Mapping[str, Location] = field(default_factory=dict)
    buffers: Mapping[str, int] = field(default_factory=dict)
    posts: Mapping[tuple[str, str], str] = field(default_factory=dict)
    traits: Mapping[str, Traits] = field(default_factory=dict)
    writes: Mapping[str, frozenset[type[Command]]] = field(default_factory=dict)
    few: Mapping[str, int] = field(default_factory=dict)
    marketplaces: frozenset[str] = frozenset()

    def can(self, channel: str, command: type[Command]) -> bool:
        """Whether the channel carries out commands of this kind."""
        return command in self.writes.get(channel, frozenset())

    def buffer(self, location: str) -> int:
        """Units that are never promised there."""
        return self.buffers.get(location, 0)

    def at(self, channel: str, place: str) -> Location | None:
        """The location that a channel calls so."""
        found = (one for one in self.locations.values() if one.external_ids.get(channel) == place)
        return next(found, None)

    def sold_from(self, channel: str) -> list[Location]:
        """The locations that a channel sells from; a marketplace's own only feed itself."""
        return [
            place
            for place in self.locations.values()
            if channel in place.external_ids
            and (place.kind is not LocationKind.MARKETPLACE_FULFILLMENT or place.authority == channel)
        ]
