"""Selections of everything that the schema has: for tests that compare whole answers."""

from __future__ import annotations

from collections.abc import Collection

from graphql import (
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    is_composite_type,
    is_required_argument,
)

from gateway.execution.fields import Field


def select_everything(
    schema: GraphQLSchema, type_name: str, depth: int, without: Collection[str] = (), *, own: bool = False
) -> str:
    """Select every field of a type that needs no argument and no scope, down to a depth of nested objects.

    Args:
        without: names of fields that differ between two executions, such as ids and tokens.
        own: also fields for which it suffices that the object is the caller's own.
    """
    kind = schema.type_map[type_name]
    assert isinstance(kind, GraphQLObjectType | GraphQLInterfaceType)
    parts = [
        part
        for name, field in kind.fields.items()
        if name not in without and (part := _select_field(schema, name, field, depth, without, own=own)) is not None
    ]
    return "{ " + " ".join(parts or ["__typename"]) + " }"


def _select_field(
    schema: GraphQLSchema, name: str, field: GraphQLField, depth: int, without: Collection[str], *, own: bool
) -> str | None:
    definition = field.extensions.get("strawberry-definition")
    if any(is_required_argument(argument) for argument in field.args.values()):
        return None
    if isinstance(definition, Field) and definition.scopes and not (own and ["self"] in definition.scopes):
        return None
    kind = get_named_type(field.type)
    if not is_composite_type(kind):
        return name
    return f"{name} {select_everything(schema, kind.name, depth - 1, without, own=own)}" if depth else None
