"""The possible types of interfaces and unions: which class their objects have, and which are completed alike."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from graphql import GraphQLObjectType


@lru_cache(100)  # a query may have the same abstract type at many places
def find_names_by_class(types: tuple[GraphQLObjectType, ...]) -> Mapping[type, str]:
    """Return the names of types by the class of their objects, of classes whose objects can have no other type.

    The resolver of an abstract type asks each type in turn whether an object is its own, which takes longer than the
    completion of the object.
    """
    models: dict[str, Any] = {type_.name: getattr(_get_origin(type_), "__model__", None) for type_ in types}
    if None in models.values():
        return {}
    return {model: name for name, model in models.items() if _count_kin(model, models.values()) == 1}


def _get_origin(type_: GraphQLObjectType) -> object:
    return type_.extensions["strawberry-definition"].origin


def _count_kin(model: type, models: Iterable[type]) -> int:
    """Count the classes that are this one or a parent of it."""
    return sum(issubclass(model, other) for other in models)


def group_alike(
    types: Sequence[GraphQLObjectType], get_shape: Callable[[GraphQLObjectType], Hashable | None]
) -> list[list[GraphQLObjectType]]:
    """Group the types whose objects the same lines complete: those of the same shape. A type without one is alone."""
    groups: dict[Hashable, list[GraphQLObjectType]] = {}
    for type_ in types:
        shape = get_shape(type_)
        groups.setdefault(type_.name if shape is None else shape, []).append(type_)
    return list(groups.values())
