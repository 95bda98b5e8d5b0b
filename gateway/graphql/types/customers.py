"""Customers."""

from __future__ import annotations

from datetime import datetime
from operator import attrgetter
from typing import TYPE_CHECKING, Annotated

import strawberry

from gateway.execution.fields import attribute, load
from gateway.execution.types import output
from gateway.graphql.ids import global_id
from gateway.graphql.loads import carts, channels, orders
from gateway.graphql.loads import customers as loads
from gateway.graphql.types.channels import Channel
from gateway.graphql.types.connections import Connection, Uncounted
from gateway.graphql.types.node import Node
from gateway.graphql.types.values import Address, Money
from gateway.model import customers as model

if TYPE_CHECKING:
    from gateway.graphql.types.carts import Cart
    from gateway.graphql.types.orders import Order

STAFF = [["customers:read"]]
READ = [["customers:read"], ["self"]]
PERSONAL = [["customers:pii"], ["self"]]
_ID = attrgetter("id")


@output(model.ContactPoint, "An e-mail address or a phone number.")
class ContactPoint:
    value: str = attribute("The address or number.")
    verified: bool = attribute("Whether a channel has seen that it reaches her.")
    primary: bool = attribute("Whether it is the one to use.")
    channels: list[Channel] | None = load(
        "The channels that have it.", channels.channel_lists, key=attrgetter("channel_keys"), size=20
    )


@output(model.IdentityEvidence, "One reason for a link.")
class IdentityEvidence:
    rule: model.IdentityRule = attribute("What was compared.")
    value: str | None = attribute("The value that was compared; masked without `customers:pii`.")


@output(model.CustomerIdentity, "A customer as one channel knows her.", scopes=STAFF)
class CustomerIdentity(Node):
    id: strawberry.ID = global_id("CustomerIdentity", "id")
    channel: Channel | None = load("Which channel.", channels.channels, key=attrgetter("channel_key"))
    external_id: str = attribute("Her id there.")
    evidence: list[IdentityEvidence] | None = attribute("Why it is hers.", size=10)
    linked_at: datetime = attribute("Since when it is known to be hers.")


@output(model.Customer, "A customer.", scopes=READ)
class Customer(Node):
    id: strawberry.ID = global_id("Customer", "id")
    version: int = attribute("Grows with every change.")
    display_name: str | None = attribute("How to call her.")
    given_name: str | None = attribute("Given name.", scopes=PERSONAL)
    family_name: str | None = attribute("Family name.", scopes=PERSONAL)
    emails: list[ContactPoint] | None = attribute("Her e-mail addresses.", scopes=PERSONAL, size=20)
    phones: list[ContactPoint] | None = attribute("Her phone numbers.", scopes=PERSONAL, size=20)
    addresses: list[Address] | None = attribute("Her addresses.", scopes=PERSONAL, size=20)
    tags: list[str] | None = attribute("Words by which the retailer groups customers.", scopes=STAFF, size=50)
    identities: Connection[CustomerIdentity] | None = load(
        "What she is in each channel.", loads.identities_of_customers, key=_ID, scopes=STAFF
    )
    orders: Connection[Annotated[Order, strawberry.lazy("gateway.graphql.types.orders")]] | None = load(
        "Her orders, the latest first.", orders.orders_of_customers, key=_ID
    )
    carts: Uncounted[Annotated[Cart, strawberry.lazy("gateway.graphql.types.carts")]] | None = load(
        "Her carts, the latest first.", carts.carts_of_customers, key=_ID
    )
    lifetime_value: list[Money] | None = load(
        "What her orders come to, refunds taken off, by currency.",
        loads.lifetime_values,
        key=_ID,
        scopes=STAFF,
        size=10,
    )
    created_at: datetime = attribute("Since when she is known.")
    updated_at: datetime = attribute("When she last changed.")
