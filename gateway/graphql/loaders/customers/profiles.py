"""Loaders of customers and their identities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated

import strawberry

from gateway.commerce.customers.customer_rows import VOID_ORDER_STATUSES
from gateway.commerce.customers.golden_records import find_golden_records
from gateway.commerce.customers.proved_profiles import find_proved_profiles
from gateway.execution.context import Context
from gateway.graphql.arguments import After, Before, First, Last
from gateway.graphql.connections import Connection, Paging, load_pages
from gateway.graphql.cursors import compute_fingerprint
from gateway.graphql.loaders.customers.ownership import claim_customers, find_own_id, select_own_homes
from gateway.graphql.loaders.factories import make_group_loader
from gateway.graphql.loaders.orders import map_location_keys
from gateway.graphql.runtime_protocol import get_runtime
from gateway.model.customers.golden_record import FieldSource
from gateway.model.customers.profiles import Customer, CustomerIdentity, IdentityEvidence
from gateway.model.customers.statistics import OrderStatistics
from gateway.model.money import Money, clamp_money
from gateway.storage.reads.customers import logins, profiles, statistics
from gateway.storage.reads.customers.statistics import OrderGroup

_load_all_lifetime_values = make_group_loader(profiles.find_lifetime_values)


async def load_lifetime_values(context: Context, ids: Sequence[str]) -> Sequence[Sequence[Money]]:
    """Load the totals of customers' orders, in the channels that the caller sees."""
    if context.visibility.channels is None:
        return await _load_all_lifetime_values(context, ids)
    groups = await context.read(statistics.find_order_groups, ids, VOID_ORDER_STATUSES, proved=False)
    return [_sum_orders(context, groups.get(id_, ()), None).total for id_ in ids]


async def load_customers(context: Context, ids: Sequence[str]) -> Sequence[Customer | None]:
    """Load customers by ID. Those who read customers see the ones of their channels; others see only themselves."""
    if context.identity_id is not None:
        return await _load_own_customers(context, ids)
    channels = context.visibility.channels if context.caller.has_scope("customers:read") else None
    rows = await context.read(profiles.find_customers, ids, channels)
    return [rows.get(id_) for id_ in ids]


async def _load_own_customers(context: Context, ids: Sequence[str]) -> Sequence[Customer | None]:
    """Load the shopper by any of its ids; other ids are None, as unknown ones are."""
    own_id, homes = await find_own_id(context), await select_own_homes(context, ids)
    own_ids = [own_id] if homes and own_id is not None else []
    found = await context.read(find_proved_profiles, own_ids, get_runtime(context).selling.customers)
    claim_customers(context, found.values())
    return [found.get(own_id or "") if id_ in homes else None for id_ in ids]


async def load_customers_of_identities(context: Context, ids: Sequence[str]) -> Sequence[Customer | None]:
    """Load the customers that identities belong to today."""
    homes = await context.read(logins.find_homes, ids)
    found = dict(zip(homes, await context.load_all(load_customers, list(homes.values())), strict=True))
    return [found.get(id_) for id_ in ids]


async def load_identities(context: Context, ids: Sequence[str]) -> Sequence[CustomerIdentity | None]:
    identities = await context.read(profiles.find_identities, ids)
    seen = {id_: identity for id_, identity in identities.items() if _can_see(context, identity)}
    return [_mask_identity(context, seen[id_]) if id_ in seen else None for id_ in ids]


def _can_see(context: Context, identity: CustomerIdentity) -> bool:
    return identity.channel_key is None or context.can_see_channel(identity.channel_key)


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
    return replace(identity, evidence=mask_evidence(context, identity.evidence))


def mask_evidence(context: Context, evidence: Sequence[IdentityEvidence]) -> tuple[IdentityEvidence, ...]:
    """Mask the compared values unless the caller may read personal data; and those of other records unless it sees all
    channels.
    """
    if context.caller.has_scope("customers:pii"):
        sees_all = context.visibility.channels is None
        return tuple(one if sees_all or one.other_id is None else _mask_value(one) for one in evidence)
    return tuple(map(_mask_value, evidence))


def _mask_value(evidence: IdentityEvidence) -> IdentityEvidence:
    return replace(evidence, value=None if evidence.value is None else f"{evidence.value[:1]}***")


async def load_field_sources(context: Context, ids: Sequence[str]) -> Sequence[list[FieldSource]]:
    """Load where the values of customers come from."""
    rules = get_runtime(context).selling.customers.survivorship
    records = await context.read(find_golden_records, ids, rules)
    return [list(records[id_].sources) if id_ in records else [] for id_ in ids]


async def load_order_counts(context: Context, ids: Sequence[str]) -> Sequence[int]:
    """Load how many orders name each identity."""
    counts = await context.read(statistics.count_orders, ids, VOID_ORDER_STATUSES)
    return [counts.get(id_, 0) for id_ in ids]


async def load_order_statistics(
    context: Context,
    ids: Sequence[str],
    *,
    channel_key: Annotated[
        str | None, strawberry.argument(description="Key of a channel. Default: all channels.")
    ] = None,
) -> Sequence[OrderStatistics]:
    """Load what customers have ordered, in all channels or one."""
    if channel_key is not None:
        context.require_channel(channel_key)
    is_own = context.identity_id is not None
    groups = await context.read(statistics.find_order_groups, ids, VOID_ORDER_STATUSES, proved=is_own)
    return [_sum_orders(context, groups.get(id_, ()), channel_key) for id_ in ids]


def _sum_orders(context: Context, groups: Sequence[OrderGroup], channel_key: str | None) -> OrderStatistics:
    counted = [group for group in groups if channel_key is None or group.channel == channel_key]
    seen = [group for group in counted if context.identity_id is not None or context.can_see_channel(group.channel)]
    totals: dict[str, int] = {}
    for group in seen:
        if group.currency is not None:
            totals[group.currency] = totals.get(group.currency, 0) + group.total
    location = statistics.find_favorite_location(seen)
    return OrderStatistics(
        count=sum(group.count for group in seen),
        total=tuple(clamp_money(total, currency) for currency, total in sorted(totals.items())),
        first_at=min((group.first_at for group in seen), default=None),
        last_at=max((group.last_at for group in seen), default=None),
        favorite_location=None if location is None else map_location_keys(context).get(location),
    )
