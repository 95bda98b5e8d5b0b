"""Declares GraphQL object types for model classes, with type resolution and scope checks in one place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import strawberry

from gateway.execution.caching.cache_control import DataKind
from gateway.execution.caller import Scopes
from gateway.execution.directives import RequiresScopes

T = TypeVar("T", bound=type)


def output(
    model: type,
    description: str,
    *,
    name: str | None = None,
    scopes: Scopes = (),
    data: DataKind = DataKind.PRIVATE,
    stocked: bool = False,
    rendered: bool = False,
) -> Callable[[T], T]:
    """Declare an object type for a model class.

    Args:
        scopes: scopes that its readers need. The schema shows them.
        data: its kind of data, for shared caches.
        stocked: whether changes of stock are found under the ids of its objects.
        rendered: whether the JSON of its objects is cached. Changes of all that they show are found under their ids.
    """
    directives = [RequiresScopes(scopes=[list(needed) for needed in scopes])] if scopes else []

    def declare(cls: T) -> T:
        cls.is_type_of = staticmethod(_build_type_check(model, scopes))  # type: ignore[attr-defined]
        cls.__model__ = model  # type: ignore[attr-defined]
        cls.__data__ = data  # type: ignore[attr-defined]
        cls.__stocked__ = stocked  # type: ignore[attr-defined]
        cls.__rendered__ = rendered  # type: ignore[attr-defined]
        cls.__scopes__ = scopes  # type: ignore[attr-defined]
        return strawberry.type(cls, name=name, description=description, directives=directives)

    return declare


def _build_type_check(model: type, scopes: Scopes) -> Callable[[Any, Any], bool]:
    def is_type_of(value: Any, info: Any) -> bool:
        if not isinstance(value, model):
            return False
        if scopes:
            info.context.require_visible(scopes, value)
        return True

    return is_type_of
