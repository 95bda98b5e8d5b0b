"""Rows of a table that are read as objects of a model: whole, or as partial objects.

A partial object lacks optional attributes that are not needed: those whose columns are long, or take time to decode. An
attribute that it lacks raises AttributeError.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Generic, TypeVar

import sqlalchemy as sa

T = TypeVar("T")

Read = Callable[[Any], Any]
"""Reads an attribute of a row."""

Names = frozenset[str] | None
"""The optional attributes that the objects have; None: all."""


@dataclass(frozen=True, slots=True)
class OptionalAttribute:
    """An attribute that can be left out. `columns`: those that nothing else needs."""

    columns: tuple[str, ...]
    read: Read


class ModelRows(Generic[T]):
    """How the rows of a table are read as objects of a model.

    Args:
        model: a frozen dataclass without slots, whose attributes need no validation.
        required: how the attributes are read that all objects have.
        optional: the other attributes.

    Attributes:
        optional: the names of the optional attributes.
    """

    def __init__(
        self,
        model: type[T],
        table: sa.Table,
        required: Mapping[str, Read],
        optional: Mapping[str, OptionalAttribute],
    ) -> None:
        names = {field.name for field in fields(model)}  # type: ignore[arg-type]
        if names != required.keys() | optional.keys():
            raise ValueError(f"{model.__name__} has other attributes: {names ^ (required.keys() | optional.keys())}")
        self.optional = frozenset(optional)
        self._model = model
        self._table = table
        self._required = required
        self._optional = optional
        self._readers: dict[frozenset[str], Callable[[Any], T]] = {}

    def list_columns(self, names: Names = None) -> Sequence[sa.Column[Any]]:
        """List the columns of objects with these optional attributes."""
        left_out = {column for name in self._list_missing(names) for column in self._optional[name].columns}
        return [column for column in self._table.c if column.name not in left_out]

    def _list_missing(self, names: Names) -> Collection[str]:
        return () if names is None else self.optional - names

    def get_reader(self, names: Names = None) -> Callable[[Any], T]:
        """Return the function that reads a row as an object with these optional attributes."""
        missing = frozenset(self._list_missing(names))
        if missing not in self._readers:
            self._readers[missing] = self._build_reader(missing)
        return self._readers[missing]

    def _build_reader(self, missing: Collection[str]) -> Callable[[Any], T]:
        absent = {name: property(_raise_missing) for name in missing}
        created: type[T] = type(f"Partial{self._model.__name__}", (self._model,), absent) if missing else self._model
        present = {name: one.read for name, one in self._optional.items() if name not in missing}
        reads = [*self._required.items(), *present.items()]

        def read(row: Any) -> T:
            found = object.__new__(created)
            values = found.__dict__  # the constructor of a frozen dataclass takes twice as long
            for name, read_attribute in reads:
                values[name] = read_attribute(row)
            return found

        return read


def _raise_missing(_partial: object) -> None:
    raise AttributeError("a partial object lacks this attribute")
