"""From filters as they are given to queries as storage takes them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from enum import Enum
from typing import Any, TypeVar

import strawberry

from gateway.execution.context import Context
from gateway.execution.errors import BadUserInputError
from gateway.execution.keeping import Data
from gateway.graphql.ids import row_id
from gateway.graphql.inputs import (
    CustomerFilter,
    CustomerOrderFilter,
    CustomerSort,
    FacetInput,
    ListingFilter,
    MoneyRangeInput,
    OrderFilter,
    OrderSort,
    ProductFilter,
    ProductSort,
    ProductVariantFilter,
    StockLevelFilter,
)
from gateway.graphql.loads import stock
from gateway.model import values
from gateway.model.money import Money
from gateway.model.values import InvalidValueError
from gateway.storage import levels
from gateway.storage.catalog import ListingQuery, VariantQuery
from gateway.storage.customers import CustomerQuery
from gateway.storage.facets import PRICE
from gateway.storage.finding import BRAND, CATEGORY, OPTION, TAG, PriceRange, ProductQuery
from gateway.storage.levels import LevelQuery
from gateway.storage.orders import OrderQuery
from gateway.storage.search import Search, search_for

T = TypeVar("T")
MOST = 250
"""How many values a list in a filter may have."""
MOST_WORDS = 20
LONGEST_SEARCH = 500


def present(value: T | None) -> T | None:
    """The value; None where it was left out."""
    return None if value is strawberry.UNSET else value


def wanted(found: Sequence[T] | None) -> tuple[T, ...] | None:
    """A list of a filter; None where it was left out."""
    given = present(found)
    if given is None:
        return None
    if len(given) > MOST:
        raise BadUserInputError(f"A list in a filter has at most {MOST} values.")
    return tuple(given)


def searched(text: str | None) -> Search | None:
    """What is searched for; each word of it is a condition that the database has to look up."""
    if text is not None and len(text) > LONGEST_SEARCH:
        raise BadUserInputError(f"search has at most {LONGEST_SEARCH} characters.")
    found = search_for(text)
    if found is not None and len(found.words) > MOST_WORDS:
        raise BadUserInputError(f"search has at most {MOST_WORDS} words.")
    return found


def _names(found: Sequence[Enum] | None) -> tuple[str, ...] | None:
    given = wanted(found)
    return None if given is None else tuple(item.value for item in given)


def _keys(context: Context, found: Sequence[str] | None) -> tuple[str, ...] | None:
    given = wanted(found)
    return None if given is None else tuple(context.known_channel(key) for key in given)


def _skus(found: Sequence[str] | None) -> tuple[str, ...] | None:
    given = wanted(found)
    return None if given is None else tuple(map(values.sku_key, given))


def _gtins(found: Sequence[str] | None) -> tuple[str, ...] | None:
    given = wanted(found)
    try:
        return None if given is None else tuple(values.gtin("gtins", text) or "" for text in given)
    except InvalidValueError as error:
        raise BadUserInputError(f"{error}.") from error


def products(
    context: Context, channel: str | None, search: str | None, filter_: ProductFilter | None, sort: ProductSort | None
) -> ProductQuery:
    """The products that are wanted."""
    given = filter_ or ProductFilter()
    wanted_words = searched(search)
    return ProductQuery(
        everything=context.sees_all_products,
        channel=None if channel is None else context.known_channel(channel),
        search=wanted_words,
        channels=_keys(context, given.channel_keys),
        statuses=_names(given.statuses),
        brands=wanted(given.brands),
        categories=_row_ids("Category", given.category_ids),
        tags=wanted(given.tags),
        price=_price(channel, present(given.price)),
        updated_since=present(given.updated_since),
        facets=_facets(given.facets),
        conditions=tuple(_availability(context, channel, given)),
        sort=_sort_key(wanted_words, channel, sort),
        descending=sort is not None and sort.direction.value == "DESC",
    )


def _facets(found: Sequence[FacetInput] | None) -> tuple[tuple[str, tuple[str, ...]], ...]:
    given = wanted(found) or ()
    if len({one.key for one in given}) < len(given):
        raise BadUserInputError("facets names each key once.")
    return tuple((facet_key(one.key), _facet_values(one)) for one in given)


def _facet_values(given: FacetInput) -> tuple[str, ...]:
    if given.key == PRICE:
        raise BadUserInputError("Prices are narrowed down by filter.price.")
    values_ = wanted(given.values) or ()
    if not values_:
        raise BadUserInputError(f"The facet {given.key} needs at least one value.")
    return tuple(row_id("Category", text) for text in values_) if given.key == CATEGORY else values_


def facet_key(key: str) -> str:
    """A facet's key, if there is such a facet."""
    if key in (BRAND, CATEGORY, TAG, PRICE) or (key.startswith(OPTION) and key != OPTION):
        return key
    raise BadUserInputError(f"There is no facet {key!r}; expected brand, category, tag, price or option.NAME.")


def _sort_key(search: Search | None, channel: str | None, sort: ProductSort | None) -> str:
    if sort is None:
        return "TITLE" if search is None else "RELEVANCE"
    if sort.key.value == "PRICE" and channel is None:
        raise BadUserInputError("Sorting by PRICE needs channelKey.")
    if sort.key.value == "RELEVANCE" and search is None:
        raise BadUserInputError("Sorting by RELEVANCE needs search.")
    return sort.key.value


def _row_ids(type_name: str, ids: Sequence[str] | None) -> tuple[str, ...] | None:
    given = wanted(ids)
    return None if given is None else tuple(row_id(type_name, text) for text in given)


def _price(channel: str | None, price: MoneyRangeInput | None) -> PriceRange | None:
    if price is None:
        return None
    if channel is None:
        raise BadUserInputError("Filtering by price needs channelKey.")
    return PriceRange(
        currency=price.currency_code,
        least=_minor(present(price.min), price.currency_code),
        most=_minor(present(price.max), price.currency_code),
    )


def _minor(amount: Decimal | None, currency: str) -> int | None:
    try:
        return None if amount is None else Money.of(amount, currency).minor
    except InvalidValueError as error:
        raise BadUserInputError(f"{error}.") from error


def _availability(context: Context, channel: str | None, given: ProductFilter) -> Iterable[Any]:
    """Conditions by the one definition of what can be sold."""
    wanted_state, location = present(given.available_for_sale), present(given.available_at_location_key)
    if (wanted_state, location) != (None, None):
        context.keeping.note(Data.STOCK)
    if wanted_state is not None:
        seller = context.channel(channel)
        sold = levels.can_be_sold(seller, stock.counted(context, stock.places_of(context, seller)))
        yield sold if wanted_state else ~sold
    if location is not None:
        yield levels.can_be_had_at(*stock.counted(context, [context.known_location(location)]))


def variants(context: Context, channel: str | None, filter_: ProductVariantFilter | None) -> VariantQuery:
    """The variants that are wanted."""
    given = filter_ or ProductVariantFilter()
    return VariantQuery(
        everything=context.sees_all_products,
        channel=None if channel is None else context.known_channel(channel),
        skus=_skus(given.skus),
        gtins=_gtins(given.gtins),
        updated_since=present(given.updated_since),
    )


def listings(context: Context, channel: str | None, filter_: ListingFilter | None) -> ListingQuery:
    """The listings that are wanted."""
    given = filter_ or ListingFilter()
    return ListingQuery(
        everything=context.sees_all_products,
        channel=None if channel is None else context.known_channel(channel),
        statuses=_names(given.statuses),
        unmatched=present(given.unmatched),
        updated_since=present(given.updated_since),
        push_states=_names(given.push_states),
    )


def stock_levels(context: Context, filter_: StockLevelFilter | None) -> LevelQuery:
    """The levels that are wanted."""
    given = filter_ or StockLevelFilter()
    return LevelQuery(
        everything=context.sees_all_products,
        skus=_skus(given.skus),
        below=present(given.below_available),
        changed_since=present(given.changed_since),
    )


def customers(
    context: Context, search: str | None, filter_: CustomerFilter | None, sort: CustomerSort | None
) -> CustomerQuery:
    """The customers that are wanted. Asking by what one may not see would tell it."""
    given = filter_ or CustomerFilter()
    email, phone = present(given.email), present(given.phone)
    if email is not None or phone is not None:
        context.require([["customers:pii"]])
    contacts = [("email", values.folded(email))] if email is not None else []
    contacts += [("phone", "".join(filter(str.isdigit, phone)))] if phone is not None else []
    return CustomerQuery(
        search=searched(search),
        channels=_keys(context, given.channel_keys),
        tags=wanted(given.tags),
        contacts=tuple(contacts),
        loyalty_number=present(given.loyalty_number),
        updated_since=present(given.updated_since),
        sort="NAME" if sort is None else sort.key.value,
        descending=sort is not None and sort.direction.value == "DESC",
    )


def orders(context: Context, search: str | None, filter_: OrderFilter | None, sort: OrderSort | None) -> OrderQuery:
    """The orders that are wanted."""
    given = filter_ or OrderFilter()
    customer, location = present(given.customer_id), present(given.location_key)
    return OrderQuery(
        search=searched(search),
        channels=_keys(context, given.channel_keys),
        statuses=_names(given.statuses),
        fulfillment_statuses=_names(given.fulfillment_statuses),
        payment_statuses=_names(given.payment_statuses),
        placed_since=present(given.placed_since),
        placed_before=present(given.placed_before),
        updated_since=present(given.updated_since),
        customer_id=None if customer is None else row_id("Customer", customer),
        shops=None if location is None else tuple(context.known_location(location).external_ids.items()),
        skus=_skus(given.skus),
        sort="PLACED_AT" if sort is None else sort.key.value,
        descending=sort is None or sort.direction.value == "DESC",
    )


def customer_orders(context: Context, filter_: CustomerOrderFilter | None) -> OrderQuery:
    """The orders of a customer that are wanted."""
    given = filter_ or CustomerOrderFilter()
    return OrderQuery(
        channels=_keys(context, given.channel_keys),
        statuses=_names(given.statuses),
        placed_since=present(given.placed_since),
        placed_before=present(given.placed_before),
    )


def sources(context: Context, *chosen: str | Sequence[str] | None) -> tuple[str, ...]:
    """The channels that a list is made from: the ones that were chosen, or all."""
    for some in chosen:
        if some is not None:
            return (some,) if isinstance(some, str) else tuple(some)
    return tuple(context.gateway.channels)
