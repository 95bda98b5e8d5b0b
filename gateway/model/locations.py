"""Locations as configured, addresses and distances."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import Enum
from math import asin, cos, radians, sin, sqrt
from zoneinfo import ZoneInfo


class LocationKind(Enum):
    """Kind of location."""

    STORE = "STORE"
    WAREHOUSE = "WAREHOUSE"
    MARKETPLACE_FULFILLMENT = "MARKETPLACE_FULFILLMENT"


class FulfillmentMethod(Enum):
    """How goods reach the customer."""

    SHIPPING = "SHIPPING"
    PICKUP = "PICKUP"
    IN_STORE = "IN_STORE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A postal address. `country_code`: ISO 3166-1 alpha-2. A field of None is not known."""

    name: str | None = None
    company: str | None = None
    line1: str | None = None
    line2: str | None = None
    city: str | None = None
    region: str | None = None
    postal_code: str | None = None
    country_code: str | None = None
    phone: str | None = None


@dataclass(frozen=True, slots=True)
class GeoPoint:
    """Geographic coordinates (WGS 84), in degrees."""

    latitude: float
    longitude: float


@dataclass(frozen=True, slots=True, kw_only=True)
class OpeningHours:
    """Opening hours of a location on one day of the week.

    Attributes:
        weekday: Day of the week, ISO 8601: Monday is 1, Sunday is 7.
        opens_at, closes_at: Local time: ``09:30``.
    """

    weekday: int
    opens_at: str
    closes_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OpeningException:
    """Opening hours of a location on one date, instead of those of the day of the week.

    Attributes:
        name: Why: ``Christmas Day``; None: not said.
        opens_at, closes_at: Local time; None: the location is closed.
    """

    date: date
    name: str | None = None
    opens_at: str | None = None
    closes_at: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OpeningPeriod:
    """A time during which a location is open."""

    opens_at: datetime
    closes_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OpeningDay:
    """When a location is open on a date. `exception`: name of the exception; None: there is none."""

    date: date
    periods: tuple[OpeningPeriod, ...]
    exception: str | None = None


@dataclass(frozen=True, slots=True)
class Authority:
    """Who counts a location: a channel by its key, and the ID that the location has there."""

    channel: str
    external_id: str


class UnknownAuthorityError(Exception):
    """No channel counts the location until an operator accepts its authority (rule G2): nothing can be posted there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """A location that holds stock.

    Attributes:
        key: Key in the configuration; the same in every environment.
        authority: The channel whose on-hand counts are used for this location, and to which sales are posted. None: an
            operator has yet to accept it, so that the stock is not known and nothing is posted (rule G2).
        pending_authority: The configured authority that has yet to be accepted; None: it is accepted.
        external_ids: ID of the location in each channel that knows it and sells from it, by channel key; includes the
            authority. For its stock use `authority`.
        sold_by: Keys of further channels whose carts are served from here.
        time_zone: IANA time zone of the opening hours.
        opening_hours: Empty: not known.
        opening_exceptions: Dates with other opening hours.
    """

    key: str
    name: str
    kind: LocationKind
    authority: Authority | None
    pending_authority: Authority | None = None
    external_ids: dict[str, str] = field(default_factory=dict)
    sold_by: tuple[str, ...] = ()
    time_zone: str = "UTC"
    address: Address | None = None
    point: GeoPoint | None = None
    phone: str | None = None
    opening_hours: tuple[OpeningHours, ...] = ()
    opening_exceptions: tuple[OpeningException, ...] = ()
    fulfillment_methods: tuple[FulfillmentMethod, ...] = ()

    def require_authority(self) -> Authority:
        """Return the authority, where stock of the location was claimed, so that there is one.

        Raises:
            UnknownAuthorityError: it has yet to be accepted.
        """
        if self.authority is None:
            raise UnknownAuthorityError(self.key)
        return self.authority

    def is_counted_by(self, channel: str) -> bool:
        """Return whether this channel is the authority."""
        return self.authority is not None and self.authority.channel == channel

    def is_sold_from(self, channel: str) -> bool:
        """Return whether a channel sells the stock of this location (rule K9).

        A marketplace's own warehouse is for that marketplace only.
        """
        is_shared = self.kind is not LocationKind.MARKETPLACE_FULFILLMENT or self.is_counted_by(channel)
        return is_shared and channel in self.sellers

    @property
    def has_opening_hours(self) -> bool:
        """Whether it is known when the location is open."""
        return bool(self.opening_hours)

    def resolve_opening_day(self, day: date) -> OpeningDay:
        """Resolve when the location is open on a date, by its exceptions or else by the day of the week."""
        exceptions = [exception for exception in self.opening_exceptions if exception.date == day]
        weekly = [hours for hours in self.opening_hours if hours.weekday == day.isoweekday()]
        resolved: Sequence[OpeningException | OpeningHours] = exceptions or weekly
        periods = [
            _build_period(day, opens_at, closes_at, ZoneInfo(self.time_zone))
            for opens_at, closes_at in ((hours.opens_at, hours.closes_at) for hours in resolved)
            if opens_at is not None and closes_at is not None
        ]
        name = next((exception.name for exception in exceptions if exception.name), None)
        return OpeningDay(date=day, periods=tuple(sorted(periods, key=lambda period: period.opens_at)), exception=name)

    @property
    def sellers(self) -> tuple[str, ...]:
        """Keys of all channels that sell the stock of this location."""
        return tuple(dict.fromkeys((*self.external_ids, *self.sold_by)))


def _build_period(day: date, opens_at: str, closes_at: str, zone: ZoneInfo) -> OpeningPeriod:
    """Build a period of a date. What closes before it opens closes on the next day."""
    end = day if closes_at > opens_at else day + timedelta(days=1)
    opens = datetime.combine(day, time.fromisoformat(opens_at), zone).astimezone(UTC)
    closes = datetime.combine(end, time.fromisoformat(closes_at), zone).astimezone(UTC)
    return OpeningPeriod(opens_at=opens, closes_at=closes)


def collect_external_locations(locations: Iterable[Location]) -> frozenset[tuple[str, str]]:
    """Return the external locations that are mapped to these locations, as (channel key, external ID)."""
    return frozenset(item for location in locations for item in location.external_ids.items())


EARTH_KM = 6371.0088
"""Mean radius in kilometers (IUGG)."""


def measure_kilometers(start: GeoPoint, end: GeoPoint) -> float:
    """Return the great-circle distance in kilometers, rounded to 0.1 km.

    Treats the Earth as a sphere; the error is at most 0.6 %.
    """
    north, east = radians(end.latitude - start.latitude), radians(end.longitude - start.longitude)
    scale = cos(radians(start.latitude)) * cos(radians(end.latitude))
    half_chord = sqrt(min(1.0, sin(north / 2) ** 2 + scale * sin(east / 2) ** 2))
    return round(2 * EARTH_KM * asin(half_chord), 1)
