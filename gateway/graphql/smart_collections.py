"""Collections of the configuration: their filters and sort orders as those of product lists."""

from __future__ import annotations

from decimal import Decimal

from gateway.execution.context import Context
from gateway.graphql.enums import ProductSortKey, SortDirection
from gateway.graphql.inputs import AttributeRangeInput, FacetInput, MoneyRangeInput, ProductFilter, ProductSort
from gateway.graphql.scalars import CurrencyCode
from gateway.settings.collections import (
    CHANNEL_SORTS,
    AttributeRangeTable,
    CollectionFilterTable,
    CollectionTable,
    PriceTable,
)

PLAIN_FIELDS = frozenset(CollectionFilterTable.model_fields) - {"channel_keys", "facets", "price", "attribute_ranges"}
"""Fields that are in the configuration as they are in a query."""


def select_channel(context: Context, table: CollectionTable, channel: str | None) -> str | None:
    """Select the channel in which a collection compares prices and stock: its own, that of the query, or the default
    one if it needs any.
    """
    if table.channel is not None:
        return table.channel
    if channel is not None:
        return context.require_channel(channel)
    needs_channel = (
        table.filter.on_sale is not None or table.filter.price is not None or table.sort.key in CHANNEL_SORTS
    )
    return context.resolve_channel(None) if needs_channel else None


def build_filter(context: Context, table: CollectionTable) -> ProductFilter:
    """Build the filter, without channels that the caller does not see."""
    filter_, given = ProductFilter(), table.filter
    for name in PLAIN_FIELDS:
        if (value := getattr(given, name)) is not None:
            setattr(filter_, name, list(value) if isinstance(value, tuple) else value)
    if given.channel_keys is not None:
        filter_.channel_keys = [key for key in given.channel_keys if key in context.channels]
    if given.facets:
        filter_.facets = [FacetInput(key=facet.key, values=list(facet.values)) for facet in given.facets]
    if given.price is not None:
        bounds, currency = _list_bounds(given.price), CurrencyCode(given.price.currency_code)
        filter_.price = MoneyRangeInput(**bounds, currency_code=currency)
    if given.attribute_ranges:
        filter_.attribute_ranges = [
            AttributeRangeInput(key=bounds.key, **_list_bounds(bounds)) for bounds in given.attribute_ranges
        ]
    return filter_


def _list_bounds(table: AttributeRangeTable | PriceTable) -> dict[str, Decimal]:
    return {name: bound for name, bound in (("min", table.min), ("max", table.max)) if bound is not None}


def build_sort(table: CollectionTable, *, is_reversed: bool = False) -> ProductSort:
    """Build the sort order, or the reverse of it."""
    is_descending = (table.sort.direction == "DESC") != is_reversed
    direction = SortDirection.DESC if is_descending else SortDirection.ASC
    return ProductSort(key=ProductSortKey[table.sort.key], direction=direction)


def has_selection(table: CollectionTable) -> bool:
    """Return whether facets would take a part of the filter for what the client has selected."""
    return bool(table.filter.facets) or table.filter.price is not None
