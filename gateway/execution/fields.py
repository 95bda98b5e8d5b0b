"""The four kinds of fields, and there is no fifth: what makes every query a constant number of statements.

Each is declared with its description, scopes, cost and list size. Arguments are the keyword-only parameters of the
function behind the field, described where they are declared.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, get_type_hints

from graphql import GraphQLField, GraphQLInputObjectType, GraphQLObjectType, GraphQLSchema
from strawberry.annotation import StrawberryAnnotation
from strawberry.schema import Schema
from strawberry.types.arguments import StrawberryArgument, convert_arguments
from strawberry.types.field import StrawberryField
from strawberry.types.unset import UNSET

from gateway.execution.caller import Scopes
from gateway.execution.context import Batch
from gateway.execution.directives import Cost, ListSize, RequiresScopes
from gateway.execution.errors import BadUserInputError
from gateway.execution.keeping import Data

_UNFIT = re.compile("[\x00\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Attribute:
    """What the parent has under this name, or under its own; `a.b` goes two steps."""

    path: str | None


@dataclass(frozen=True, slots=True)
class Pure:
    """`function(parent, **arguments)`: no context, no database, always the same."""

    function: Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Load:
    """`await batch(context, keys, **arguments)`, where `key(parent)` is the key; a key of None is null."""

    batch: Batch
    key: Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Root:
    """`await function(context, **arguments)`: where a query begins."""

    function: Callable[..., Any]


Kind = Attribute | Pure | Load | Root
Resolver = Callable[..., Any]
Convert = Callable[[dict[str, Any]], dict[str, Any]]


class Field(StrawberryField):
    """A field whose `metadata` holds its kind, its scopes, and its kind of data where that is not its type's."""

    @property
    def kind(self) -> Kind:
        return self.metadata["kind"]  # type: ignore[no-any-return]

    @property
    def scopes(self) -> Scopes:
        return self.metadata["scopes"]  # type: ignore[no-any-return]

    @property
    def data(self) -> Data | None:
        return self.metadata["data"]  # type: ignore[no-any-return]


def attribute(description: str, *, of: str | None = None, scopes: Scopes = (), size: int | None = None) -> Any:
    """A column of the parent. `of`: where it has another name there."""
    return _field(Attribute(of), description, None, scopes, size)


def pure(description: str, function: Callable[..., Any], *, scopes: Scopes = (), size: int | None = None) -> Any:
    """A pure function of the parent and the arguments."""
    return _field(Pure(function), description, function, scopes, size)


def load(
    description: str,
    batch: Batch,
    *,
    key: Callable[[Any], Any],
    scopes: Scopes = (),
    size: int | None = None,
    data: Data | None = None,
) -> Any:
    """What a batch function gives for the parent's key."""
    return _field(Load(batch, key), description, batch, scopes, size, data=data)


def root(
    description: str,
    function: Callable[..., Any],
    *,
    scopes: Scopes = (),
    size: int | None = None,
    cost: int | None = None,
    data: Data | None = None,
) -> Any:
    """A field of Query."""
    return _field(Root(function), description, function, scopes, size, cost, data)


def _field(
    kind: Kind,
    description: str,
    signature: Callable[..., Any] | None,
    scopes: Scopes,
    size: int | None,
    cost: int | None = None,
    data: Data | None = None,
) -> Field:
    directives: list[object] = []
    if size is not None:
        directives.append(ListSize(assumed_size=size))
    if scopes:
        directives.append(RequiresScopes(scopes=[list(needed) for needed in scopes]))
    if cost is not None:
        directives.append(Cost(weight=cost))
    field = Field(
        description=description, directives=directives, metadata={"kind": kind, "scopes": scopes, "data": data}
    )
    field.arguments = [] if signature is None else _arguments(signature)
    return field


def _arguments(function: Callable[..., Any]) -> list[StrawberryArgument]:
    hints = get_type_hints(function, include_extras=True)
    return [
        StrawberryArgument(
            python_name=name,
            graphql_name=None,
            type_annotation=StrawberryAnnotation(hints[name]),
            default=UNSET if parameter.default is None else parameter.default,
        )
        for name, parameter in inspect.signature(function).parameters.items()
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY
    ]


def kind_of(field: GraphQLField) -> Kind | None:
    """Which of the four kinds a field of the built schema is."""
    definition = field.extensions.get("strawberry-definition")
    return definition.kind if isinstance(definition, Field) else None


def bind(schema: Schema) -> GraphQLSchema:
    """Give every field of the built schema its resolver."""
    built: GraphQLSchema = schema._schema
    for named in built.type_map.values():
        if isinstance(named, GraphQLObjectType) and not named.name.startswith("__"):
            for field in named.fields.values():
                definition = field.extensions["strawberry-definition"]
                field.resolve = _resolver(definition, _converter(schema, definition))
        elif isinstance(named, GraphQLInputObjectType):
            # strawberry refuses other than one key when it reads the value: too late, and not as the client's error
            named.is_one_of = bool(named.extensions["strawberry-definition"].is_one_of)
    return built


def _converter(schema: Schema, field: Field) -> Convert:
    """Turns what graphql-core gives into what functions take: input types as objects, names as Python's."""
    registry = schema.schema_converter.scalar_registry

    def convert(values: dict[str, Any]) -> dict[str, Any]:
        check_texts(values)
        return convert_arguments(values, field.arguments, scalar_registry=registry, config=schema.config)

    return convert


def check_texts(value: Any) -> None:
    """Refuse characters that no database holds, before they reach a statement."""
    if isinstance(value, str):
        if _UNFIT.search(value):
            raise BadUserInputError("A text contains a NUL or half of a surrogate pair.")
    elif isinstance(value, dict):
        check_texts(list(value.values()))
    elif isinstance(value, list):
        for item in value:
            check_texts(item)


def _resolver(field: Field, convert: Convert) -> Resolver:
    resolve = _bare(field, convert)
    scopes = field.scopes
    if not scopes:
        return resolve

    def guarded(parent: Any, info: Any, **values: Any) -> Any:
        info.context.require(scopes, parent)
        return resolve(parent, info, **values)

    return guarded


def _bare(field: Field, convert: Convert) -> Resolver:
    kind = field.kind
    if isinstance(kind, Attribute):
        return _reading(kind.path or field.python_name)
    if isinstance(kind, Pure):
        function = kind.function
        return lambda parent, info, **values: function(parent, **convert(values))
    if isinstance(kind, Load):
        return _loading(kind, convert)
    function = kind.function
    return lambda parent, info, **values: function(info.context, **convert(values))


def _reading(path: str) -> Resolver:
    names: Sequence[str] = path.split(".")
    return lambda parent, info: reduce(
        lambda value, name: None if value is None else getattr(value, name), names, parent
    )


def _loading(kind: Load, convert: Convert) -> Resolver:
    def resolve(parent: Any, info: Any, **values: Any) -> Any:
        key = kind.key(parent)
        return None if key is None else info.context.load(kind.batch, key, **convert(values))

    return resolve
