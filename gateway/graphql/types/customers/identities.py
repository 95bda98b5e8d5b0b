"""Types of identities: the customer records of channels, and what joins them."""

from __future__ import annotations

from datetime import datetime
from operator import attrgetter

import strawberry

from gateway.execution.fields import attribute, load
from gateway.execution.object_types import output
from gateway.graphql.global_ids import declare_global_id
from gateway.graphql.loaders.channels import load_channels
from gateway.graphql.loaders.customers.profiles import load_customers, load_identities, load_order_counts
from gateway.graphql.scopes import CUSTOMERS_READ
from gateway.graphql.types.channels import Channel
from gateway.graphql.types.lazy import LazyCustomer, LazyCustomerIdentity
from gateway.graphql.types.node import Node
from gateway.model.customers import golden_record, profiles


@output(profiles.IdentityEvidence, "What says that an identity belongs to a customer, or does not.")
class IdentityEvidence:
    rule: profiles.IdentityRule = attribute("The recognition rule that matched.")
    value: str | None = attribute(
        "The matching value; masked without the scope `customers:pii`. Null: the rule compares no value."
    )
    verdict: profiles.EvidenceVerdict = attribute("Whether it links the identity, suggests so, or contradicts.")
    other: LazyCustomerIdentity | None = load(
        "The identity that it connects with. Null: it is of the identity itself, or the caller does not see the other.",
        load_identities,
        key=attrgetter("other_id"),
    )
    observed_at: datetime | None = attribute("When it was first found. Null: not known.")


@output(
    profiles.CustomerIdentity,
    "A customer record: of a channel, of an account to log in to, or of the guest who placed an order.",
    scopes=CUSTOMERS_READ,
)
class CustomerIdentity(Node):
    id: strawberry.ID = declare_global_id("CustomerIdentity", "id")
    channel: Channel | None = load("The channel. Null: an account.", load_channels, key=attrgetter("channel_key"))
    external_id: str = attribute(
        "ID of the customer in the channel. Of an account: the subject at its issuer. Of a guest: an ID of the order."
    )
    customer: LazyCustomer | None = load("The customer it belongs to.", load_customers, key=attrgetter("customer_id"))
    display_name: str | None = attribute("The name in the record. Null: not known.")
    loyalty_number: str | None = attribute("Number of the loyalty card. Null: there is none.")
    order_count: int | None = load(
        "Number of orders that name the record, without canceled ones.", load_order_counts, key=attrgetter("id")
    )
    last_seen_at: datetime | None = attribute("When its data last changed. Null: not known.")
    gone: bool = attribute("Whether the channel has deleted the record.")
    evidence: list[IdentityEvidence] | None = attribute("Why the record was linked to this customer.", size=10)
    linked_at: datetime = attribute("When the record was first stored.")


@output(golden_record.FieldSource, "The identity that a value of a customer comes from.")
class FieldSource:
    field: golden_record.CustomerField = attribute("The field of the customer.")
    identity: CustomerIdentity | None = load(
        "The identity. Null: the caller does not see its channel.", load_identities, key=attrgetter("identity_id")
    )
    rule: golden_record.SurvivorshipRule = attribute("Why the value is preferred.")
    observed_at: datetime | None = attribute(
        "When the identity last changed, or the value was entered. Null: not known."
    )
    alternatives: int = attribute("Number of other values that identities of the customer have.")
