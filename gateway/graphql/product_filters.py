"""Conversion of product filters to the product query of storage."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from math import ceil
from typing import Any

from gateway.execution.caching.cache_control import DataKind
from gateway.execution.context import Context
from gateway.execution.errors import BadUserInputError
from gateway.graphql.filters import parse_search, read_channel_keys, read_enum_values, read_list, unwrap
from gateway.graphql.global_ids import build_id_error, parse_global_id, parse_row_id
from gateway.graphql.inputs import AttributeRangeInput, FacetInput, MoneyRangeInput, ProductFilter, ProductSort
from gateway.graphql.loaders.collections import list_smart_collections
from gateway.graphql.loaders.stock import get_counted_locations, get_selling_channel, list_selling_locations
from gateway.graphql.smart_collections import build_filter, select_channel
from gateway.model.attributes.values import MICROS, clamp_micros
from gateway.model.ids import is_row_id
from gateway.model.money import Money
from gateway.model.validation import InvalidValueError
from gateway.storage.reads import stock_levels
from gateway.storage.reads.facets import PRICE
from gateway.storage.reads.product_search import (
    BRAND,
    CATEGORY,
    OPTION,
    POSITION,
    TAG,
    NumberRange,
    PriceRange,
    ProductQuery,
)
from gateway.storage.sql.text_search import Search
from gateway.storage.writes.sold_units import ALL_CHANNELS


def build_product_query(
    context: Context, channel: str | None, search: str | None, filter_: ProductFilter | None, sort: ProductSort | None
) -> ProductQuery:
    fields = filter_ or ProductFilter()
    parsed_search = parse_search(search, context.gateway.settings.search.synonym_table)
    return ProductQuery(
        visibility=context.visibility,
        channel=None if channel is None else context.require_channel(channel),
        search=parsed_search,
        channels=read_channel_keys(context, fields.channel_keys),
        statuses=read_enum_values(fields.statuses),
        brands=read_list(fields.brands),
        categories=_read_category_ids(fields.category_ids),
        collections=_read_collections(fields.collection_ids),
        matching=_build_smart_queries(context, channel, fields.collection_ids),
        tags=read_list(fields.tags),
        price=_read_price_range(channel, unwrap(fields.price)),
        on_sale=_read_on_sale(channel, unwrap(fields.on_sale)),
        min_rating=_read_min_rating(unwrap(fields.min_rating)),
        created_since=unwrap(fields.created_since),
        updated_since=unwrap(fields.updated_since),
        facets=_read_facets(context, fields.facets),
        ranges=_read_ranges(context, fields.attribute_ranges),
        attributes=tuple(key for key, it in context.gateway.attributes.items() if it.facet),
        conditions=tuple(_build_availability_conditions(context, channel, fields)),
        stock_filter=_describe_availability(context, channel, fields),
        sold_in=_select_sales(context, channel, sort),
        sort=_select_sort_key(parsed_search, channel, sort),
        descending=sort is not None and sort.direction.value == "DESC",
    )


def check_facet_key(context: Context, key: str) -> str:
    """Return the key of a facet.

    Raises:
        BadUserInputError: There is no such facet.
    """
    definition = context.gateway.attributes.get(key)
    if definition is not None and definition.facet:
        return key
    if key in (BRAND, CATEGORY, TAG, PRICE) or (key.startswith(OPTION) and key != OPTION):
        return key
    raise BadUserInputError(f"There is no facet {key!r}. Use brand, category, tag, price, option.NAME or an attribute.")


def _read_ranges(context: Context, inputs: Sequence[AttributeRangeInput] | None) -> tuple[NumberRange, ...]:
    return tuple(_read_range(context, given) for given in read_list(inputs) or ())


def _read_range(context: Context, given: AttributeRangeInput) -> NumberRange:
    definition = context.gateway.attributes.get(given.key)
    if definition is None or not definition.range:
        raise BadUserInputError(f"There is no attribute {given.key!r} with ranges.")
    bounds = [unwrap(bound) for bound in (given.min, given.max)]
    if bounds == [None, None]:
        raise BadUserInputError(f"The range of {given.key} requires min or max.")
    least, most = (None if bound is None else round(bound * MICROS) for bound in bounds)
    return NumberRange(given.key, *(None if bound is None else clamp_micros(bound) for bound in (least, most)))


def _read_facets(context: Context, values: Sequence[FacetInput] | None) -> tuple[tuple[str, tuple[str, ...]], ...]:
    facets = read_list(values) or ()
    if len({facet.key for facet in facets}) < len(facets):
        raise BadUserInputError("facets must contain each key at most once.")
    return tuple((check_facet_key(context, facet.key), _read_facet_values(facet)) for facet in facets)


def _read_facet_values(facet: FacetInput) -> tuple[str, ...]:
    if facet.key == PRICE:
        raise BadUserInputError("The facet price cannot be selected. Use filter.price.")
    values = read_list(facet.values) or ()
    if not values:
        raise BadUserInputError(f"The facet {facet.key} requires at least one value.")
    return _parse_categories("filter.facets.values", values) if facet.key == CATEGORY else values


def _read_category_ids(ids: Sequence[str] | None) -> tuple[str, ...] | None:
    category_ids = read_list(ids)
    return None if category_ids is None else _parse_categories("filter.categoryIds", category_ids)


def _parse_categories(argument: str, ids: Sequence[str]) -> tuple[str, ...]:
    return tuple(parse_row_id(f"{argument}.{number}", "Category", id_) for number, id_ in enumerate(ids))


def _read_collections(ids: Sequence[str] | None) -> tuple[str, ...] | None:
    """Read the row IDs of collections of channels. Unknown ones match nothing."""
    given = read_list(ids)
    return None if given is None else tuple(filter(is_row_id, _parse_collections(given)))


def _build_smart_queries(context: Context, channel: str | None, ids: Sequence[str] | None) -> tuple[ProductQuery, ...]:
    """Build the filters of collections of the configuration."""
    tables, smart = context.gateway.settings.collections, list_smart_collections(context)
    found = [tables[key] for key in _parse_collections(read_list(ids) or ()) if key in smart]
    return tuple(
        build_product_query(context, select_channel(context, table, channel), None, build_filter(context, table), None)
        for table in found
    )


def _parse_collections(ids: Sequence[str]) -> list[str]:
    return [_parse_collection_key(f"filter.collectionIds.{number}", id_) for number, id_ in enumerate(ids)]


def _parse_collection_key(argument: str, text: str) -> str:
    """Parse the ID of a collection: a row ID, or a key of the configuration."""
    global_id = parse_global_id(argument, text)
    if global_id.type != "Collection" or len(global_id.parts) != 1:
        raise build_id_error(argument, text, "Collection")
    return global_id.key


def _read_price_range(channel: str | None, price: MoneyRangeInput | None) -> PriceRange | None:
    if price is None:
        return None
    if channel is None:
        raise BadUserInputError("filter.price requires channelKey.")
    return PriceRange(
        currency=price.currency_code,
        least=_convert_to_minor(unwrap(price.min), price.currency_code),
        most=_convert_to_minor(unwrap(price.max), price.currency_code),
    )


def _read_on_sale(channel: str | None, on_sale: bool | None) -> bool | None:
    if on_sale is not None and channel is None:
        raise BadUserInputError("filter.onSale requires channelKey.")
    return on_sale


def _read_min_rating(stars: float | None) -> int | None:
    """Read the least average, in hundredths of a star."""
    if stars is None:
        return None
    if not 1 <= stars <= 5:
        raise BadUserInputError("filter.minRating must be between 1 and 5.")
    return ceil(Decimal(str(stars)) * 100)


def _convert_to_minor(amount: Decimal | None, currency: str) -> int | None:
    try:
        return None if amount is None else Money.of(amount, currency).minor
    except InvalidValueError as error:
        raise BadUserInputError(f"{error}.") from error


def _build_availability_conditions(context: Context, channel: str | None, fields: ProductFilter) -> Iterable[Any]:
    """Build conditions from the same definition of available stock as the fields (rule K1)."""
    for_sale, location = unwrap(fields.available_for_sale), unwrap(fields.available_at_location_key)
    if (for_sale, location) != (None, None):
        context.cache_policy.add_kind(DataKind.STOCK)
    if for_sale is not None:
        seller = context.resolve_channel(channel)
        locations = get_counted_locations(context, list_selling_locations(context, seller))
        sellable = stock_levels.is_product_sellable(get_selling_channel(context, seller), locations)
        yield sellable if for_sale else ~sellable
    if location is not None:
        yield stock_levels.is_product_available_at(
            *get_counted_locations(context, [context.require_location(location)])
        )


def _describe_availability(
    context: Context, channel: str | None, fields: ProductFilter
) -> tuple[str | bool | None, ...]:
    """Describe what these conditions depend on besides the configuration."""
    for_sale, location = unwrap(fields.available_for_sale), unwrap(fields.available_at_location_key)
    return (for_sale, None if for_sale is None else context.resolve_channel(channel), location)


def _select_sales(context: Context, channel: str | None, sort: ProductSort | None) -> str:
    """Select whose sales best sellers are sorted by: of all channels only for a caller that sees all."""
    if sort is None or sort.key.value != "BEST_SELLING":
        return ALL_CHANNELS
    context.cache_policy.is_uncacheable = True  # the counts change without an entry of the change log
    return ALL_CHANNELS if channel is None and context.visibility.channels is None else context.resolve_channel(channel)


def _select_sort_key(search: Search | None, channel: str | None, sort: ProductSort | None) -> str:
    if sort is None:
        return "TITLE" if search is None else "RELEVANCE"
    if sort.key.value == POSITION:
        raise BadUserInputError("Sorting by POSITION requires a collection: use Collection.products.")
    if sort.key.value in ("PRICE", "DISCOUNT") and channel is None:
        raise BadUserInputError(f"Sorting by {sort.key.value} requires channelKey.")
    if sort.key.value == "RELEVANCE" and search is None:
        raise BadUserInputError("Sorting by RELEVANCE requires search.")
    return sort.key.value
