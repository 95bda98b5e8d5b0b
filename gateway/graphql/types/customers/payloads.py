"""Payloads of mutations of customers' consents and timelines."""

from __future__ import annotations

from operator import attrgetter

from gateway.execution.fields import attribute, load
from gateway.execution.object_types import output
from gateway.graphql.loaders.customers.address_book import load_customer_addresses
from gateway.graphql.loaders.customers.consents import load_changed_consents
from gateway.graphql.loaders.customers.profiles import load_customers
from gateway.graphql.loaders.customers.timeline import load_interactions
from gateway.graphql.types.customers.address_book import CustomerAddress
from gateway.graphql.types.customers.consents import Consent
from gateway.graphql.types.customers.profiles import Customer
from gateway.graphql.types.customers.timeline import Interaction
from gateway.graphql.types.outcomes import ERRORS, UserError
from gateway.model import mutation_result


@output(mutation_result.MutationResult, "Result of adding an interaction.")
class InteractionPayload:
    interaction: Interaction | None = load(
        "The interaction. Null: it was not added.", load_interactions, key=attrgetter("subject")
    )
    user_errors: list[UserError] = attribute(ERRORS)


@output(mutation_result.MutationResult, "Result of a decision about a consent.")
class ConsentPayload:
    consent: Consent | None = load(
        "The answer that counts now. Null: nothing was decided.",
        load_changed_consents,
        key=lambda result: result if result.subjects else None,
    )
    customer: Customer | None = load(
        "The customer in its current state. Null: it was not found.", load_customers, key=attrgetter("subject")
    )
    user_errors: list[UserError] = attribute(ERRORS)


@output(mutation_result.MutationResult, "Result of a change of a customer.")
class CustomerPayload:
    customer: Customer | None = load(
        "The customer in its current state. Null: it was not found.", load_customers, key=attrgetter("subject")
    )
    user_errors: list[UserError] = attribute(ERRORS)


@output(mutation_result.MutationResult, "Result of a change of an address book.")
class CustomerAddressPayload:
    address: CustomerAddress | None = load(
        "The address. Null: it was removed, or nothing was stored.",
        load_customer_addresses,
        key=lambda result: next(iter(result.subjects), None),
    )
    customer: Customer | None = load(
        "The customer in its current state. Null: it was not found.", load_customers, key=attrgetter("subject")
    )
    user_errors: list[UserError] = attribute(ERRORS)
