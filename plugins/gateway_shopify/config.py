"""What stands in the configuration of a Shopify store."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from gateway.sdk import BaseUrl, Config, Currency, Secret, TimeZone

FeedName = Literal["products", "stock", "customers", "orders"]
WriteName = Literal["adjust_stock", "set_stock", "place_orders", "cancel_orders", "ship_orders"]
_SHOP = re.compile(r"[a-z0-9][a-z0-9-]*\.myshopify\.com")


def _shop(value: str) -> str:
    if not _SHOP.fullmatch(value):
        raise ValueError("expected the shop's own domain, such as my-store.myshopify.com")
    return value


class ShopifyConfig(Config):
    """`[channels.KEY.config]` of the plugin `shopify`."""

    shop: Annotated[
        str, AfterValidator(_shop), Field(description="The shop's own domain, such as my-store.myshopify.com.")
    ]
    access_token: Annotated[Secret, Field(description="The app's Admin API access token (shpat_…).")]
    currency: Annotated[Currency, Field(description="ISO 4217 code of the shop's currency; its prices have none.")]
    time_zone: Annotated[TimeZone, Field(description="The shop's time zone, an IANA name.")]
    prices_include_tax: Annotated[
        bool | None, Field(description="Whether prices are gross; left out: as the shop itself says.")
    ] = None
    webhook_secrets: Annotated[
        tuple[Secret, ...],
        Field(max_length=2, description="The app's client secret; two while it is being replaced; none: no webhooks."),
    ] = ()
    feeds: Annotated[
        tuple[FeedName, ...], Field(min_length=1, description="What is read. Leave out what the app may not read.")
    ] = ("products", "stock", "customers", "orders")
    writes: Annotated[
        tuple[WriteName, ...], Field(description="What may be changed in the shop, and the app has the scopes for.")
    ] = ()
    points: Annotated[float, Field(ge=100, description="Size of the cost bucket until the shop has told its own.")] = (
        1000
    )
    points_per_second: Annotated[
        float, Field(gt=0, description="Points it regains each second, until the shop has told.")
    ] = 100
    address: Annotated[
        BaseUrl | None,
        Field(description="Where the API is, if not at the shop's domain: a sandbox."),
    ] = None

    @property
    def base_url(self) -> str:
        """Where the API is."""
        return self.address or f"https://{self.shop}"
