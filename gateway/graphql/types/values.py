"""Value types without an ID: money, images, coordinates and addresses."""

from __future__ import annotations

from decimal import Decimal

from gateway.execution.caching.cache_control import DataKind
from gateway.execution.fields import attribute, load
from gateway.execution.object_types import output
from gateway.graphql.loaders.images import load_sized_urls
from gateway.graphql.scalars import CountryCode, CurrencyCode
from gateway.model import locations, media, money


@output(money.Money, "An exact amount of money.", data=DataKind.PART)
class Money:
    amount: Decimal = attribute(
        "Decimal amount with all digits of its currency, such as `12.50`. Refunds are negative."
    )
    currency_code: CurrencyCode = attribute("ISO 4217 currency code.")


@output(money.MoneyRange, "A range of amounts in one currency.", data=DataKind.PART)
class MoneyRange:
    min: Money = attribute("The lowest amount.")
    max: Money = attribute("The highest amount.")


@output(media.Image, "An image.", data=DataKind.PART)
class Image:
    url: str = attribute("URL of the image.")
    alt_text: str | None = attribute("Alternative text for screen readers. Null: there is none.")
    width: int | None = attribute("Width in pixels. Null: not known.")
    height: int | None = attribute("Height in pixels. Null: not known.")
    sized: str = load(
        "URL of the image in a smaller size or another format, from the image server of its channel. The image keeps "
        "its proportions unless it is cropped, and is never enlarged. `url`, if the channel has no image server.",
        load_sized_urls,
        key=lambda image: image,
    )


@output(media.MediaSource, "A file of a video or of a 3D model.", data=DataKind.PART)
class MediaSource:
    url: str = attribute("URL of the file.")
    mime_type: str = attribute("Media type, such as `video/mp4`.")
    width: int | None = attribute("Width in pixels. Null: not known, or no video.")
    height: int | None = attribute("Height in pixels. Null: not known, or no video.")


@output(media.Media, "An image, a video or a 3D model.", data=DataKind.PART)
class Media:
    kind: media.MediaKind = attribute("What it is. A client that does not know a kind shows `image`.")
    alt_text: str | None = attribute("Alternative text for screen readers. Null: there is none.")
    image: Image | None = attribute("The image, or the preview image of another kind. Null: there is none.")
    sources: list[MediaSource] = attribute(
        "Files of a video or of a 3D model, in different formats and sizes.", size=10
    )
    embed_url: str | None = attribute("URL of the player of an external video. Null: no external video.")


@output(locations.GeoPoint, "Geographic coordinates (WGS 84).", data=DataKind.PART)
class GeoPoint:
    latitude: float = attribute("Degrees north.")
    longitude: float = attribute("Degrees east.")


@output(locations.Address, "A postal address. Each field is null if it is not known.", data=DataKind.PART)
class Address:
    name: str | None = attribute("Name of the person.")
    company: str | None = attribute("Name of the company.")
    line1: str | None = attribute("First address line, usually street and number.")
    line2: str | None = attribute("Second address line.")
    city: str | None = attribute("Town or city.")
    region: str | None = attribute("State, county or province.")
    postal_code: str | None = attribute("Postal code.")
    country_code: CountryCode | None = attribute("ISO 3166-1 alpha-2 country code.")
    phone: str | None = attribute("Phone number for deliveries.")
