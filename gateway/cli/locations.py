"""Commands for locations: who counts their stock."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gateway.cli.errors import CommandError
from gateway.commerce import location_authorities
from gateway.commerce.location_authorities import AuthorityChange
from gateway.runtime.gateway import open_gateway
from gateway.runtime.topology_loading import build_accepted_topology
from gateway.settings.schema import Settings


@dataclass(frozen=True, slots=True)
class AcceptedAuthority:
    """A change that was accepted, and the units that are reserved in the former authority's counts."""

    change: AuthorityChange
    reserved: int

    def describe(self) -> Iterator[str]:
        """Describe what an operator has to know."""
        location, channel = self.change.location, self.change.configured.channel
        if self.reserved:
            counts = f"the counts of {self.change.accepted.channel}, not in those of {channel}"
            yield f"{location}: {self.reserved:,} units are reserved in {counts}"
        yield f"{location} is counted by {channel}: start the gateway again"


async def fetch_authorities(settings: Settings) -> list[tuple[str, str, str]]:
    """Fetch each location with the key of the channel that counts it, and of the one that waits to be accepted."""
    async with open_gateway(settings) as gateway:
        changes = gateway.topology_changes.authorities
        return [
            (
                key,
                "" if location.authority is None else location.authority.channel,
                changes[key].configured.channel if key in changes else "",
            )
            for key, location in gateway.locations.items()
        ]


async def accept(settings: Settings, location: str) -> AcceptedAuthority:
    """Accept the configured authority of a location."""
    async with open_gateway(settings) as gateway:
        if location not in settings.locations:
            known = ", ".join(settings.locations) or "none"
            raise CommandError(f"there is no location {location}; expected one of {known}")
        change = gateway.topology_changes.authorities.get(location)
        if change is None:
            raise CommandError(f"{location} is counted by {settings.locations[location].authority} already")
        topology = build_accepted_topology(gateway.rules.topology, settings, location)
        write = gateway.database.write
        reserved = await write(location_authorities.accept_authority, change, topology, gateway.now())
        return AcceptedAuthority(change, reserved)


async def forget(settings: Settings, location: str) -> None:
    """Forget who counted a removed location."""
    async with open_gateway(settings) as gateway:
        removed = gateway.topology_changes.removed_locations
        if location not in removed:
            known = ", ".join(sorted(removed)) or "none"
            raise CommandError(f"there is no removed location {location}; expected one of {known}")
        await gateway.database.write(location_authorities.forget_location, location, gateway.now())
