"""The tables `[collections.KEY]` of the configuration: collections that are filters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, Field, StringConstraints, field_validator, model_validator

from gateway.model.ids import GlobalId, InvalidIdError, is_row_id
from gateway.model.money import Money, check_known_currency
from gateway.model.record_validation import check_handle
from gateway.model.validation import InvalidValueError
from gateway.settings.attributes import AttributeTable, Labels
from gateway.settings.table import Table
from gateway.settings.value_types import Html, Key, Locale, WebUrl

MAX_COLLECTIONS = 100
"""Maximum number of collections of the configuration."""

MAX_VALUES = 250
"""Maximum number of values of a list in a filter, as in `ProductFilter`."""

FACETS = ("brand", "category", "tag")
OPTION = "option."
"""Keys of facets that are no attributes."""

CHANNEL_SORTS = ("PRICE", "DISCOUNT")
"""Sort keys that need the prices of a channel."""


def _check_collection_key(value: str) -> str:
    if is_row_id(value):
        raise ValueError("expected another key: this one looks like the ID of a row")
    return value


def _check_handle(value: str) -> str:
    try:
        return check_handle(value) or ""
    except InvalidValueError as error:
        raise ValueError(f"{error.reason}; expected text such as sale") from error


def _check_category(value: str) -> str:
    try:
        global_id = GlobalId.parse(value)
    except InvalidIdError as error:
        raise ValueError(f"{value[:40]!r} is not an ID of a category") from error
    if global_id.type != "Category" or len(global_id.parts) != 1 or not is_row_id(global_id.key):
        raise ValueError(f"{value[:40]!r} is not an ID of a category")
    return value


CollectionKey = Annotated[
    str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,39}$"), AfterValidator(_check_collection_key)
]
Handle = Annotated[str, AfterValidator(_check_handle)]
Values = Annotated[
    tuple[Annotated[str, StringConstraints(min_length=1, max_length=255)], ...],
    Field(min_length=1, max_length=MAX_VALUES),
]
CategoryIds = Annotated[
    tuple[Annotated[str, AfterValidator(_check_category)], ...], Field(min_length=1, max_length=MAX_VALUES)
]


class FacetTable(Table):
    """An entry of `filter.facets`: values of one facet, of which a product has at least one."""

    key: Annotated[str, StringConstraints(min_length=1, max_length=255)]
    values: Values


class AttributeRangeTable(Table):
    """An entry of `filter.attribute_ranges`: a range of the numbers of an attribute."""

    key: str
    min: Decimal | None = None
    max: Decimal | None = None

    @model_validator(mode="after")
    def _check_bounds(self) -> AttributeRangeTable:
        if self.min is None and self.max is None:
            raise ValueError("expected min, max or both")
        return self


class PriceTable(Table):
    """`filter.price`: a range of prices in the channel."""

    min: Decimal | None = None
    max: Decimal | None = None
    currency_code: str

    @model_validator(mode="after")
    def _check_amounts(self) -> PriceTable:
        for name, amount in (("min", self.min), ("max", self.max)):
            try:
                currency = check_known_currency("currency_code", self.currency_code)
                _ = amount is None or Money.of(amount, currency)
            except InvalidValueError as error:
                raise ValueError(f"{name}: {error.reason}") from error
        return self


class CollectionFilterTable(Table):
    """`[collections.KEY.filter]`: the fields of `ProductFilter`, in snake case. All conditions must match."""

    channel_keys: Annotated[tuple[Key, ...], Field(min_length=1)] | None = None
    brands: Values | None = None
    category_ids: CategoryIds | None = None
    tags: Values | None = None
    facets: tuple[FacetTable, ...] = ()
    attribute_ranges: Annotated[tuple[AttributeRangeTable, ...], Field(max_length=10)] = ()
    price: PriceTable | None = None  # in the channel
    on_sale: bool | None = None  # in the channel
    min_rating: Annotated[float, Field(ge=1, le=5)] | None = None
    created_since: AwareDatetime | None = None
    available_for_sale: bool | None = None  # in the channel
    available_at_location_key: Key | None = None
    updated_since: AwareDatetime | None = None

    @field_validator("facets")
    @classmethod
    def _check_facets(cls, value: tuple[FacetTable, ...]) -> tuple[FacetTable, ...]:
        keys = [facet.key for facet in value]
        if len(set(keys)) < len(keys):
            raise ValueError("expected each key at most once")
        return value


class CollectionSortTable(Table):
    """`sort = { key = …, direction = … }`: the order of the products, as in `ProductSort`."""

    key: Literal["TITLE", "PRICE", "DISCOUNT", "CREATED_AT", "UPDATED_AT", "RATING", "BEST_SELLING"]
    direction: Literal["ASC", "DESC"] = "ASC"


class CollectionTable(Table):
    """`[collections.KEY]`: a collection of all products that match a filter."""

    titles: Annotated[Labels, Field(min_length=1)]  # by language, the default first
    descriptions: dict[Locale, Html] = {}  # HTML by language; it is sanitized
    handle: Handle | None = None  # default: the key
    image: WebUrl | None = None
    channel: Key | None = None  # in which prices and stock are compared; default: that of the query
    filter: CollectionFilterTable = CollectionFilterTable()
    sort: CollectionSortTable = CollectionSortTable(key="TITLE")


def find_problems(
    tables: Mapping[str, CollectionTable], attributes: Mapping[str, AttributeTable], locations: Mapping[str, object]
) -> Iterator[tuple[tuple[str, ...], str]]:
    """Find what does not fit the rest of the configuration, each with its path. Channels are checked elsewhere."""
    if len(tables) > MAX_COLLECTIONS:
        yield ("collections",), f"expected at most {MAX_COLLECTIONS}, found {len(tables)}"
    owners: dict[str, str] = {}
    for key, table in tables.items():
        owner = owners.setdefault(table.handle or key, key)
        if owner != key:
            yield ("collections", key, "handle"), f"{table.handle or key} is already the handle of {owner}"
        path = ("collections", key, "filter")
        for name, message in _find_filter_problems(table.filter, attributes, locations):
            yield (*path, name), message


def _find_filter_problems(
    table: CollectionFilterTable, attributes: Mapping[str, AttributeTable], locations: Mapping[str, object]
) -> Iterator[tuple[str, str]]:
    for facet in table.facets:
        yield from (("facets", message) for message in _find_facet_problems(facet, attributes))
    for bounds in table.attribute_ranges:
        if bounds.key not in attributes or not attributes[bounds.key].range:
            yield "attribute_ranges", f"there is no attribute {bounds.key} with ranges"
    location = table.available_at_location_key
    if location is not None and location not in locations:
        expected = ", ".join(locations) or "none"
        yield "available_at_location_key", f"there is no location {location}; expected one of {expected}"


def _find_facet_problems(facet: FacetTable, attributes: Mapping[str, AttributeTable]) -> Iterator[str]:
    is_option = facet.key.startswith(OPTION) and facet.key != OPTION
    is_attribute = facet.key in attributes and attributes[facet.key].facet
    if not (is_option or is_attribute or facet.key in FACETS):
        yield f"there is no facet {facet.key}; expected {', '.join(FACETS)}, option.NAME or an attribute"
    for value in facet.values if facet.key == "category" else ():
        try:
            _check_category(value)
        except ValueError as error:
            yield str(error)
