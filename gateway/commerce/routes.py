"""Routes: from which locations the goods of a whole cart can come, and how (rule K1: only what can be promised).

All that can be thought of is made, ranked by the routing policy, and only what can be kept is offered: a location takes
part where its authority can be told of what leaves it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from gateway.commerce.ground import Ground
from gateway.commerce.selling import Selling
from gateway.model.channels import FulfillmentMethod, GeoPoint, Location, LocationKind
from gateway.model.geography import kilometers
from gateway.sdk.policies import Plan
from gateway.sdk.writes import AdjustStock, PlaceOrder
from gateway.storage.levels import Available

MOST = 20
"""Options at most."""

PARTS = 10
"""Locations at most from which one order comes."""

ENOUGH = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Need:
    """What of a cart's line has to come from somewhere. `units`: of stock in one of its quantity."""

    line_id: str
    variant_id: str
    quantity: int
    units: int


@dataclass(frozen=True, slots=True)
class Leg:
    """What comes from one location. `source`: where it is brought from first."""

    method: FulfillmentMethod
    location: Location
    source: Location | None
    quantities: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Route:
    """One way for a whole cart. `missing`: what nobody can serve, by line."""

    label: str
    legs: tuple[Leg, ...]
    missing: Mapping[str, int]


Shelves = Mapping[str, Mapping[str, Available]]
"""What can be promised, by variant and location."""


def places_for(ground: Ground) -> list[Location]:
    """The locations that orders can be served from: their authority can be told, and goods can leave them."""
    return [
        place
        for place in ground.locations.values()
        if place.kind is not LocationKind.MARKETPLACE_FULFILLMENT
        and place.fulfillment_methods
        and (ground.can(place.authority, AdjustStock) or ground.can(place.authority, PlaceOrder))
    ]


def routes(
    needs: Sequence[Need], channel: str, shelves: Shelves, near: GeoPoint | None, selling: Selling
) -> list[Route]:
    """The ways for these needs, the best first. Where none serves all of them, those that serve the most."""
    made = list(_made(needs, channel, shelves, selling.ground))
    found = [route for route in made if route.legs]
    whole = [route for route in found if not route.missing]
    plans = [_plan(route, shelves, needs, near) for route in whole or found]
    ranked = [(whole or found)[position] for position in selling.routing(plans)]
    return _distinct(ranked)[:MOST]


def _made(needs: Sequence[Need], channel: str, shelves: Shelves, ground: Ground) -> Iterator[Route]:
    places = places_for(ground)
    senders = [place for place in places if FulfillmentMethod.SHIPPING in place.fulfillment_methods]
    for shop in places:
        if FulfillmentMethod.IN_STORE in shop.fulfillment_methods and channel in shop.external_ids:
            here, rest = _from(shop, needs, shelves)
            if here:
                legs = [Leg(FulfillmentMethod.IN_STORE, shop, None, here)]
                sent, missing = _sent(rest, senders, shelves, [shop])
                yield Route(f"Take away in {shop.name}", (*legs, *sent), missing)
        if FulfillmentMethod.PICKUP in shop.fulfillment_methods:
            yield _collected(shop, needs, places, shelves)
    for sender in senders:
        here, rest = _from(sender, needs, shelves)
        if here:
            sent, missing = _sent(rest, senders, shelves, [sender])
            yield Route("Delivery", (Leg(FulfillmentMethod.SHIPPING, sender, None, here), *sent), missing)


def _collected(shop: Location, needs: Sequence[Need], places: Sequence[Location], shelves: Shelves) -> Route:
    """What is there now, and what is brought there first. What is brought never becomes the shop's own stock."""
    here, rest = _from(shop, needs, shelves)
    legs = [Leg(FulfillmentMethod.PICKUP, shop, None, here)] if here else []
    others = [place for place in places if place is not shop]
    sources = [place for place in others if place.kind is LocationKind.WAREHOUSE] or others
    for source, quantities in _spread(rest, sources, shelves, PARTS - len(legs)):
        legs.append(Leg(FulfillmentMethod.PICKUP, shop, source, quantities))
    return Route(f"Pickup in {shop.name}", tuple(legs), _missing(needs, legs))


def _sent(
    needs: Sequence[Need], senders: Iterable[Location], shelves: Shelves, but: Sequence[Location]
) -> tuple[list[Leg], Mapping[str, int]]:
    others = [place for place in senders if place not in but]
    legs = [
        Leg(FulfillmentMethod.SHIPPING, place, None, quantities)
        for place, quantities in _spread(needs, others, shelves, PARTS - 1)
    ]
    return legs, _missing(needs, legs)


def _spread(
    needs: Sequence[Need], places: Sequence[Location], shelves: Shelves, most: int
) -> Iterator[tuple[Location, Mapping[str, int]]]:
    """From as few places as can be: always the one next that has the most of what is still missing."""
    left, unused = list(needs), list(places)
    while left and unused and most:
        found = [
            (sum(here.values()), place, here, rest) for place in unused for here, rest in [_from(place, left, shelves)]
        ]
        served, place, here, rest = max(found, key=lambda one: one[0])
        if not served:
            return
        yield place, here
        unused.remove(place)
        left, most = rest, most - 1


def _from(place: Location, needs: Sequence[Need], shelves: Shelves) -> tuple[dict[str, int], list[Need]]:
    """What a location can serve, by line; and what is left."""
    free: dict[str, int] = {}
    here: dict[str, int] = {}
    rest: list[Need] = []
    for need in needs:
        known = shelves[need.variant_id].get(place.key)
        units = ENOUGH if known is not None and known.units is None else (known.units or 0) if known else 0
        free.setdefault(need.variant_id, units)
        some = min(need.quantity, free[need.variant_id] // need.units)
        if some > 0:
            here[need.line_id] = some
            free[need.variant_id] -= some * need.units
        if need.quantity > some:
            rest.append(Need(need.line_id, need.variant_id, need.quantity - max(some, 0), need.units))
    return here, rest


def _missing(needs: Sequence[Need], legs: Iterable[Leg]) -> dict[str, int]:
    left = {need.line_id: need.quantity for need in needs}
    for leg in legs:
        for line, quantity in leg.quantities.items():
            left[line] -= quantity
    return {line: quantity for line, quantity in left.items() if quantity}


def _plan(route: Route, shelves: Shelves, needs: Sequence[Need], near: GeoPoint | None) -> Plan:
    variants = {need.line_id: need.variant_id for need in needs}
    lying = [
        shelves[variants[line]][(leg.source or leg.location).key].lying_since
        for leg in route.legs
        for line in leg.quantities
    ]
    known = [moment for moment in lying if moment is not None]
    return Plan(
        parts=len(route.legs),
        kilometers=distance(route, near),
        lying_since=min(known, default=None),
        units=sum(quantity for leg in route.legs for quantity in leg.quantities.values()),
    )


def distance(route: Route, near: GeoPoint | None) -> float | None:
    """To the farthest location of a route; None: not known."""
    points = [leg.location.point for leg in route.legs]
    known = [kilometers(near, point) for point in points if point is not None] if near is not None else []
    return max(known) if known and len(known) == len(points) else None


def _distinct(ranked: Sequence[Route]) -> list[Route]:
    """Each way once: two senders can lead to the same parts."""
    seen: dict[object, Route] = {}
    for route in ranked:
        legs = frozenset(
            (leg.method, leg.location.key, leg.source and leg.source.key, tuple(sorted(leg.quantities.items())))
            for leg in route.legs
        )
        seen.setdefault(legs, route)
    return list(seen.values())


# ------------------------------------------------------------------------------------------------ when


def collected_at(shop: Location, need: Need, shelves: Shelves, selling: Selling, now: datetime) -> datetime | None:
    """When this could be collected in a shop, brought from elsewhere if need be; None: not at all."""
    places = places_for(selling.ground)
    if shop not in places or FulfillmentMethod.PICKUP not in shop.fulfillment_methods:
        return None
    route = _collected(shop, [need], places, shelves)
    return None if route.missing else max(ready_at(leg, selling, now) for leg in route.legs)


def ready_at(leg: Leg, selling: Selling, now: datetime) -> datetime:
    """When what comes by this leg can be collected, or is sent."""
    if leg.method is FulfillmentMethod.IN_STORE:
        return now
    if leg.method is FulfillmentMethod.SHIPPING:
        return now + selling.shipping_after
    return opening(leg.location, now + (selling.transfer_after if leg.source else selling.pickup_after))


def opening(place: Location, moment: datetime) -> datetime:
    """The first moment from then on at which a place is open; where its hours are not known, that very moment."""
    if not place.opening_hours:
        return moment
    local = moment.astimezone(ZoneInfo(place.time_zone))
    for days in range(8):
        day = local + timedelta(days=days)
        for hours in sorted(place.opening_hours, key=lambda one: one.opens_at):
            if hours.weekday == day.isoweekday():
                opens, closes = (_at(day, text) for text in (hours.opens_at, hours.closes_at))
                if max(opens, local) < closes:
                    return max(opens, local).astimezone(moment.tzinfo)
    return moment


def _at(day: datetime, wall: str) -> datetime:
    hour, minute = wall.split(":")
    return day.replace(hour=int(hour), minute=int(minute), second=0, microsecond=0)
