"""What operators and clients see of the gateway itself."""

from __future__ import annotations

from datetime import datetime
from operator import attrgetter

import strawberry

from gateway.execution import caller
from gateway.execution.fields import attribute, load
from gateway.execution.types import output
from gateway.graphql.ids import global_id
from gateway.graphql.loads import catalog, channels
from gateway.graphql.loads import operations as loads
from gateway.graphql.types.catalog import ADMIN as CATALOGUE
from gateway.graphql.types.catalog import Listing, ProductVariant
from gateway.graphql.types.channels import ADMIN, Channel, ChannelFault, Location
from gateway.graphql.types.node import Node
from gateway.model.channels import Resource
from gateway.storage.channels import SyncReject as StoredReject
from gateway.storage.outbox import OutboxEntry as StoredEntry
from gateway.storage.outbox import OutboxState
from gateway.storage.reviews import MatchReview as StoredReview


@output(StoredReject, "What a channel sent and could not be taken in, or waits for what it belongs to.", scopes=ADMIN)
class SyncReject(Node):
    id: strawberry.ID = global_id("SyncReject", "id")
    channel: Channel | None = load("Which channel.", channels.channels, key=attrgetter("channel_key"))
    resource: Resource = attribute("What kind of record.")
    external_id: str = attribute("Its id in the channel.")
    reason: str = attribute("What is wrong with it.")
    field: str | None = attribute("Where it is wrong, if that can be told.")
    payload: str = attribute("What the channel sent, as JSON. Empty once it has expired.")
    rejected_at: datetime = attribute("When it was last refused.")


@output(StoredEntry, "A wish towards a channel: it is carried out at least once, and in effect once.", scopes=ADMIN)
class OutboxEntry(Node):
    id: strawberry.ID = global_id("OutboxEntry", "id")
    channel: Channel | None = load("Which channel.", channels.channels, key=attrgetter("channel_key"))
    operation: str = attribute("What it is to do: `AdjustStock`, `PlaceOrder` …")
    subject: str = attribute("What it is about: wishes about one thing are carried out in order.")
    state: OutboxState = attribute("Where it stands.")
    attempts: int = attribute("How often it was sent, or looked up.")
    next_attempt_at: datetime | None = attribute("When it is sent, or looked up, next.")
    fault: ChannelFault | None = attribute("What went wrong last.")
    created_at: datetime = attribute("When it was wished for.")


@output(StoredReview, "A listing that could belong to others, until a person decides.", scopes=CATALOGUE)
class MatchReview(Node):
    id: strawberry.ID = global_id("MatchReview", "id")
    listing: Listing | None = load("The doubtful listing.", catalog.listings, key=attrgetter("listing_id"))
    candidates: list[ProductVariant] | None = load(
        "The variants that it could be.", loads.candidates, key=attrgetter("candidate_ids"), size=20
    )
    reason: str = attribute("Why it was not decided.")
    created_at: datetime = attribute("Since when it waits.")


@output(caller.Viewer, "Who is asking, by the token that was sent.")
class Viewer:
    kind: caller.CallerKind = attribute("Whose token it is.")
    scopes: list[str] = attribute("What it allows.", size=50)
    channels: list[Channel] | None = attribute("The channels that the caller sees, her default one first.", size=20)
    locations: list[Location] | None = attribute("The locations that the caller sees.", size=100)
    server_time: datetime = attribute("The gateway's clock, to correct one's own by.")
