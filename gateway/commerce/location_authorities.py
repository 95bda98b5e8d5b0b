"""Authorities of locations: a changed one counts the stock only once an operator has accepted it (rule G2)."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from gateway.commerce.access import audit
from gateway.commerce.push import followers
from gateway.commerce.topology import Topology
from gateway.model.locations import Authority, Location, LocationKind, collect_external_locations
from gateway.storage.database import Connection
from gateway.storage.writes import location_authorities


@dataclass(frozen=True, slots=True)
class AuthorityChange:
    """An authority that is configured and not accepted yet.

    Attributes:
        is_known: whether the accepted authority still counts the location; else its stock is not known.
        predecessor: the removed location that this one may be, under another key; None: the key has not changed.
    """

    location: str
    accepted: Authority
    configured: Authority
    is_known: bool
    predecessor: str | None = None

    def __str__(self) -> str:
        """Describe the change in one line."""
        return (
            f"location {self.location}: the stock is {self._describe_state()}; `gateway locations accept "
            f"{self.location}` lets {_format_authority(self.configured)} count it"
        )

    def _describe_state(self) -> str:
        former = _format_authority(self.accepted)
        if self.predecessor is not None:
            return f"not known: it may be {self.predecessor} under another key, which {former} counted"
        if self.is_known:
            return f"still counted by {former}"
        return f"not known: {former} counted it, which is not configured any more"


@dataclass(frozen=True, slots=True)
class AcceptedAuthorities:
    """The accepted authorities.

    Attributes:
        authorities: by location, configured or not.
        predecessors: the removed location that a new one may be, under another key, by location.
        former_keys: the removed key of the same location, by its new key.
    """

    authorities: Mapping[str, Authority]
    predecessors: Mapping[str, str]
    former_keys: Mapping[str, str]


def accept_first(
    conn: Connection, locations: Mapping[str, Location], channels: Collection[str], now: datetime
) -> AcceptedAuthorities:
    """Accept the authorities of locations that were never counted. Returns all that are accepted."""
    found = find_accepted(conn, locations, channels)
    location_authorities.insert_authorities(conn, found.authorities, now)
    for location, former in found.former_keys.items():
        location_authorities.rename_location(conn, former, location)
    stored, accepted = location_authorities.find_authorities(conn), find_accepted(conn, locations, channels)
    for location, authority in accepted.authorities.items():
        if stored[location] != authority:
            location_authorities.store_authority(conn, location, authority, now)
    return accepted


def find_accepted(
    conn: Connection, locations: Mapping[str, Location], channels: Collection[str]
) -> AcceptedAuthorities:
    """Find the accepted authorities. One that could count and never did makes way: a typing error is corrected."""
    stored, uncounted = location_authorities.find_authorities(conn), location_authorities.find_uncounted(conn)
    unused = {key for key in uncounted if stored[key].channel in channels}
    counted = {key: authority for key, authority in stored.items() if key not in unused}
    new = {key: location for key, location in locations.items() if key not in stored}
    predecessors = _find_predecessors(conn, new, _find_lost(counted, locations))
    corrected = {key: locations[key].require_authority() for key in unused if key in locations}
    first = {key: _choose_first(location, counted.values()) for key, location in new.items() if key not in predecessors}
    removed = {authority: key for key, authority in counted.items() if key not in locations}
    former_keys = {key: removed[authority] for key, authority in first.items() if authority in removed}
    return AcceptedAuthorities(stored | corrected | first, predecessors, former_keys)


def _choose_first(location: Location, accepted: Collection[Authority]) -> Authority:
    """Choose the authority of a new key: that of the same location under its former key, or else the configured one."""
    known = [Authority(*external) for external in location.external_ids.items()]
    return next((authority for authority in known if authority in accepted), location.require_authority())


def _find_lost(counted: Mapping[str, Authority], locations: Mapping[str, Location]) -> dict[str, Authority]:
    """Find removed locations that were counted at an external location that no location has now."""
    mapped = collect_external_locations(locations.values())
    return {
        key: authority
        for key, authority in counted.items()
        if key not in locations and (authority.channel, authority.external_id) not in mapped
    }


def _find_predecessors(conn: Connection, new: Mapping[str, Location], lost: Mapping[str, Authority]) -> dict[str, str]:
    """Find the removed location that each new one may be, under another key and without its former authority.

    It is another one if the former authority knows it, under another ID, or if its authority never counted it.
    """
    predecessors: dict[str, str] = {}
    for key, location in new.items():
        possible = [former for former, authority in lost.items() if authority.channel not in location.external_ids]
        is_shared = location.kind is not LocationKind.MARKETPLACE_FULFILLMENT
        if possible and is_shared and location_authorities.has_counts(conn, location.require_authority()):
            predecessors[key] = min(possible)
    return predecessors


def find_changes(
    locations: Mapping[str, Location], accepted: AcceptedAuthorities, channels: Collection[str]
) -> Iterator[AuthorityChange]:
    """Find the authorities that have yet to be accepted. `channels`: keys of the configured channels."""
    owners = {external: key for key, location in locations.items() for external in location.external_ids.items()}
    for key, location in locations.items():
        predecessor, configured = accepted.predecessors.get(key), location.require_authority()
        former = accepted.authorities.get(predecessor or key, configured)
        if former != configured:
            owner = owners.get((former.channel, former.external_id), key)
            is_known = predecessor is None and former.channel in channels and owner == key
            yield AuthorityChange(key, former, configured, is_known, predecessor)


def accept_authority(conn: Connection, change: AuthorityChange, topology: Topology, now: datetime) -> int:
    """Accept the configured authority of a location. Returns the units that are reserved in the former counts.

    Args:
        topology: as it is once the authority is accepted.
    """
    location_authorities.store_authority(conn, change.location, change.configured, now)
    if change.predecessor is not None:
        location_authorities.rename_location(conn, change.predecessor, change.location)
    followers.mark_all_followers(conn, topology)
    audit.record_command(conn, "gateway locations accept", change.configured.channel, now, location=change.location)
    return location_authorities.sum_reserved(conn, change.accepted)


def forget_location(conn: Connection, location: str, now: datetime) -> None:
    """Forget who counted a location that is not configured any more."""
    location_authorities.delete_authority(conn, location)
    audit.record_command(conn, "gateway locations forget", None, now, location=location)


def _format_authority(authority: Authority) -> str:
    return f"{authority.channel} ({authority.external_id})"
