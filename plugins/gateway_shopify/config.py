"""Configuration of a Shopify store."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints

from gateway.sdk import BaseUrl, Config, Currency, Secret, TimeZone

FeedName = Literal["products", "stock", "collections", "customers", "orders"]
WriteName = Literal[
    "adjust_stock", "set_stock", "place_orders", "cancel_orders", "ship_orders", "set_consents", "erase_customers"
]
_LOCALE = re.compile(r"[a-z]{2,3}(-[A-Z][A-Za-z]{1,3})?")
_SHOP_DOMAIN = re.compile(r"[a-z0-9][a-z0-9-]*\.myshopify\.com")


def _check_locale(value: str) -> str:
    if not _LOCALE.fullmatch(value):
        raise ValueError("expected a locale of the shop, such as de or pt-BR")
    return value


ShopLocale = Annotated[str, AfterValidator(_check_locale)]
"""A language of the shop, as Shopify writes it."""


Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]


def _check_shop_domain(value: str) -> str:
    if not _SHOP_DOMAIN.fullmatch(value):
        raise ValueError("expected the myshopify.com domain of the shop, such as my-store.myshopify.com")
    return value


class ShopifyConfig(Config):
    """`[channels.KEY.config]` of the plugin `shopify`."""

    shop: Annotated[
        str,
        AfterValidator(_check_shop_domain),
        Field(description="The myshopify.com domain of the shop, such as my-store.myshopify.com."),
    ]
    access_token: Annotated[Secret, Field(description="Admin API access token of the app (shpat_…).")]
    currency: Annotated[Currency, Field(description="ISO 4217 currency code of the shop; its prices carry none.")]
    time_zone: Annotated[TimeZone, Field(description="IANA time zone of the shop.")]
    prices_include_tax: Annotated[
        bool | None, Field(description="Whether prices include tax. Default: the setting of the shop.")
    ] = None
    webhook_secrets: Annotated[
        tuple[Secret, ...],
        Field(
            max_length=2, description="Client secret of the app; two while it is rotated. Empty: webhooks are disabled."
        ),
    ] = ()
    translations: Annotated[
        tuple[ShopLocale, ...],
        Field(max_length=20, description="Languages of the shop, beside its own, whose texts are read, such as de."),
    ] = ()
    countries: Annotated[
        tuple[Country, ...],
        Field(max_length=5, description="Countries whose prices in other currencies are read, such as DE."),
    ] = ()
    variant_metafields: Annotated[
        tuple[str, ...],
        Field(max_length=20, description="Metafields of [attributes] that variants have, such as custom.size_note."),
    ] = ()
    feeds: Annotated[
        tuple[FeedName, ...],
        Field(min_length=1, description="Feeds to read. Leave out those for which the app has no scope."),
    ] = ("products", "stock", "collections", "customers", "orders")
    writes: Annotated[
        tuple[WriteName, ...], Field(description="Writes to allow. The app needs the scopes for them.")
    ] = ()
    points: Annotated[
        float, Field(ge=100, description="Size of the cost bucket, in points, until the shop reports its own.")
    ] = 1000
    points_per_second: Annotated[
        float,
        Field(gt=0, description="Points that the bucket regains each second, until the shop reports its own rate."),
    ] = 100
    customer_account_url: Annotated[
        str | None,
        StringConstraints(pattern=r"^https?://[^\s/?#@]+/[^\s?#]+$"),
        Field(
            description="URL of the Customer Account API, graphql_api of the store's "
            "/.well-known/customer-account-api. With it, customers log in with their access tokens of the store."
        ),
    ] = None
    address: Annotated[
        BaseUrl | None,
        Field(description="URL of the API if it is not at the shop's domain, for example of a sandbox."),
    ] = None

    @property
    def base_url(self) -> str:
        """URL of the API."""
        return self.address or f"https://{self.shop}"
