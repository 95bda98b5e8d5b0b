"""Places in order of their distance."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated

import strawberry

from gateway.execution.errors import BadUserInputError
from gateway.graphql.inputs import GeoPointInput
from gateway.model.channels import GeoPoint, Location
from gateway.model.geography import kilometers

DIGITS = 2
"""Of a caller's position, after the point: about a kilometer, so that neighbors share an answer."""

Near = Annotated[
    GeoPointInput | None,
    strawberry.argument(
        description="Nearest to this point first, and how far; it is rounded to 2 decimals, about a kilometer. Places "
        "whose point is not known come last."
    ),
]
Distances = Mapping[str, float]


def point(near: GeoPointInput | None) -> GeoPoint | None:
    """Where the caller is, roughly."""
    if near is None or near is strawberry.UNSET:
        return None
    if not (abs(near.latitude) <= 90 and abs(near.longitude) <= 180):
        raise BadUserInputError("near: latitude is between -90 and 90, longitude between -180 and 180.")
    return GeoPoint(round(near.latitude, DIGITS), round(near.longitude, DIGITS))


def by_distance(places: Iterable[Location], near: GeoPoint | None) -> tuple[list[Location], Distances]:
    """The places, the nearest first, and how far they are in kilometers; as they come, where nobody asks."""
    found = list(places)
    if near is None:
        return found, {}
    distances = {place.key: kilometers(near, place.point) for place in found if place.point is not None}
    return sorted(found, key=lambda place: distances.get(place.key, float("inf"))), distances
