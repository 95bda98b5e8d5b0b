"""Types of reviews, merges and splits of customers."""

from __future__ import annotations

from datetime import datetime
from operator import attrgetter

import strawberry

from gateway.execution.fields import attribute, compute, load
from gateway.execution.object_types import output
from gateway.graphql.global_ids import declare_global_id
from gateway.graphql.loaders.customers.decisions import load_customer_reviews, load_merges
from gateway.graphql.loaders.customers.profiles import load_customers, load_identities
from gateway.graphql.loaders.factories import make_list_loader
from gateway.graphql.scopes import CUSTOMERS_ADMIN, CUSTOMERS_READ
from gateway.graphql.types.customers.identities import CustomerIdentity, FieldSource, IdentityEvidence
from gateway.graphql.types.customers.profiles import Customer
from gateway.graphql.types.node import Node
from gateway.graphql.types.outcomes import ERRORS, UserError
from gateway.model import mutation_result
from gateway.model.customers import reviews
from gateway.model.ids import GlobalId


def list_merged_ids(merge: reviews.CustomerMerge) -> list[strawberry.ID]:
    return [strawberry.ID(str(GlobalId("Customer", (id_,)))) for id_ in merge.merged_ids]


@output(
    reviews.CustomerMerge,
    "A decision of a person that customers are the same, or different ones. It can be undone.",
    scopes=CUSTOMERS_READ,
)
class CustomerMerge(Node):
    id: strawberry.ID = declare_global_id("CustomerMerge", "id")
    kind: reviews.CustomerMergeKind = attribute("Whether customers were merged or split.")
    proved: bool = attribute("Whether it is proved that they are one person, who then sees all of it.")
    customer: Customer | None = load("The customer, as of today.", load_customers, key=attrgetter("customer_id"))
    merged_ids: list[strawberry.ID] = compute("IDs of the customers as they were then.", list_merged_ids, size=10)
    evidence: list[IdentityEvidence] | None = attribute("What the decision is based on.", size=10)
    by: str = attribute("Name of the token of who decided. Empty: the customer.")
    note: str | None = attribute("Why. Null: not given.")
    merged_at: datetime = attribute("When it was decided.")
    undone_at: datetime | None = attribute("When it was undone. Null: it holds.")


@output(
    reviews.CustomerReview,
    "Customers that may be the same, and wait for a decision by a person.",
    scopes=CUSTOMERS_READ,
)
class CustomerReview(Node):
    id: strawberry.ID = declare_global_id("CustomerReview", "id")
    state: reviews.CustomerReviewState = attribute("State of the review.")
    customers: list[Customer] | None = load(
        "The customers, as of today.", make_list_loader(load_customers), key=attrgetter("customer_ids"), size=10
    )
    evidence: list[IdentityEvidence] | None = attribute("What suggests that they are the same, and what not.", size=10)
    reason: str = attribute("Why no automatic decision was possible.")
    created_at: datetime = attribute("When the review was opened.")
    decided_at: datetime | None = attribute("When it was decided. Null: it was not.")
    decided_by: str | None = attribute("Name of the token of who decided. Null: it is not decided.")
    merge: CustomerMerge | None = load(
        "The decision. Null: there is none, or it was undone.", load_merges, key=attrgetter("merge_id")
    )


@output(
    reviews.CustomerMergePreview,
    "What a merge of customers would result in. Nothing is written.",
    scopes=CUSTOMERS_ADMIN,
)
class CustomerMergePreview:
    display_name: str | None = attribute("The name of the customer. Null: not known.")
    identities: list[CustomerIdentity] = load(
        "All identities.", make_list_loader(load_identities), key=attrgetter("identity_ids"), size=50
    )
    sources: list[FieldSource] = attribute("Where the values would come from.", size=10)
    loyalty_balance: int = attribute("Points of all of them that can be spent now.")
    orders: int = attribute("Number of orders of all of them.")
    contradictions: list[IdentityEvidence] = attribute("What says that they are different customers.", size=10)


@output(mutation_result.MutationResult, "Result of a merge of customers.")
class CustomerMergePayload:
    customer: Customer | None = load(
        "The customer in its current state. Null: it was not found.", load_customers, key=attrgetter("subject")
    )
    merge: CustomerMerge | None = load(
        "The decision. Null: none was needed.",
        load_merges,
        key=lambda outcome: outcome.subjects[0] if outcome.subjects else None,
    )
    user_errors: list[UserError] = attribute(ERRORS)


@output(mutation_result.MutationResult, "Result of a split of a customer, or of undoing a decision.")
class CustomerSplitPayload:
    customers: list[Customer] | None = load(
        "The customers in their current state.", make_list_loader(load_customers), key=attrgetter("subjects")
    )
    merge: CustomerMerge | None = load("The decision. Null: it was not found.", load_merges, key=attrgetter("subject"))
    user_errors: list[UserError] = attribute(ERRORS)


@output(mutation_result.MutationResult, "Result of a decision on a customer review.")
class CustomerReviewPayload:
    review: CustomerReview | None = load(
        "The review in its current state. Null: it was not found.", load_customer_reviews, key=attrgetter("subject")
    )
    customer: Customer | None = load(
        "The customer that a decision for the same one results in. Null: there are several.",
        load_customers,
        key=lambda outcome: outcome.subjects[0] if len(outcome.subjects) == 1 else None,
    )
    user_errors: list[UserError] = attribute(ERRORS)
