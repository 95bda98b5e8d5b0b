"""The four kinds of GraphQL fields: they make every query run a constant number of SQL statements.

A field is declared with its description, scopes, cost and list size. Its arguments are the keyword-only parameters
of its function, described where they are declared.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import reduce
from typing import Any, get_args, get_type_hints

from graphql import GraphQLArgument, GraphQLField, GraphQLInputObjectType, GraphQLObjectType, GraphQLSchema
from strawberry.annotation import StrawberryAnnotation
from strawberry.schema import Schema
from strawberry.types.arguments import StrawberryArgument, convert_arguments
from strawberry.types.field import StrawberryField
from strawberry.types.unset import UNSET

from gateway.execution.caching.cache_control import DataKind
from gateway.execution.caller import Scopes
from gateway.execution.context import Batch
from gateway.execution.directives import Cost, ListSize, RequiresScopes, SemanticNonNull
from gateway.execution.text_inputs import check_texts


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute of the parent object. The default is the field's own name; `a.b` reads two attributes."""

    path: str | None


@dataclass(frozen=True, slots=True)
class Computation:
    """`function(parent, **arguments)`: pure, without context or database.

    `reads`: the attributes of the parent that it reads; None: perhaps all.
    """

    function: Callable[..., Any]
    reads: Sequence[str] | None = None


@dataclass(frozen=True, slots=True)
class LeanBatch:
    """A cheaper batch function, with the same keys and arguments, whose objects have only some of the fields.

    A compiled query uses it where it selects no others.

    Attributes:
        fields: names of the fields in Python that the objects have.
    """

    batch: Batch
    fields: frozenset[str]


@dataclass(frozen=True, slots=True)
class PartialModel:
    """A model whose objects a batch function can load without optional attributes.

    The batch function takes the names of those that it loads, or None for all, as its third argument.

    Attributes:
        optional: names of the attributes that can be left out.
        derived: names of properties, with the optional attributes that they read.
    """

    model: type
    optional: Collection[str]
    derived: Mapping[str, Collection[str]]

    def list_optional(self, name: str) -> Collection[str] | None:
        """List the optional attributes that are read with the attribute or property of this name; None: not known."""
        if name in self.optional:
            return (name,)
        if name in self.derived:
            return self.derived[name]
        return () if any(field.name == name for field in fields(self.model)) else None


@dataclass(frozen=True, slots=True)
class Load:
    """`await batch(context, keys, **arguments)`, where `key(parent)` is the key. A key of None is null.

    `lean`: used instead where its objects have all that is selected. `partial`: the model of which the batch function
    can load partial objects. `rendered`: see `load`.
    """

    batch: Batch
    key: Callable[[Any], Any]
    lean: LeanBatch | None = None
    partial: PartialModel | None = None
    rendered: bool = True


def return_false(**_arguments: Any) -> bool:
    """Return that a root field does nothing but read, whatever its arguments are."""
    return False


@dataclass(frozen=True, slots=True)
class Root:
    """`await function(context, **arguments)`: a root field.

    Attributes:
        does_more: `does_more(**arguments)`: whether it may do more than read: wait for a channel, or write.
    """

    function: Callable[..., Any]
    does_more: Callable[..., bool] = return_false


Kind = Attribute | Computation | Load | Root
Resolver = Callable[..., Any]
Convert = Callable[[dict[str, Any]], dict[str, Any]]

CONVERTER = "gateway-arguments"
"""Key of the extension of a field that converts its arguments."""

_UNKNOWN = object()


class Field(StrawberryField):
    """A field. Its `metadata` has its kind, scopes, its kind of data where that differs from its type's, and whether it
    is volatile: its value changes with time, or without an entry of the change log.
    """

    @property
    def kind(self) -> Kind:
        return self.metadata["kind"]  # type: ignore[no-any-return]

    @property
    def scopes(self) -> Scopes:
        return self.metadata["scopes"]  # type: ignore[no-any-return]

    @property
    def data(self) -> DataKind | None:
        return self.metadata["data"]  # type: ignore[no-any-return]

    @property
    def volatile(self) -> bool:
        return self.metadata["volatile"]  # type: ignore[no-any-return]


def attribute(
    description: str,
    *,
    path: str | None = None,
    scopes: Scopes = (),
    size: int | None = None,
    volatile: bool = False,
) -> Any:
    """Declare a field that reads an attribute of the parent. `path`: the attribute, where its name differs."""
    return _build_field(Attribute(path), description, None, scopes, size, volatile=volatile)


def compute(
    description: str,
    function: Callable[..., Any],
    *,
    scopes: Scopes = (),
    size: int | None = None,
    reads: Sequence[str] | None = None,
) -> Any:
    """Declare a field that is a pure function of the parent and the arguments.

    Args:
        reads: the attributes of the parent that it reads, so that others need not be loaded; None: perhaps all.
    """
    return _build_field(Computation(function, reads), description, function, scopes, size)


def load(
    description: str,
    batch: Batch,
    *,
    key: Callable[[Any], Any],
    lean: LeanBatch | None = None,
    partial: PartialModel | None = None,
    scopes: Scopes = (),
    size: int | None = None,
    cost: int | None = None,
    data: DataKind | None = None,
    volatile: bool = False,
    rendered: bool = True,
) -> Any:
    """Declare a field that a batch function loads for the parent's key.

    Args:
        rendered: whether changes of all that it shows are found under the parent's id, so that its JSON can be cached
            with that of the parent.
    """
    kind = Load(batch, key, lean, partial, rendered)
    return _build_field(kind, description, batch, scopes, size, cost, data, volatile=volatile)


def root(
    description: str,
    function: Callable[..., Any],
    *,
    scopes: Scopes = (),
    size: int | None = None,
    cost: int | None = None,
    data: DataKind | None = None,
    does_more: Callable[..., bool] = return_false,
) -> Any:
    """Declare a field of Query or Mutation. `does_more`: as in `Root`."""
    return _build_field(Root(function, does_more), description, function, scopes, size, cost, data)


def _build_field(
    kind: Kind,
    description: str,
    signature: Callable[..., Any] | None,
    scopes: Scopes,
    size: int | None,
    cost: int | None = None,
    data: DataKind | None = None,
    *,
    volatile: bool = False,
) -> Field:
    directives: list[object] = []
    if size is not None:
        directives.append(ListSize(assumed_size=size))
    if scopes:
        directives.append(RequiresScopes(scopes=[list(needed) for needed in scopes]))
    if cost is not None:
        directives.append(Cost(weight=cost))
    if isinstance(kind, Root) and _is_never_none(kind.function):
        directives.append(SemanticNonNull(levels=UNSET))
    metadata = {"kind": kind, "scopes": scopes, "data": data, "volatile": volatile}
    field = Field(description=description, directives=directives, metadata=metadata)
    field.arguments = [] if signature is None else _read_arguments(signature)
    return field


def _is_never_none(function: Callable[..., Any]) -> bool:
    """Whether the function's type excludes None: then the field, which is nullable, is null only with an error."""
    hint = get_type_hints(function)["return"]
    return hint is not Any and type(None) not in (hint, *get_args(hint))


def _read_arguments(function: Callable[..., Any]) -> list[StrawberryArgument]:
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


def get_field_kind(field: GraphQLField) -> Kind | None:
    """Return the kind of a field of the schema, or None for introspection."""
    definition = field.extensions.get("strawberry-definition")
    return definition.kind if isinstance(definition, Field) else None


def get_argument_converter(field: GraphQLField) -> Convert:
    """Return the function that converts the field's arguments from graphql-core to those of its Python function."""
    convert: Convert = field.extensions[CONVERTER]
    return convert


def bind_resolvers(schema: Schema) -> GraphQLSchema:
    """Bind a resolver to every field of the schema."""
    graphql_schema: GraphQLSchema = schema._schema
    for named in graphql_schema.type_map.values():
        if isinstance(named, GraphQLObjectType) and not named.name.startswith("__"):
            for field in named.fields.values():
                definition = field.extensions["strawberry-definition"]
                convert = _build_converter(schema, definition, field.args)
                field.extensions[CONVERTER] = convert
                field.resolve = _build_resolver(definition, convert)
        elif isinstance(named, GraphQLInputObjectType):
            # Strawberry rejects more than one key only when it reads the value: too late, and not as an error of the
            # client
            named.is_one_of = bool(named.extensions["strawberry-definition"].is_one_of)
    return graphql_schema


def _build_converter(schema: Schema, field: Field, declared: Mapping[str, GraphQLArgument]) -> Convert:
    """Build the function that converts arguments from graphql-core: input types to objects, names to Python's."""
    registry = schema.schema_converter.scalar_registry

    def convert(values: dict[str, Any]) -> dict[str, Any]:
        check_texts(values, declared)
        return convert_arguments(values, field.arguments, scalar_registry=registry, config=schema.config)

    return convert


def _build_resolver(field: Field, convert: Convert) -> Resolver:
    resolve = _build_unguarded(field, convert)
    scopes = field.scopes
    if not scopes:
        return resolve

    def resolve_guarded(parent: Any, info: Any, **values: Any) -> Any:
        if info.context.is_hidden_from_guest(scopes, parent):
            return None
        info.context.require(scopes, parent)
        return resolve(parent, info, **values)

    return resolve_guarded


def _build_unguarded(field: Field, convert: Convert) -> Resolver:
    kind = field.kind
    if isinstance(kind, Attribute):
        return _build_attribute(kind.path or field.python_name)
    if isinstance(kind, Computation):
        function = kind.function
        return lambda parent, info, **values: function(parent, **convert(values))
    if isinstance(kind, Load):
        return _build_load(kind, convert)
    return _build_root(kind, convert)


def _build_root(kind: Root, convert: Convert) -> Resolver:
    def resolve(parent: Any, info: Any, **values: Any) -> Any:
        known = info.context.root_results.get(info.path.key, _UNKNOWN)
        return kind.function(info.context, **convert(values)) if known is _UNKNOWN else known

    return resolve


def _build_attribute(path: str) -> Resolver:
    names: Sequence[str] = path.split(".")
    return lambda parent, info: reduce(
        lambda value, name: None if value is None else getattr(value, name), names, parent
    )


def _build_load(kind: Load, convert: Convert) -> Resolver:
    def resolve(parent: Any, info: Any, **values: Any) -> Any:
        key = kind.key(parent)
        return None if key is None else info.context.load(kind.batch, key, **convert(values))

    return resolve
