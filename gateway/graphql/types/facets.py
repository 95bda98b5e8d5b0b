"""Facets: what a list of products can be narrowed down by."""

from __future__ import annotations

from typing import Generic, TypeVar

from gateway.execution.fields import attribute, load, pure
from gateway.execution.keeping import Data
from gateway.execution.types import output
from gateway.graphql import connections as pages
from gateway.graphql.loads import facets as loads
from gateway.graphql.types.channels import SourcedConnection
from gateway.graphql.types.values import MoneyRange
from gateway.storage import facets as model
from gateway.storage.finding import OPTION

T = TypeVar("T")
_LABELS = {"brand": "Brand", "category": "Category", "tag": "Tag", "price": "Price"}


def _label(facet: model.Facet) -> str:
    return _LABELS.get(facet.key, facet.key.removeprefix(OPTION))


@output(model.Value, "One value of a facet.", name="FacetValue", data=Data.PART)
class FacetValue:
    value: str = attribute("What `filter.facets` takes. Of a category its id.")
    label: str = attribute("Its name for people.")
    count: int = attribute("How many products have it, by everything else that was asked for.")
    selected: bool = attribute("Whether `filter.facets` names it.")


@output(
    model.Facet, "One way of narrowing products down. It counts as if nothing of it was chosen yet.", data=Data.PART
)
class Facet:
    key: str = attribute("What `filter.facets` takes: `brand`, `category`, `tag`, `option.Color`; or `price`.")
    label: str = pure("Its name for people, in English but for options.", _label)
    values: list[FacetValue] = attribute("Its values, the most frequent first.", size=50)
    price_range: MoneyRange | None = attribute("Of `price`: from the lowest to the highest in the channel.")


@output(pages.Connection, "One page of a list of products.", name="Connection", data=Data.CATALOG)
class FacetedConnection(SourcedConnection[T], Generic[T]):
    facets: list[Facet] | None = load(
        "What the whole list could be narrowed down by. Counted only when asked for.",
        loads.facets,
        key=lambda connection: connection,
        size=20,
    )
