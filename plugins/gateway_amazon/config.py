"""Configuration of an Amazon seller account."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints

from gateway.sdk import BaseUrl, Config, Currency, Secret, TimeZone

FeedName = Literal["listings", "merchant-stock", "fba-stock", "orders"]
WriteName = Literal["set_stock", "ship_orders"]
PackAttribute = Literal["item_package_quantity", "number_of_items"]

DEFAULT_ORDER_HISTORY = timedelta(days=60)
"""History of orders that the first pass reads, unless configured."""


def _apply_utc(value: datetime) -> datetime:
    return value if value.tzinfo else value.replace(tzinfo=UTC)


def _check_unique(value: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(value)) != len(value):
        raise ValueError("contains a value twice")
    return value


Text = Annotated[str, StringConstraints(min_length=1, max_length=255, strip_whitespace=True)]
Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,100}$")]


class AmazonConfig(Config):
    """`[channels.KEY.config]` of the plugin `amazon`: one seller account in one marketplace."""

    seller_id: Annotated[Id, Field(description="Merchant token of the account, as shown in Seller Central.")]
    marketplace_ids: Annotated[
        tuple[Id, ...],
        AfterValidator(_check_unique),
        Field(
            min_length=1,
            max_length=50,
            description="IDs of the marketplaces. Listings, prices and FBA stock are those of the first; "
            "orders are read from all. Configure a marketplace with another currency as a channel "
            "of its own.",
        ),
    ]
    client_id: Annotated[Text, Field(description="Client identifier of the app (Login with Amazon).")]
    client_secret: Annotated[Secret, Field(description="Client secret of the app (Login with Amazon).")]
    refresh_token: Annotated[
        Secret, Field(description="Refresh token that was issued when the account authorized the app.")
    ]
    endpoint: Annotated[
        BaseUrl,
        Field(description="URL of the region's Selling Partner API: sellingpartnerapi-eu, -na or -fe."),
    ] = "https://sellingpartnerapi-eu.amazon.com"
    login: Annotated[BaseUrl, Field(description="URL of Login with Amazon.")] = "https://api.amazon.com"
    currency: Annotated[Currency, Field(description="ISO 4217 currency code of the first marketplace.")]
    time_zone: Annotated[TimeZone, Field(description="IANA time zone of the first marketplace.")]
    prices_include_tax: Annotated[
        bool, Field(description="Whether prices include tax, as in Europe and Japan but not in North America.")
    ] = True
    merchant_place: Annotated[
        Text, Field(description="External location ID of the merchant's own stock, to be mapped to a location.")
    ] = "merchant"
    fba: Annotated[
        bool,
        Field(description="Whether the account uses Fulfillment by Amazon (FBA); its external location ID is fba."),
    ] = True
    contact: Annotated[
        bool,
        Field(description="Whether to store the buyer's name and relay address. The app needs permission for it."),
    ] = False
    orders_since: Annotated[
        datetime | None,
        AfterValidator(lambda value: value and _apply_utc(value)),
        Field(description="Ignore orders that were last updated before this time. Default: 60 days ago."),
    ] = None
    units: Annotated[
        dict[Text, Annotated[int, Field(ge=1, le=10_000)]],
        Field(description="Number of units in one listing, by SKU. Overrides incorrect attributes of the listing."),
    ] = {}
    pack_attributes: Annotated[
        tuple[PackAttribute, ...],
        AfterValidator(_check_unique),
        Field(
            description="Attributes with the number of units in one listing; the first that is present is "
            "used. Empty: every listing has one unit."
        ),
    ] = ("item_package_quantity", "number_of_items")
    feeds: Annotated[
        tuple[FeedName, ...], AfterValidator(_check_unique), Field(description="Feeds to read.", min_length=1)
    ] = (
        "listings",
        "merchant-stock",
        "fba-stock",
        "orders",
    )

    writes: Annotated[
        tuple[WriteName, ...],
        AfterValidator(_check_unique),
        Field(description="Writes to allow. The app needs the roles for them."),
    ] = ()

    @property
    def store(self) -> str:
        """The marketplace of listings and prices."""
        return self.marketplace_ids[0]
