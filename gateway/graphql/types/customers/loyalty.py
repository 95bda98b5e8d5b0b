"""Loyalty points of a customer."""

from __future__ import annotations

from datetime import datetime
from operator import attrgetter

import strawberry

from gateway.execution.fields import attribute, load
from gateway.execution.object_types import output
from gateway.graphql.global_ids import declare_global_id
from gateway.graphql.loaders.channels import load_channels_of_sales
from gateway.graphql.loaders.customers.loyalty import load_entries_by_account, load_expiries, load_worth
from gateway.graphql.loaders.locations import load_locations
from gateway.graphql.loaders.orders import load_orders
from gateway.graphql.scopes import LOYALTY_WRITE
from gateway.graphql.types.channels import Channel
from gateway.graphql.types.connections import Connection
from gateway.graphql.types.lazy import LazyLocation, LazyOrder
from gateway.graphql.types.node import Node
from gateway.graphql.types.values import Money
from gateway.model.customers import loyalty


@output(loyalty.LoyaltyEntry, "An entry of a loyalty account. It never changes.")
class LoyaltyEntry(Node):
    id: strawberry.ID = declare_global_id("LoyaltyEntry", "id")
    kind: loyalty.LoyaltyEntryKind = attribute("What the entry stands for.")
    points: int = attribute("Number of points. Negative if the balance becomes lower.")
    reason: str = attribute("Human-readable text, in English.")
    occurred_at: datetime = attribute("When it happened, not when it was reported.")
    order: LazyOrder | None = load("The order. Null: there is none.", load_orders, key=attrgetter("source_order_id"))
    channel: Channel | None = load(
        "The channel in which it happened. Null: none.", load_channels_of_sales, key=attrgetter("channel_key")
    )
    location: LazyLocation | None = load(
        "The location at which it happened. Null: not known.", load_locations, key=attrgetter("location_key")
    )
    pending_until: datetime | None = attribute(
        "Until when the points cannot be spent. Null: they could be spent at once."
    )
    expires_at: datetime | None = attribute("When the points expire. Null: never.")
    source_key: str | None = attribute("Key of the event, which counts once.", scopes=LOYALTY_WRITE)


@output(loyalty.LoyaltyExpiry, "Points that expire at the same time.")
class LoyaltyExpiry:
    points: int = attribute("Number of points.")
    expires_at: datetime = attribute("When they expire.")


@output(loyalty.LoyaltyAccount, "Loyalty points of a customer, over all of the customer's cards.")
class LoyaltyAccount:
    number: str | None = attribute("Number of the oldest card. Null: there is none.")
    numbers: list[str] | None = attribute("Numbers of all cards.", size=10)
    balance: int = attribute(
        "Points that can be spent now. Negative after points were spent at a till that reported it late."
    )
    pending: int = attribute("Points that were earned and cannot be spent yet.")
    tier: str | None = attribute("Key of the tier. Null: there is none.")
    next_tier: str | None = attribute("Key of the next tier. Null: it is the highest, or there are no tiers.")
    points_to_next_tier: int | None = attribute("Points to earn in this period for the next tier. Null: there is none.")
    worth: list[Money] | None = load(
        "What `balance` is worth, in every currency in which points are redeemed.",
        load_worth,
        key=lambda account: account,
        size=10,
    )
    expiring: list[LoyaltyExpiry] | None = load(
        "When points that can be spent expire, soonest first, at most 12 times.",
        load_expiries,
        key=lambda account: account.account_ids,
        size=12,
        volatile=True,
    )
    entries: Connection[LoyaltyEntry] | None = load(
        "The entries, newest first.", load_entries_by_account, key=attrgetter("owner")
    )
