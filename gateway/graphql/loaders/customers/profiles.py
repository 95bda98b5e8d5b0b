"""Loaders of customers and their identities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from gateway.execution.context import Context
from gateway.graphql.arguments import After, Before, First, Last
from gateway.graphql.connections import Connection, Paging, load_pages
from gateway.graphql.cursors import compute_fingerprint
from gateway.graphql.loaders.factories import make_group_loader
from gateway.model.customers.profiles import Customer, CustomerIdentity, IdentityEvidence
from gateway.storage.reads.customers import profiles

load_lifetime_values = make_group_loader(profiles.find_lifetime_values)


async def load_customers(context: Context, ids: Sequence[str]) -> Sequence[Customer | None]:
    """Load customers by ID. Those who read customers see the ones of their channels; others see only themselves."""
    channels = context.visibility.channels if context.caller.has_scope("customers:read") else None
    rows = await context.read(profiles.find_customers, ids, channels)
    return [rows.get(id_) for id_ in ids]


async def load_identities(context: Context, ids: Sequence[str]) -> Sequence[CustomerIdentity | None]:
    identities = await context.read(profiles.find_identities, ids)
    seen = {id_: identity for id_, identity in identities.items() if context.can_see_channel(identity.channel_key)}
    return [_mask_identity(context, seen[id_]) if id_ in seen else None for id_ in ids]


async def load_identities_by_customer(
    context: Context,
    ids: Sequence[str],
    *,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
) -> Sequence[Connection[CustomerIdentity]]:
    paging, fingerprint = Paging(first, after, last, before), compute_fingerprint("Customer.identities")
    rows = profiles.list_identities_of_customers(context.visibility.channels)
    pages = await load_pages(context, rows, ids, paging, fingerprint)
    return [page.replace_nodes([_mask_identity(context, identity) for identity in page.nodes]) for page in pages]


def _mask_identity(context: Context, identity: CustomerIdentity) -> CustomerIdentity:
    """Mask the compared values unless the caller may read personal data."""
    if context.caller.has_scope("customers:pii"):
        return identity
    return replace(identity, evidence=tuple(map(_mask_evidence, identity.evidence)))


def _mask_evidence(evidence: IdentityEvidence) -> IdentityEvidence:
    return replace(evidence, value=None if evidence.value is None else f"{evidence.value[:1]}***")
