"""Customers."""

from __future__ import annotations

from datetime import datetime
from operator import attrgetter

import strawberry

from gateway.execution.fields import attribute, load
from gateway.execution.object_types import output
from gateway.graphql.global_ids import declare_global_id
from gateway.graphql.loaders.carts import load_carts_by_customer
from gateway.graphql.loaders.channels import load_channel_lists
from gateway.graphql.loaders.customers.address_book import load_address_books
from gateway.graphql.loaders.customers.consents import load_consents
from gateway.graphql.loaders.customers.decisions import load_merges_by_customer, load_open_reviews
from gateway.graphql.loaders.customers.loyalty import load_loyalty_by_customer
from gateway.graphql.loaders.customers.profiles import (
    load_field_sources,
    load_identities_by_customer,
    load_lifetime_values,
    load_order_statistics,
)
from gateway.graphql.loaders.customers.segments import load_segments
from gateway.graphql.loaders.customers.timeline import load_timelines
from gateway.graphql.loaders.locations import load_locations
from gateway.graphql.loaders.orders import load_orders_by_customer
from gateway.graphql.scalars import Locale
from gateway.graphql.scopes import (
    CARTS_READ_OR_SELF,
    CUSTOMERS_READ,
    CUSTOMERS_READ_OR_SELF,
    ORDERS_READ_OR_SELF,
    PERSONAL_DATA_OR_SELF,
)
from gateway.graphql.types.channels import Channel
from gateway.graphql.types.connections import Connection, UncountedConnection
from gateway.graphql.types.customers.address_book import CustomerAddress
from gateway.graphql.types.customers.consents import Consent
from gateway.graphql.types.customers.identities import CustomerIdentity, FieldSource
from gateway.graphql.types.customers.loyalty import LoyaltyAccount
from gateway.graphql.types.lazy import LazyCart, LazyCustomerMerge, LazyCustomerReview, LazyInteraction, LazyOrder
from gateway.graphql.types.locations import Location
from gateway.graphql.types.node import Node
from gateway.graphql.types.values import Address, Money
from gateway.model.customers import profiles, statistics

_ID = attrgetter("id")


@output(profiles.ContactPoint, "An email address or a phone number of a customer.")
class ContactPoint:
    value: str = attribute("The email address or phone number.")
    verified: bool = attribute("Whether a channel has verified that it belongs to the customer.")
    primary: bool = attribute("Whether it is the preferred one.")
    channels: list[Channel] | None = load(
        "The channels that store it.", load_channel_lists, key=attrgetter("channel_keys"), size=20
    )


@output(statistics.OrderStatistics, "What a customer has ordered.")
class OrderStatistics:
    count: int = attribute("Number of orders, without canceled ones.")
    total: list[Money] = attribute("Sum of the orders, by currency.", size=10)
    first_at: datetime | None = attribute("When the first order was placed. Null: there is none.")
    last_at: datetime | None = attribute("When the latest order was placed. Null: there is none.")
    favourite_location: Location | None = load(
        "The location where most of the orders were placed. Null: not known, or they were placed online.",
        load_locations,
        key=attrgetter("favorite_location"),
    )


@output(profiles.Customer, "A customer.", scopes=CUSTOMERS_READ_OR_SELF)
class Customer(Node):
    id: strawberry.ID = declare_global_id("Customer", "id")
    version: int = attribute("Increases with every change.")
    display_name: str | None = attribute("Display name. Null: not known.")
    given_name: str | None = attribute("Given name. Null: not known.", scopes=PERSONAL_DATA_OR_SELF)
    family_name: str | None = attribute("Family name. Null: not known.", scopes=PERSONAL_DATA_OR_SELF)
    emails: list[ContactPoint] | None = attribute(
        "Email addresses of the customer.", scopes=PERSONAL_DATA_OR_SELF, size=20
    )
    phones: list[ContactPoint] | None = attribute(
        "Phone numbers of the customer.", scopes=PERSONAL_DATA_OR_SELF, size=20
    )
    addresses: list[Address] | None = attribute(
        "Postal addresses of the customer.", scopes=PERSONAL_DATA_OR_SELF, size=20
    )
    locale: Locale | None = attribute("The preferred language, as BCP 47 tag. Null: not known.")
    address_book: list[CustomerAddress] | None = load(
        "Postal addresses that can be chosen: those that were entered here first, then those of channels.",
        load_address_books,
        key=_ID,
        scopes=PERSONAL_DATA_OR_SELF,
        size=50,
    )
    has_login: bool = attribute("Whether the customer has an account to log in to.")
    tags: list[str] | None = attribute("Labels by which the retailer groups customers.", scopes=CUSTOMERS_READ, size=50)
    identities: Connection[CustomerIdentity] | None = load(
        "The customer's records in the channels.", load_identities_by_customer, key=_ID, scopes=CUSTOMERS_READ
    )
    orders: Connection[LazyOrder] | None = load(
        "The customer's orders, newest first.", load_orders_by_customer, key=_ID, scopes=ORDERS_READ_OR_SELF
    )
    carts: UncountedConnection[LazyCart] | None = load(
        "The customer's carts, newest first.", load_carts_by_customer, key=_ID, scopes=CARTS_READ_OR_SELF
    )
    lifetime_value: list[Money] | None = load(
        "Sum of the customer's orders minus refunds, by currency.",
        load_lifetime_values,
        key=_ID,
        scopes=CUSTOMERS_READ,
        size=10,
    )
    sources: list[FieldSource] | None = load(
        "Where the values of the customer come from, and why they are preferred.",
        load_field_sources,
        key=_ID,
        scopes=CUSTOMERS_READ,
        size=10,
    )
    merges: list[LazyCustomerMerge] | None = load(
        "What people decided about the customer: merges, splits, decided reviews and claimed orders, newest first.",
        load_merges_by_customer,
        key=_ID,
        scopes=CUSTOMERS_READ,
        size=50,
    )
    open_reviews: list[LazyCustomerReview] | None = load(
        "Reviews that wait for a decision about the customer.",
        load_open_reviews,
        key=_ID,
        scopes=CUSTOMERS_READ,
        size=20,
    )
    timeline: Connection[LazyInteraction] | None = load(
        "What happened between the customer and the retailer, in any channel, newest first.", load_timelines, key=_ID
    )
    consents: list[Consent] | None = load("What the customer allows, and does not.", load_consents, key=_ID, size=10)
    segments: list[str] | None = load(
        "Keys of the segments that the customer belongs to.",
        load_segments,
        key=_ID,
        scopes=CUSTOMERS_READ,
        size=50,
    )
    statistics: OrderStatistics | None = load(
        "What the customer has ordered.", load_order_statistics, key=_ID, scopes=CUSTOMERS_READ_OR_SELF
    )
    loyalty: LoyaltyAccount | None = load(
        "The customer's loyalty points, over all cards. Null: there are none.", load_loyalty_by_customer, key=_ID
    )
    created_at: datetime = attribute("When the customer was first stored in the gateway.")
    updated_at: datetime = attribute("When the customer last changed.")
