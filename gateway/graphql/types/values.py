"""Types without an id: money, pictures, addresses."""

from __future__ import annotations

from decimal import Decimal

from gateway.execution.fields import attribute
from gateway.execution.keeping import Data
from gateway.execution.types import output
from gateway.graphql.scalars import CountryCode, CurrencyCode
from gateway.model import catalog, channels, money


@output(money.Money, "An exact amount of money.", data=Data.PART)
class Money:
    amount: Decimal = attribute("The amount with all digits of its currency: `12.50`. Refunds are negative.")
    currency_code: CurrencyCode = attribute("Its currency.")


@output(money.MoneyRange, "From the lowest to the highest amount, in one currency.", data=Data.PART)
class MoneyRange:
    min: Money = attribute("The lowest.")
    max: Money = attribute("The highest.")


@output(catalog.Image, "A picture, by its address.", data=Data.PART)
class Image:
    url: str = attribute("Where it is.")
    alt_text: str | None = attribute("What it shows, for those who cannot see it.")
    width: int | None = attribute("In pixels, where known.")
    height: int | None = attribute("In pixels, where known.")


@output(channels.GeoPoint, "A point on the Earth, WGS 84.", data=Data.PART)
class GeoPoint:
    latitude: float = attribute("Degrees north.")
    longitude: float = attribute("Degrees east.")


@output(channels.Address, "A postal address.", data=Data.PART)
class Address:
    name: str | None = attribute("The person.")
    company: str | None = attribute("The company.")
    line1: str | None = attribute("Street and number, usually.")
    line2: str | None = attribute("What did not fit into the first line.")
    city: str | None = attribute("Town or city.")
    region: str | None = attribute("State, county or province.")
    postal_code: str | None = attribute("Postal code.")
    country_code: CountryCode | None = attribute("Country.")
    phone: str | None = attribute("Phone number for deliveries.")
