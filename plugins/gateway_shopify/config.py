"""What stands in the configuration of a Shopify store."""

from __future__ import annotations

import re
from typing import Annotated, Literal
from zoneinfo import available_timezones

from pydantic import AfterValidator, Field, SecretStr

from gateway.sdk import Config, InvalidValueError, Money

FeedName = Literal["products", "stock", "customers", "orders"]
_SHOP = re.compile(r"[a-z0-9][a-z0-9-]*\.myshopify\.com")
_ADDRESS = re.compile(r"https?://[^\s/?#@]+")


def _shop(value: str) -> str:
    if not _SHOP.fullmatch(value):
        raise ValueError("expected the shop's own domain, such as my-store.myshopify.com")
    return value


def _secret(value: SecretStr) -> SecretStr:
    if not value.get_secret_value().strip():
        raise ValueError("is empty")
    if not value.get_secret_value().isascii() or not value.get_secret_value().isprintable():
        raise ValueError("has characters that no token has; was it copied with something around it?")
    return value


def _currency(value: str) -> str:
    try:
        return Money(0, value).currency_code
    except InvalidValueError:
        raise ValueError("expected a currency code of ISO 4217 such as GBP") from None


def _time_zone(value: str) -> str:
    if value not in available_timezones():
        raise ValueError("expected an IANA time zone such as Europe/London")
    return value


def _address(value: str) -> str:
    if not _ADDRESS.fullmatch(value):
        raise ValueError("expected an address such as http://127.0.0.1:8080, without a path")
    return value


Secret = Annotated[SecretStr, AfterValidator(_secret)]


class ShopifyConfig(Config):
    """`[channels.KEY.config]` of the plugin `shopify`."""

    shop: Annotated[
        str, AfterValidator(_shop), Field(description="The shop's own domain, such as my-store.myshopify.com.")
    ]
    access_token: Annotated[Secret, Field(description="The app's Admin API access token (shpat_…).")]
    currency: Annotated[
        str, AfterValidator(_currency), Field(description="ISO 4217 code of the shop's currency; its prices have none.")
    ]
    time_zone: Annotated[str, AfterValidator(_time_zone), Field(description="The shop's time zone, an IANA name.")]
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
    points: Annotated[float, Field(ge=100, description="Size of the cost bucket until the shop has told its own.")] = (
        1000
    )
    points_per_second: Annotated[
        float, Field(gt=0, description="Points it regains each second, until the shop has told.")
    ] = 100
    address: Annotated[
        str | None,
        AfterValidator(lambda value: None if value is None else _address(value)),
        Field(description="Where the API is, if not at the shop's domain: a sandbox."),
    ] = None

    @property
    def base_url(self) -> str:
        """Where the API is."""
        return self.address or f"https://{self.shop}"
