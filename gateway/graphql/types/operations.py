"""Operational types: rejected records, outbox entries, match reviews and the viewer."""

from __future__ import annotations

from datetime import datetime
from operator import attrgetter

import strawberry

from gateway.execution import caller
from gateway.execution.fields import attribute, load
from gateway.execution.object_types import output
from gateway.graphql.global_ids import declare_global_id
from gateway.graphql.loaders.catalog import load_listings
from gateway.graphql.loaders.channels import load_channels
from gateway.graphql.loaders.customers.profiles import load_customers
from gateway.graphql.loaders.operations import load_match_candidates
from gateway.graphql.scopes import CATALOG_ADMIN, CHANNELS_ADMIN
from gateway.graphql.types.catalog import Listing, ProductVariant
from gateway.graphql.types.channels import Channel, ChannelFault
from gateway.graphql.types.customers.profiles import Customer
from gateway.graphql.types.locations import Location
from gateway.graphql.types.node import Node
from gateway.model.actors import CallerKind
from gateway.model.channels import RejectSeverity, Resource
from gateway.storage import outbox
from gateway.storage.reads import channel_status, match_reviews


@output(
    channel_status.SyncReject,
    "A record of a channel that was rejected, or that waits for a record it refers to.",
    scopes=CHANNELS_ADMIN,
)
class SyncReject(Node):
    id: strawberry.ID = declare_global_id("SyncReject", "id")
    channel: Channel | None = load("The channel.", load_channels, key=attrgetter("channel_key"))
    resource: Resource = attribute("Resource that the record belongs to.")
    external_id: str = attribute("ID of the record in the channel.")
    severity: RejectSeverity = attribute("Whether the record was rejected, or stored without the invalid field.")
    reason: str = attribute("Why the record was rejected.")
    field: str | None = attribute("The field that is invalid. Null: not known, or not one field in particular.")
    payload: str = attribute("The record as the channel sent it, as JSON. Empty after it has expired.")
    rejected_at: datetime = attribute("When the record was last rejected.")


@output(
    outbox.OutboxEntry,
    "A command for a channel. It is delivered at least once and takes effect once.",
    scopes=CHANNELS_ADMIN,
)
class OutboxEntry(Node):
    id: strawberry.ID = declare_global_id("OutboxEntry", "id")
    channel: Channel | None = load("The channel.", load_channels, key=attrgetter("channel_key"))
    operation: str = attribute("The operation, such as `AdjustStock` or `PlaceOrder`.")
    subject: str = attribute(
        "The object that the command changes. Commands with the same subject are delivered in order."
    )
    state: outbox.OutboxState = attribute("State of the delivery.")
    attempts: int = attribute("Number of attempts to deliver the command or to look up its result.")
    next_attempt_at: datetime | None = attribute(
        "When the command is delivered, or its result looked up, next. Null: no attempt is planned."
    )
    fault: ChannelFault | None = attribute("The last failure. Null: no attempt failed.")
    created_at: datetime = attribute("When the command was enqueued.")


@output(
    match_reviews.MatchReview,
    "A listing that may belong to several variants and waits for a decision by an operator.",
    scopes=CATALOG_ADMIN,
)
class MatchReview(Node):
    id: strawberry.ID = declare_global_id("MatchReview", "id")
    listing: Listing | None = load("The listing to decide.", load_listings, key=attrgetter("listing_id"))
    candidates: list[ProductVariant] | None = load(
        "The variants that it may belong to.", load_match_candidates, key=attrgetter("candidate_ids"), size=20
    )
    reason: str = attribute("Why no automatic decision was possible.")
    created_at: datetime = attribute("When the review was opened.")


@output(caller.Viewer, "The authenticated caller of the request.")
class Viewer:
    kind: CallerKind = attribute("Kind of caller.")
    name: str | None = attribute("Name of the caller's token. Null: the request has no token.")
    scopes: list[str] = attribute("Scopes of the caller's token.", size=50)
    default_channel: Channel | None = attribute(
        "The channel that is used where `channelKey` is omitted. Null: the caller sees no channel."
    )
    channels: list[Channel] | None = attribute(
        "The channels that the caller can see, starting with the default channel.", size=20
    )
    sellable_channels: list[Channel] | None = attribute("The channels in which the caller may have a cart.", size=20)
    locations: list[Location] | None = attribute(
        "The locations at which the caller acts. Without a token, all locations.", size=100
    )
    expires_at: datetime | None = attribute("When the caller's token expires. Null: it does not expire.")
    customer: Customer | None = load(
        "The customer who has logged in. Null: another caller.",
        load_customers,
        key=attrgetter("customer_id"),
    )
    server_time: datetime = attribute("Current time of the gateway, to correct the client's clock.")
