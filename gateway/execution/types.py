"""Declaring a GraphQL type over a model class: it recognizes its objects, and checks its scopes in this one place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import strawberry

from gateway.execution.caller import Scopes
from gateway.execution.directives import RequiresScopes
from gateway.execution.keeping import Data

T = TypeVar("T", bound=type)


def output(
    model: type,
    description: str,
    *,
    name: str | None = None,
    scopes: Scopes = (),
    owner: Scopes = (),
    data: Data = Data.UNKEPT,
) -> Callable[[T], T]:
    """A type whose objects are of the model class.

    Args:
        scopes: what its readers need, shown on the schema.
        owner: what readers of the type that it is a part of need: no way round by its own id.
        data: what kind of data it is, for caches that everybody shares.
    """
    directives = [RequiresScopes(scopes=[list(needed) for needed in scopes])] if scopes else []

    def declare(cls: T) -> T:
        cls.is_type_of = staticmethod(_recognizing(model, (scopes, owner)))  # type: ignore[attr-defined]
        cls.__model__ = model  # type: ignore[attr-defined]
        cls.__data__ = data  # type: ignore[attr-defined]
        return strawberry.type(cls, name=name, description=description, directives=directives)

    return declare


def _recognizing(model: type, guards: tuple[Scopes, Scopes]) -> Callable[[Any, Any], bool]:
    def is_type_of(value: Any, info: Any) -> bool:
        if not isinstance(value, model):
            return False
        for scopes in guards:
            info.context.require(scopes, value)
        return True

    return is_type_of
