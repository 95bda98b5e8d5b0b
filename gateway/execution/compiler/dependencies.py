"""Dependencies of an operation's responses on data, found while its function is written (rule E3)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from operator import attrgetter

from graphql import GraphQLObjectType

from gateway.execution.caching.cache_control import DataKind, get_data_kinds
from gateway.execution.fields import Load

BY_ID = repr(attrgetter("id"))
"""How a field declares that it is loaded by the parent's id."""


@dataclass(slots=True)
class PlanDependencies:
    """What the responses of an operation depend on.

    Attributes:
        kinds: the kinds of data.
        is_volatile: whether they change with time, or without an entry of the change log.
        stock_loads: numbers of the loads whose keys are ids of products and variants, on whose stock they depend.
        on_any_stock: whether they depend on the stock of products that no such load names.
    """

    kinds: set[DataKind] = field(default_factory=set)
    is_volatile: bool = False
    stock_loads: set[int] = field(default_factory=set)
    on_any_stock: bool = False

    @property
    def is_cacheable(self) -> bool:
        """Whether a response can be kept until the change log has a change that it depends on."""
        return not self.is_volatile and DataKind.PRIVATE not in self.kinds and bool(self.kinds - {DataKind.PART})

    def add_fields(self, types: Iterable[GraphQLObjectType], names: Iterable[str], stock_load: int | None) -> None:
        """Add fields of types. `stock_load`: the load by ids of products or variants that returns the objects."""
        for type_ in types:
            found = [name for name in names if name in type_.fields]
            self.kinds |= get_data_kinds(type_, found)
            self.is_volatile |= any(is_volatile(type_, name) for name in found)
            if found and DataKind.STOCK in get_data_kinds(type_, ()):
                self.add_stock_load(stock_load)

    def add_stock_load(self, number: int | None) -> None:
        """Add a load that depends on stock. None: its keys do not say on whose."""
        if number is None:
            self.on_any_stock = True
        else:
            self.stock_loads.add(number)


def is_volatile(type_: GraphQLObjectType, name: str) -> bool:
    """Return whether a field changes with time, or without an entry of the change log."""
    definition = type_.fields[name].extensions.get("strawberry-definition")
    return definition is None or definition.volatile


def is_stocked_by_id(parent: GraphQLObjectType, load: Load) -> bool:
    """Return whether the keys of a load are ids of products or variants, under which changes of stock are found."""
    origin = parent.extensions["strawberry-definition"].origin
    return getattr(origin, "__stocked__", False) and repr(load.key) == BY_ID
