"""Facets of product lists."""

from __future__ import annotations

from typing import Generic, TypeVar

from gateway.execution.caching.cache_control import DataKind
from gateway.execution.fields import attribute, compute, load
from gateway.execution.object_types import output
from gateway.graphql import connections
from gateway.graphql.arguments import LocaleArgument
from gateway.graphql.connections import CountPrecision
from gateway.graphql.loaders.facets import load_facets
from gateway.graphql.types.attributes import Swatch
from gateway.graphql.types.channels import SourcedConnection
from gateway.graphql.types.connections import declare_count_precision, declare_total_count
from gateway.graphql.types.values import MoneyRange
from gateway.model.attributes.definitions import select_label
from gateway.storage.reads import facets
from gateway.storage.reads.product_search import OPTION

T = TypeVar("T")

PRODUCT_COUNT_COST = 150
"""Cost of counting the products of a filter or a search."""

FACET_COST = 400
"""Cost of one facet: the products of a filter are counted by value."""
_LABELS = {"brand": "Brand", "category": "Category", "tag": "Tag", "price": "Price"}


def _get_label(facet: facets.Facet) -> str:
    if facet.definition is not None:
        return select_label(facet.definition.labels, None, facet.key.removeprefix(OPTION))
    return _LABELS.get(facet.key, facet.key.removeprefix(OPTION))


def get_facet_title(facet: facets.Facet, *, locale: LocaleArgument = None) -> str:
    labels = {} if facet.definition is None else facet.definition.labels
    return select_label(labels, locale, _get_label(facet))


def get_value_title(value: facets.FacetValue, *, locale: LocaleArgument = None) -> str:
    labels = {} if value.declared is None else value.declared.labels
    return select_label(labels, locale, value.label)


@output(facets.FacetValue, "A value of a facet.", name="FacetValue", data=DataKind.PART)
class FacetValue:
    value: str = attribute("The value to send in `filter.facets`. For a category, its global ID.")
    label: str = attribute("Display name.")
    count: int = attribute("Number of products with this value that match the search and all other filters.")
    selected: bool = attribute("Whether `filter.facets` contains the value.")
    title: str = compute("Display name in a language.", get_value_title)
    swatch: Swatch | None = attribute("How the value looks. Null: there is none.")


@output(
    facets.Facet,
    "A property by which products can be filtered. Its counts ignore the selected values of the same facet.",
    data=DataKind.PART,
)
class Facet:
    key: str = attribute(
        "The key to send in `filter.facets`: `brand`, `category`, `tag`, the key of an attribute or, for an "
        "option, such as `option.Color`. `price` only reports a range."
    )
    label: str = compute(
        "Display name: of an attribute or an option, the first that is configured; of other options, as their channel "
        "has it; else in English.",
        _get_label,
    )
    title: str = compute("Display name in a language.", get_facet_title)
    values: list[FacetValue] = attribute("The values of the facet, most frequent first.", size=50)
    price_range: MoneyRange | None = attribute(
        "The lowest and the highest price in the channel. Null for facets other than `price`."
    )


@output(connections.Connection, "A page of a list of products.", name="Connection", data=DataKind.CATALOG)
class FacetedConnection(SourcedConnection[T], Generic[T]):
    total_count: int | None = declare_total_count(PRODUCT_COUNT_COST)
    total_count_precision: CountPrecision | None = declare_count_precision(PRODUCT_COUNT_COST)
    facets: list[Facet] | None = load(
        "Facets of the whole list. Computed only if selected.",
        load_facets,
        key=lambda connection: connection,
        size=20,
        cost=FACET_COST,
    )
