"""Changes of the configuration that concern stored data: removed channels and locations, and changed authorities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from gateway.commerce import location_authorities
from gateway.commerce.location_authorities import AcceptedAuthorities, AuthorityChange
from gateway.model.locations import Location
from gateway.runtime.topology_loading import build_location
from gateway.settings.schema import Settings
from gateway.storage.database import Connection
from gateway.storage.sync import channel_health
from gateway.storage.writes import location_authorities as accepted_authorities


@dataclass(frozen=True, slots=True)
class TopologyChanges:
    """What the database knows differently than the configuration.

    Attributes:
        removed_channels, removed_locations: keys that are not configured any more (rule G1).
        authorities: changed authorities that are not accepted yet, by location (rule G2).
    """

    removed_channels: frozenset[str] = frozenset()
    removed_locations: frozenset[str] = frozenset()
    authorities: Mapping[str, AuthorityChange] = field(default_factory=dict)

    def describe(self) -> Sequence[str]:
        """Describe the changes, one line each."""
        return [
            *(
                f"channel {key} is not configured any more: what it lists is hidden. Forget or rename it with "
                "`gateway channels`"
                for key in sorted(self.removed_channels)
            ),
            *(
                f"location {key} is not configured any more: nothing is sold from it"
                for key in sorted(self.removed_locations)
            ),
            *map(str, self.authorities.values()),
        ]


def prepare_topology(conn: Connection, settings: Settings, now: datetime) -> TopologyChanges:
    """Store which channels and locations are configured, and find what has changed since the last start."""
    channel_health.insert_channels(conn, list(settings.channels))
    accepted = location_authorities.accept_first(conn, build_locations(settings), settings.channels, now)
    return compare_topology(settings, channel_health.find_keys(conn), accepted)


def read_changes(conn: Connection, settings: Settings) -> TopologyChanges:
    """Find what the next start of the gateway will change, without storing anything.

    A database of an earlier version, or an empty one, knows nothing that differs.
    """
    if not accepted_authorities.has_table(conn):
        return TopologyChanges()
    accepted = location_authorities.find_accepted(conn, build_locations(settings), settings.channels)
    return compare_topology(settings, channel_health.find_keys(conn), accepted)


def compare_topology(settings: Settings, channels: frozenset[str], accepted: AcceptedAuthorities) -> TopologyChanges:
    """Compare the configuration with the channels and the accepted authorities of the database."""
    changes = location_authorities.find_changes(build_locations(settings), accepted, settings.channels)
    return TopologyChanges(
        removed_channels=channels - set(settings.channels),
        removed_locations=frozenset(accepted.authorities) - set(settings.locations),
        authorities={change.location: change for change in changes},
    )


def build_locations(settings: Settings) -> dict[str, Location]:
    """Build the locations as configured, as if all authorities were accepted."""
    return {key: build_location(key, table, None) for key, table in settings.locations.items()}
