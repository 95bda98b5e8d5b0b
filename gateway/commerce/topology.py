"""Topology: which locations there are, which channel counts each, and what channels can do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.model.locations import Location
from gateway.sdk.channel import Traits
from gateway.sdk.writes import Command


@dataclass(frozen=True, slots=True)
class Topology:
    """Locations and channels, as configured and opened.

    Attributes:
        locations: by key.
        buffers: units that are never promised, by location.
        posting_modes: how the authority learns of a follower's sales (rule K2), by location and follower.
        traits: of the open channels.
        writes: the commands that each channel supports.
        allocation_thresholds: by follower, up to how many units of a variant are allocated to it (rule K6).
        marketplaces: channels whose orders are the last to be canceled in a shortage (rule K8).
    """

    locations: Mapping[str, Location] = field(default_factory=dict)
    buffers: Mapping[str, int] = field(default_factory=dict)
    posting_modes: Mapping[tuple[str, str], str] = field(default_factory=dict)
    traits: Mapping[str, Traits] = field(default_factory=dict)
    writes: Mapping[str, frozenset[type[Command]]] = field(default_factory=dict)
    allocation_thresholds: Mapping[str, int] = field(default_factory=dict)
    marketplaces: frozenset[str] = frozenset()

    def can_execute(self, channel: str, command: type[Command]) -> bool:
        """Whether the channel supports commands of this type."""
        return command in self.writes.get(channel, frozenset())

    def get_buffer(self, location: str) -> int:
        """Return the units that are never promised at a location."""
        return self.buffers.get(location, 0)

    def list_selling_locations(self, channel: str) -> list[Location]:
        """List the locations from which a channel sells (rule K9)."""
        return [location for location in self.locations.values() if location.is_sold_from(channel)]

    def find_location(self, channel: str, external_id: str) -> Location | None:
        """Find the location by a channel's external location."""
        matches = (
            location for location in self.locations.values() if location.external_ids.get(channel) == external_id
        )
        return next(matches, None)
