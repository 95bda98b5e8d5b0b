"""Distances on the Earth."""

from __future__ import annotations

from math import asin, cos, radians, sin, sqrt

from gateway.model.channels import GeoPoint

EARTH_KM = 6371.0088
"""Mean radius (IUGG)."""


def kilometers(one: GeoPoint, other: GeoPoint) -> float:
    """The great-circle distance, to 100 m. The Earth is taken for a sphere: at most 0.6 % off."""
    north, east = radians(other.latitude - one.latitude), radians(other.longitude - one.longitude)
    across = cos(radians(one.latitude)) * cos(radians(other.latitude))
    half_chord = sqrt(min(1.0, sin(north / 2) ** 2 + across * sin(east / 2) ** 2))
    return round(2 * EARTH_KM * asin(half_chord), 1)
