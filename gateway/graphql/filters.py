"""Conversion of filter inputs to the queries of storage; products have a module of their own."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from types import MappingProxyType
from typing import TypeVar

import strawberry

from gateway.execution.context import Context
from gateway.execution.errors import BadUserInputError
from gateway.graphql.customer_visibility import require_all_channels
from gateway.graphql.global_ids import parse_row_id
from gateway.graphql.inputs import (
    CustomerFilter,
    CustomerOrderFilter,
    CustomerSort,
    IntRangeInput,
    ListingFilter,
    MoneyRangeInput,
    OrderFilter,
    OrderSort,
    ProductVariantFilter,
    StockLevelFilter,
)
from gateway.graphql.scopes import PERSONAL_DATA
from gateway.graphql.segments import build_tier_condition, find_segment_query, list_shops
from gateway.model import validation
from gateway.model.money import Money
from gateway.model.search.terms import SynonymTable
from gateway.model.validation import InvalidValueError
from gateway.storage.reads.catalog import ListingQuery, VariantQuery
from gateway.storage.reads.customers.search import AmountRange, CountRange, CustomerQuery
from gateway.storage.reads.orders import OrderQuery
from gateway.storage.reads.stock_levels import LevelQuery
from gateway.storage.sql.text_search import Search, parse_search_text

T = TypeVar("T")
MAX_SEARCH_WORDS = 20
MAX_SEARCH_LENGTH = 500


def unwrap(value: T | None) -> T | None:
    """Return the value of an input field, or None if the field is omitted."""
    return None if value is strawberry.UNSET else value


def read_list(values: Sequence[T] | None) -> tuple[T, ...] | None:
    """Return a list of a filter, or None if it is omitted."""
    items = unwrap(values)
    return None if items is None else tuple(items)


def read_enum_values(values: Sequence[Enum] | None) -> tuple[str, ...] | None:
    """Return the values of a list of enum members, or None if it is omitted."""
    members = read_list(values)
    return None if members is None else tuple(member.value for member in members)


def read_channel_keys(context: Context, values: Sequence[str] | None) -> tuple[str, ...] | None:
    """Return a list of keys of configured channels, or None if it is omitted."""
    keys = read_list(values)
    return None if keys is None else tuple(context.require_channel(key) for key in keys)


def _read_visible_channels(context: Context, values: Sequence[str] | None) -> tuple[str, ...] | None:
    """Return a list of keys of channels; omitted, those that the caller sees, or None if it sees all."""
    keys = read_channel_keys(context, values)
    return context.visibility.channels if keys is None else keys


def parse_search(text: str | None, synonyms: SynonymTable = MappingProxyType({})) -> Search | None:
    """Parse a search text. Its number of words is limited: each word is a condition of the database statement."""
    if text is not None and len(text) > MAX_SEARCH_LENGTH:
        raise BadUserInputError(f"search may have at most {MAX_SEARCH_LENGTH} characters.")
    if text is not None and len(text.split()) > MAX_SEARCH_WORDS:
        raise BadUserInputError(f"search may have at most {MAX_SEARCH_WORDS} words.")
    return parse_search_text(text, synonyms)


def build_variant_query(context: Context, channel: str | None, filter_: ProductVariantFilter | None) -> VariantQuery:
    fields = filter_ or ProductVariantFilter()
    return VariantQuery(
        visibility=context.visibility,
        channel=None if channel is None else context.require_channel(channel),
        skus=_read_skus(fields.skus),
        gtins=_read_gtins(fields.gtins),
        updated_since=unwrap(fields.updated_since),
    )


def build_listing_query(context: Context, channel: str | None, filter_: ListingFilter | None) -> ListingQuery:
    fields = filter_ or ListingFilter()
    return ListingQuery(
        visibility=context.visibility,
        channel=None if channel is None else context.require_channel(channel),
        statuses=read_enum_values(fields.statuses),
        unmatched=unwrap(fields.unmatched),
        updated_since=unwrap(fields.updated_since),
        push_states=read_enum_values(fields.push_states),
    )


def build_level_query(context: Context, filter_: StockLevelFilter | None) -> LevelQuery:
    fields = filter_ or StockLevelFilter()
    return LevelQuery(
        visibility=context.visibility,
        skus=_read_skus(fields.skus),
        below=unwrap(fields.below_available),
        changed_since=unwrap(fields.changed_since),
    )


def _read_skus(values: Sequence[str] | None) -> tuple[str, ...] | None:
    skus = read_list(values)
    return None if skus is None else tuple(map(validation.normalize_sku, skus))


def _check_gtin(text: str) -> str:
    return validation.check_gtin("gtins", text) or ""


def _read_gtins(values: Sequence[str] | None) -> tuple[str, ...] | None:
    gtins = read_list(values)
    if gtins is None:
        return None
    try:
        return tuple(gtin for text in gtins for gtin in validation.list_gtins(text) or [_check_gtin(text)])
    except InvalidValueError as error:
        raise BadUserInputError(f"{error}.") from error


OVER_ALL_CHANNELS = (
    "segment",
    "channel_mix",
    "lifetime_value",
    "order_count",
    "first_order_since",
    "last_order_since",
    "last_order_before",
    "bought_at_location_keys",
    "bought_skus",
    "has_open_review",
    "loyalty_tiers",
    "loyalty_balance",
)
"""Filters of customers by what they did in any channel: who sees some channels only would learn it by asking."""


def build_customer_query(
    context: Context, search: str | None, filter_: CustomerFilter | None, sort: CustomerSort | None
) -> CustomerQuery:
    """Build a query for customers. Filtering by contact data requires the scope to read it, or it would reveal it."""
    fields = filter_ or CustomerFilter()
    email, phone = unwrap(fields.email), unwrap(fields.phone)
    if email is not None or phone is not None:
        context.require(PERSONAL_DATA)
    if any(unwrap(getattr(fields, name)) is not None for name in OVER_ALL_CHANNELS):
        require_all_channels(context)
    contacts = [("email", validation.fold(email))] if email is not None else []
    contacts += [("phone", "".join(filter(str.isdigit, phone)))] if phone is not None else []
    return CustomerQuery(
        search=parse_search(search),
        channels=read_channel_keys(context, fields.channel_keys),
        visible_channels=context.visibility.channels,
        tags=read_list(fields.tags),
        contacts=tuple(contacts),
        loyalty_number=unwrap(fields.loyalty_number),
        updated_since=unwrap(fields.updated_since),
        consent=_get_value(unwrap(fields.has_consent)),
        mix=_get_value(unwrap(fields.channel_mix)),
        spent=None if (amounts := unwrap(fields.lifetime_value)) is None else _read_amounts(amounts),
        orders=None if (count := unwrap(fields.order_count)) is None else CountRange(*_read_limits(count)),
        first_order_since=unwrap(fields.first_order_since),
        last_order_since=unwrap(fields.last_order_since),
        last_order_before=unwrap(fields.last_order_before),
        shops=None if (keys := unwrap(fields.bought_at_location_keys)) is None else list_shops(context, keys),
        skus=_read_skus(fields.bought_skus),
        has_open_review=unwrap(fields.has_open_review),
        has_login=unwrap(fields.has_login),
        tier=None if (tiers := read_list(fields.loyalty_tiers)) is None else build_tier_condition(context, tiers),
        balance=None if (points := unwrap(fields.loyalty_balance)) is None else CountRange(*_read_limits(points)),
        segment=None if (segment := unwrap(fields.segment)) is None else find_segment_query(context, segment),
        sort="NAME" if sort is None else sort.key.value,
        descending=sort is not None and sort.direction.value == "DESC",
    )


def _get_value(value: Enum | None) -> str | None:
    return None if value is None else str(value.value)


def _read_limits(limits: IntRangeInput) -> tuple[int | None, int | None]:
    return unwrap(limits.min), unwrap(limits.max)


def _read_amounts(amounts: MoneyRangeInput) -> AmountRange:
    """Read a range of amounts.

    Raises:
        BadUserInputError: an amount has more digits than the currency, or the currency is unknown.
    """
    currency = str(amounts.currency_code)
    try:
        least, most = (
            None if limit is None else Money.of(limit, currency).minor
            for limit in (unwrap(amounts.min), unwrap(amounts.max))
        )
    except InvalidValueError as error:
        raise BadUserInputError(f"filter.lifetimeValue: {error}.") from error
    return AmountRange(least, most, currency)


def build_order_query(
    context: Context, search: str | None, filter_: OrderFilter | None, sort: OrderSort | None
) -> OrderQuery:
    fields = filter_ or OrderFilter()
    customer, location = unwrap(fields.customer_id), unwrap(fields.location_key)
    return OrderQuery(
        search=parse_search(search),
        channels=_read_visible_channels(context, fields.channel_keys),
        statuses=read_enum_values(fields.statuses),
        fulfillment_statuses=read_enum_values(fields.fulfillment_statuses),
        payment_statuses=read_enum_values(fields.payment_statuses),
        placed_since=unwrap(fields.placed_since),
        placed_before=unwrap(fields.placed_before),
        updated_since=unwrap(fields.updated_since),
        customer_id=None if customer is None else parse_row_id("filter.customerId", "Customer", customer),
        shops=None if location is None else tuple(context.require_location(location).external_ids.items()),
        skus=_read_skus(fields.skus),
        include_test=bool(unwrap(fields.include_test)),
        sort="PLACED_AT" if sort is None else sort.key.value,
        descending=sort is None or sort.direction.value == "DESC",
    )


def build_customer_order_query(context: Context, filter_: CustomerOrderFilter | None) -> OrderQuery:
    """Build a query for the orders of a customer. Shoppers see their own in all channels."""
    fields, is_own = filter_ or CustomerOrderFilter(), context.identity_id is not None
    read_channels = read_channel_keys if is_own else _read_visible_channels
    return OrderQuery(
        channels=read_channels(context, fields.channel_keys),
        statuses=read_enum_values(fields.statuses),
        placed_since=unwrap(fields.placed_since),
        placed_before=unwrap(fields.placed_before),
    )


def select_source_channels(context: Context, *selections: str | Sequence[str] | None) -> tuple[str, ...]:
    """Return the keys of the channels that a list is read from: the first selection that is not None, or all."""
    for selection in selections:
        if selection is not None:
            return (selection,) if isinstance(selection, str) else tuple(selection)
    return tuple(context.channels)
