"""Sorting locations by their distance."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated

import strawberry

from gateway.execution.errors import BadUserInputError
from gateway.graphql.inputs import GeoPointInput
from gateway.model.locations import GeoPoint, Location, measure_kilometers

POSITION_DIGITS = 2
"""Decimals of a client's position, about a kilometer, so that clients in one area share a cached response."""

Near = Annotated[
    GeoPointInput | None,
    strawberry.argument(
        description="Sorts by distance from this position and returns the distances. The position is rounded to 2 "
        "decimals, about a kilometer. Locations without coordinates come last."
    ),
]
Distances = Mapping[str, float]


def round_position(near: GeoPointInput | None) -> GeoPoint | None:
    """Check and round the position of the client."""
    if near is None or near is strawberry.UNSET:
        return None
    if not (abs(near.latitude) <= 90 and abs(near.longitude) <= 180):
        raise BadUserInputError("near: latitude must be between -90 and 90, longitude between -180 and 180.")
    return GeoPoint(round(near.latitude, POSITION_DIGITS), round(near.longitude, POSITION_DIGITS))


def sort_by_distance(locations: Iterable[Location], near: GeoPoint | None) -> tuple[list[Location], Distances]:
    """Return the locations, nearest first, and their distances in kilometers; without a position, in their order."""
    unsorted = list(locations)
    if near is None:
        return unsorted, {}
    distances = {
        location.key: measure_kilometers(near, location.point) for location in unsorted if location.point is not None
    }
    return sorted(unsorted, key=lambda location: distances.get(location.key, float("inf"))), distances
