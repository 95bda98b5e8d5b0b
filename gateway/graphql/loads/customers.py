"""Customers and their identities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from gateway.execution.context import Context
from gateway.graphql.arguments import After, Before, First, Last
from gateway.graphql.connections import Connection, Paging, fingerprint, pages_of
from gateway.model.customers import Customer, CustomerIdentity, IdentityEvidence
from gateway.model.money import Money
from gateway.storage import customers as stored


async def customers(context: Context, ids: Sequence[str]) -> Sequence[Customer | None]:
    found = await context.read(stored.customers_by_id, ids)
    return [found.get(key) for key in ids]


async def lifetime_values(context: Context, ids: Sequence[str]) -> Sequence[Sequence[Money]]:
    found = await context.read(stored.lifetime_values, ids)
    return [found[key] for key in ids]


async def identities(context: Context, ids: Sequence[str]) -> Sequence[CustomerIdentity | None]:
    found = await context.read(stored.identities_by_id, ids)
    return [_masked(context, found[key]) if key in found else None for key in ids]


async def identities_of_customers(
    context: Context,
    ids: Sequence[str],
    *,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
) -> Sequence[Connection[CustomerIdentity]]:
    paging, mark = Paging(first, after, last, before), fingerprint("Customer.identities")
    pages = await pages_of(context, stored.identities_of_customers(), ids, paging, mark)
    return [page.holding([_masked(context, identity) for identity in page.nodes]) for page in pages]


def _masked(context: Context, identity: CustomerIdentity) -> CustomerIdentity:
    """What was compared is personal data."""
    if context.caller.may("customers:pii"):
        return identity
    return replace(identity, evidence=tuple(map(_masked_evidence, identity.evidence)))


def _masked_evidence(evidence: IdentityEvidence) -> IdentityEvidence:
    return replace(evidence, value=None if evidence.value is None else f"{evidence.value[:1]}***")
