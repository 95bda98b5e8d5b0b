"""What stands in the configuration of an Amazon seller account."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints

from gateway.sdk import BaseUrl, Config, Currency, Secret, TimeZone

FeedName = Literal["listings", "merchant-stock", "fba-stock", "orders"]
WriteName = Literal["set_stock", "ship_orders"]
PackAttribute = Literal["item_package_quantity", "number_of_items"]

ORDERS_BACK = timedelta(days=60)
"""How far back orders are read at first, where nothing else is said."""


def _aware(value: datetime) -> datetime:
    return value if value.tzinfo else value.replace(tzinfo=UTC)


def _once(value: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(value)) != len(value):
        raise ValueError("names one twice")
    return value


Text = Annotated[str, StringConstraints(min_length=1, max_length=255, strip_whitespace=True)]
Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,100}$")]


class AmazonConfig(Config):
    """`[channels.KEY.config]` of the plugin `amazon`: one seller account in one store."""

    seller_id: Annotated[Id, Field(description="The merchant token of the account, as Seller Central shows it.")]
    marketplace_ids: Annotated[
        tuple[Id, ...],
        AfterValidator(_once),
        Field(
            min_length=1,
            max_length=50,
            description="The stores. Listings, prices and Amazon's own stock are those of the first; orders are read "
            "from all of them. A store in another currency is a channel of its own.",
        ),
    ]
    client_id: Annotated[Text, Field(description="Login with Amazon: the app's client identifier.")]
    client_secret: Annotated[Secret, Field(description="Login with Amazon: the app's client secret.")]
    refresh_token: Annotated[Secret, Field(description="What authorizing the app for the account gave.")]
    endpoint: Annotated[
        BaseUrl,
        Field(description="The Selling Partner API of the region: sellingpartnerapi-eu, -na or -fe."),
    ] = "https://sellingpartnerapi-eu.amazon.com"
    login: Annotated[BaseUrl, Field(description="Login with Amazon.")] = "https://api.amazon.com"
    currency: Annotated[Currency, Field(description="ISO 4217 code of the first store.")]
    time_zone: Annotated[TimeZone, Field(description="IANA name of the first store's zone.")]
    prices_include_tax: Annotated[
        bool, Field(description="Whether prices include tax: they do in Europe and Japan, not in North America.")
    ] = True
    merchant_place: Annotated[
        Text, Field(description="What the place is called from which the merchant ships, to be mapped to a location.")
    ] = "merchant"
    fba: Annotated[
        bool, Field(description="Whether Amazon keeps and ships stock of this account; its place is called fba.")
    ] = True
    contact: Annotated[
        bool,
        Field(description="Whether the app may see a buyer's name and relay address, and the gateway shall keep them."),
    ] = False
    orders_since: Annotated[
        datetime | None,
        AfterValidator(lambda value: value and _aware(value)),
        Field(description="Orders that were last updated before are not read; without it those of the last 60 days."),
    ] = None
    units: Annotated[
        dict[Text, Annotated[int, Field(ge=1, le=10_000)]],
        Field(description="How many units one listing sells, by SKU, where the listing's attributes are wrong."),
    ] = {}
    pack_attributes: Annotated[
        tuple[PackAttribute, ...],
        AfterValidator(_once),
        Field(description="The attributes that say so, the first that is there; none: every listing sells one unit."),
    ] = ("item_package_quantity", "number_of_items")
    feeds: Annotated[tuple[FeedName, ...], AfterValidator(_once), Field(description="What is read.", min_length=1)] = (
        "listings",
        "merchant-stock",
        "fba-stock",
        "orders",
    )

    writes: Annotated[
        tuple[WriteName, ...],
        AfterValidator(_once),
        Field(description="What may be changed in the account, and the app has the roles for."),
    ] = ()

    @property
    def store(self) -> str:
        """The marketplace whose listings and prices these are."""
        return self.marketplace_ids[0]
