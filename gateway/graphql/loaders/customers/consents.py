"""Loaders of consents."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.commerce.consents.derivation import find_consents
from gateway.execution.context import Context
from gateway.graphql.loaders.customers.profiles import load_customers
from gateway.model.customers.consents import Consent
from gateway.model.mutation_result import MutationResult


async def load_consents(context: Context, ids: Sequence[str]) -> Sequence[list[Consent]]:
    """Load the answers of customers."""
    consents = await context.read(find_consents, ids, proved=not context.caller.has_scope("customers:read"))
    return [list(consents[id_]) for id_ in ids]


async def load_changed_consents(context: Context, results: Sequence[MutationResult]) -> Sequence[Consent | None]:
    """Load the answers that mutations have changed."""
    ids = [result.subject for result in results]
    await context.load_all(load_customers, ids)  # notes which are the caller's own
    groups = await context.load_all(load_consents, ids)
    return [_find_changed(group, result) for group, result in zip(groups, results, strict=True)]


def _find_changed(consents: Sequence[Consent], result: MutationResult) -> Consent | None:
    purpose, address = result.subjects
    found = (one for one in consents if one.purpose.value == purpose and (one.address or "") == address)
    return next(found, None)
