"""Segments of the configuration, as filters of customers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gateway.execution.context import Context
from gateway.execution.errors import BadUserInputError
from gateway.graphql.runtime_protocol import get_runtime
from gateway.model import validation
from gateway.model.money import Money
from gateway.settings.segments import LifetimeValueTable, SegmentFilterTable
from gateway.storage.reads.customers.search import AmountRange, CountRange, CustomerQuery, TierCondition


def build_segment_queries(context: Context) -> Mapping[str, CustomerQuery]:
    """Build the queries of all segments, by key."""
    return {key: build_segment_query(context, table.filter) for key, table in context.gateway.settings.segments.items()}


def find_segment_query(context: Context, key: str) -> CustomerQuery:
    """Find the query of a segment.

    Raises:
        BadUserInputError: there is no such segment.
    """
    table = context.gateway.settings.segments.get(key)
    if table is None:
        raise BadUserInputError(f"There is no segment {key!r}.")
    return build_segment_query(context, table.filter)


def build_segment_query(context: Context, table: SegmentFilterTable) -> CustomerQuery:
    """Build the query of a segment."""
    now, skus = context.now, table.bought_skus
    ages = (table.first_order_since, table.last_order_since, table.last_order_before)
    first_since, last_since, last_before = (None if age is None else now - age for age in ages)
    locations, count = table.bought_at_location_keys, table.order_count
    return CustomerQuery(
        channels=table.channel_keys,
        visible_channels=context.visibility.channels,
        tags=table.tags,
        consent=None if table.has_consent is None else table.has_consent.value,
        mix=table.channel_mix,
        spent=None if table.lifetime_value is None else _read_amounts(table.lifetime_value),
        orders=None if count is None else CountRange(count.min, count.max),
        first_order_since=first_since,
        last_order_since=last_since,
        last_order_before=last_before,
        shops=None if locations is None else list_shops(context, locations),
        skus=None if skus is None else tuple(map(validation.normalize_sku, skus)),
        has_login=table.has_login,
        tier=None if table.loyalty_tiers is None else build_tier_condition(context, table.loyalty_tiers),
        balance=None if (points := table.loyalty_balance) is None else CountRange(points.min, points.max),
        has_open_review=table.has_open_review,
    )


def _read_amounts(table: LifetimeValueTable) -> AmountRange:
    least, most = (
        None if limit is None else Money.of(limit, table.currency_code).minor for limit in (table.min, table.max)
    )
    return AmountRange(least, most, table.currency_code)


def list_shops(context: Context, location_keys: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """List the external locations (channel, id) of locations."""
    locations = [context.require_location(key) for key in location_keys]
    return tuple(shop for location in locations for shop in location.external_ids.items())


def build_tier_condition(context: Context, keys: Sequence[str]) -> TierCondition:
    """Build the condition on the loyalty tier.

    Raises:
        BadUserInputError: the program has no such tier, or there is none.
    """
    program = get_runtime(context).selling.loyalty
    tiers = () if program is None else tuple(tier.key for tier in program.tiers)
    if unknown := sorted(set(keys) - set(tiers)):
        raise BadUserInputError(
            f"There is no loyalty tier {unknown[0]!r}; expected one of {', '.join(tiers) or 'none'}."
        )
    return TierCondition(tiers, tuple(keys), context.now)
