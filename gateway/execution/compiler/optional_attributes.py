"""Optional attributes: which of them a query reads of the objects that it loads (rule E1)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from operator import attrgetter
from typing import Any, cast

from graphql import GraphQLField, GraphQLObjectType, get_named_type, is_leaf_type
from graphql.execution.collect_fields import FieldDetails

from gateway.execution.fields import Attribute, Computation, Kind, Load, PartialModel, get_field_kind

Details = list[FieldDetails]
Collect = Callable[[GraphQLObjectType, Details], Mapping[str, Details]]
"""Collects the fields that are selected of an object."""


class _UnknownReadsError(Exception):
    """What is read of an object is not known: it has all attributes."""


def find_optional_attributes(
    partial: PartialModel, type_: Any, details: Details, collect: Collect
) -> frozenset[str] | None:
    """Find the optional attributes that a query reads of the objects in a loaded value; None: perhaps all."""
    try:
        return frozenset(_list_optional(partial, get_named_type(type_), details, collect))
    except _UnknownReadsError:
        return None


def _list_optional(partial: PartialModel, type_: Any, details: Details, collect: Collect) -> Iterator[str]:
    if is_leaf_type(type_):
        return
    if not isinstance(type_, GraphQLObjectType):
        raise _UnknownReadsError
    origin: Any = type_.extensions["strawberry-definition"].origin
    if getattr(origin, "__scopes__", ()):  # they may depend on the object
        raise _UnknownReadsError
    is_partial = getattr(origin, "__model__", None) is partial.model
    for selected in collect(type_, details).values():
        definition = type_.fields.get(selected[0].node.name.value)
        kind = None if definition is None else get_field_kind(definition)
        if definition is None or kind is None:  # __typename
            continue
        if is_partial:
            yield from _list_read(partial, definition, kind)
        elif isinstance(kind, Attribute):
            yield from _list_optional(partial, get_named_type(definition.type), selected, collect)
        elif not isinstance(kind, Load):  # the key of a load is the object itself, and not those in it
            raise _UnknownReadsError


def _list_read(partial: PartialModel, definition: GraphQLField, kind: Kind) -> Iterator[str]:
    """List the optional attributes that a field reads of its parent."""
    for name in _list_attributes(definition.extensions["strawberry-definition"], kind):
        needed = partial.list_optional(name)
        if needed is None:
            raise _UnknownReadsError
        yield from needed


def _list_attributes(field: Any, kind: Kind) -> Sequence[str]:
    if field.scopes:  # they may depend on the parent
        raise _UnknownReadsError
    if isinstance(kind, Attribute):
        return [(kind.path or field.python_name).partition(".")[0]]
    if isinstance(kind, Load) and isinstance(kind.key, attrgetter):
        return [path.partition(".")[0] for path in list_paths(kind.key)]
    if isinstance(kind, Computation) and kind.reads is not None:
        return kind.reads
    raise _UnknownReadsError


def list_paths(key: attrgetter[Any]) -> Sequence[str]:
    """List the attributes that a key is read from: of one in another one, both, with a dot."""
    paths: Sequence[str] = cast("Any", key.__reduce__())[1]
    return paths
