"""Types of the timeline of customers."""

from __future__ import annotations

from datetime import datetime
from operator import attrgetter
from typing import Annotated

import strawberry

from gateway.execution.fields import attribute, load
from gateway.execution.object_types import output
from gateway.graphql.global_ids import declare_global_id
from gateway.graphql.loaders.channels import load_channels
from gateway.graphql.loaders.customers.timeline import load_interaction_subjects
from gateway.graphql.loaders.locations import load_locations
from gateway.graphql.scopes import CUSTOMERS_READ, CUSTOMERS_READ_OR_SELF
from gateway.graphql.types.carts import Cart
from gateway.graphql.types.channels import Channel
from gateway.graphql.types.customers.loyalty import LoyaltyEntry
from gateway.graphql.types.locations import Location
from gateway.graphql.types.node import Node
from gateway.graphql.types.orders import Order
from gateway.model.customers import timeline

InteractionSubject = Annotated[
    Order | Cart | LoyaltyEntry, strawberry.union("InteractionSubject", description="What an interaction is about.")
]


@output(
    timeline.Interaction,
    "Something that happened between a customer and the retailer, in any channel.",
    scopes=CUSTOMERS_READ_OR_SELF,
)
class Interaction(Node):
    id: strawberry.ID = declare_global_id("Interaction", parts=lambda one: tuple(one.id.split(":")))
    kind: timeline.InteractionKind = attribute("What happened.")
    occurred_at: datetime = attribute("When it happened.")
    channel: Channel | None = load(
        "The channel. Null: none in particular.", load_channels, key=attrgetter("channel_key")
    )
    location: Location | None = load(
        "The location. Null: none in particular.", load_locations, key=attrgetter("location_key")
    )
    summary: str = attribute("What happened, in a line.")
    public: bool = attribute("Whether the customer sees it.")
    by: str | None = attribute(
        "Name of the token that added it. Null: the gateway itself, or a channel.", scopes=CUSTOMERS_READ
    )
    subject: InteractionSubject | None = load(
        "The order, cart or loyalty entry. Null: it has none, or the caller does not see it.",
        load_interaction_subjects,
        key=lambda one: one,
    )
