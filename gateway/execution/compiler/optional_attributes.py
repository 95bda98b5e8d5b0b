"""Optional attributes: which of them a query reads, and batch functions that load no others (rule E1)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache, wraps
from operator import attrgetter
from typing import Any, cast

from graphql import GraphQLField, GraphQLObjectType, get_named_type, is_leaf_type
from graphql.execution.collect_fields import FieldDetails

from gateway.execution.context import Batch, Context
from gateway.execution.fields import Attribute, Computation, Kind, Load, PartialModel, get_field_kind

Details = list[FieldDetails]
Collect = Callable[[GraphQLObjectType, Details], Mapping[str, Details]]
"""Collects the fields that are selected of an object."""

MAX_BATCHES = 1_000
"""Batch functions of partial objects: one for each combination of optional attributes that queries read."""


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
    if getattr(origin, "__scopes__", ()):
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
        paths: Sequence[str] = cast("Any", kind.key.__reduce__())[1]
        return [path.partition(".")[0] for path in paths]
    if isinstance(kind, Computation) and kind.reads is not None:
        return kind.reads
    raise _UnknownReadsError


@lru_cache(MAX_BATCHES)
def load_partially(batch: Batch, names: frozenset[str]) -> Batch:
    """Return the batch function of objects with these optional attributes only: the same for the same names."""

    @wraps(batch)
    async def load(context: Context, keys: Sequence[Any], **arguments: Any) -> Sequence[Any]:
        return await batch(context, keys, names, **arguments)

    load.__name__ = f"{getattr(batch, '__name__', 'batch')}, optional attributes: {', '.join(sorted(names)) or 'none'}"
    return load
