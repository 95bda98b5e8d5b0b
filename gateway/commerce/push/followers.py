"""Followers: channels that sell from locations which another channel counts, and which offers have to be computed anew
(K5).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gateway.commerce.context import SellingContext
from gateway.commerce.topology import Topology
from gateway.model.locations import Location
from gateway.sdk.writes import SetStock
from gateway.storage.database import Connection
from gateway.storage.writes import pushes


def list_followed_locations(channel: str, topology: Topology) -> list[tuple[Location, str]]:
    """List the locations that a channel sells from and another channel counts, each with the channel's external
    location. Where the authority is not known, nothing is offered anew, and the offers are watched (rule G2).
    """
    return [
        (location, location.external_ids[channel])
        for location in topology.locations.values()
        if location.is_sold_from(channel) and channel in location.external_ids and not location.is_counted_by(channel)
    ]


def list_followers(topology: Topology) -> list[str]:
    """List the channels that follow another channel's counts and support `SetStock`."""
    return [
        key for key in topology.writes if topology.can_execute(key, SetStock) and list_followed_locations(key, topology)
    ]


def mark_all_followers(conn: Connection, topology: Topology) -> None:
    """Mark the offers of all followers as dirty, because it is unknown what has changed."""
    for channel in list_followers(topology):
        mark_follower(conn, channel, topology)


def mark_listings(conn: Connection, listing_ids: Iterable[str], topology: Topology) -> None:
    """Mark the offers of the listings' variants as dirty, in all followers."""
    variants = pushes.find_variants_of_listings(conn, set(listing_ids))
    for channel in list_followers(topology):
        mark_variants(conn, channel, list_followed_locations(channel, topology), variants)


def mark_follower(conn: Connection, channel: str, topology: Topology) -> None:
    """Mark all offers of a follower as dirty."""
    for location, external_location in list_followed_locations(channel, topology):
        pushes.mark_dirty(
            conn,
            channel,
            external_location,
            location.key,
            pushes.find_follower_offers(conn, channel, external_location),
        )


def mark_variants(
    conn: Connection, channel: str, locations: Iterable[tuple[Location, str]], variants: Sequence[str]
) -> None:
    listing_ids = pushes.find_listings_of_variants(conn, channel, variants)
    for location, external_location in locations if listing_ids else ():
        pushes.mark_dirty(conn, channel, external_location, location.key, listing_ids)


def arm_follower(conn: Connection, channel: str, context: SellingContext) -> None:
    """Arm a follower: from now on its quantities are pushed, beginning with all of its offers."""
    pushes.set_armed(conn, channel, context.now)
    mark_follower(conn, channel, context.topology)
