"""Completion of leaves: what the reference executor does for scalars and enums, with the usual case inline."""

from __future__ import annotations

from collections.abc import Mapping

from graphql import (
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLInt,
    GraphQLLeafType,
    GraphQLString,
    Undefined,
    is_enum_type,
)

from gateway.execution.compiler.source import Source
from gateway.execution.response_size import CHARACTERS_PER_FIELD

_TEXTS = {"String", "ID"}
_SHORT = {"DateTime", "Decimal", "CurrencyCode", "CountryCode"}
"""Scalars whose texts are short, so that their length is not counted."""


class MissingLeafError(Exception):
    """A value cannot be represented by its type."""


def add_leaf(source: Source, value: str, leaf: GraphQLLeafType) -> None:
    """Add lines that replace the value in this variable by its representation."""
    coerce = source.bind("coerce", leaf.coerce_output_value)
    usual = _describe_usual(leaf, value)
    if is_enum_type(leaf):
        _add_enum(source, value, leaf, coerce)
    elif usual is None:
        _add_coercion(source, value, coerce)
    else:
        with source.block(f"if not ({usual}):"):
            source.add(f"{value} = {coerce}({value})")
    _add_length(source, value, leaf)


def _add_coercion(source: Source, value: str, coerce: str) -> None:
    source.add(f"{value} = {coerce}({value})")
    with source.block(f"if {value} is None or {value} is Undefined:"):
        source.add("raise MissingLeafError")


def _add_enum(source: Source, value: str, enum: GraphQLEnumType, coerce: str) -> None:
    """Add the lookup of a member's name: Strawberry compares it with all members."""
    names, class_ = source.bind("names", _list_names(enum)), source.bind("enum", getattr(enum, "wrapped_cls", None))
    with source.block(f"if {value}.__class__ is {class_} and {value}._name_ in {names}:"):
        source.add(f"{value} = {names}[{value}._name_]")
    with source.block("else:"):
        _add_coercion(source, value, coerce)


def _list_names(enum: GraphQLEnumType) -> Mapping[str, str]:
    """List the names in GraphQL of the members of an enum's class, by their names in Python: members hash slowly."""
    members = getattr(enum, "wrapped_cls", ())
    values = {value.value: name for name, value in enum.values.items()}
    return {member.name: values[member.value] for member in members if member.value in values}


def _describe_usual(leaf: GraphQLLeafType, value: str) -> str | None:
    """Describe the values that represent themselves."""
    if leaf.name in _TEXTS or _is_written_by_str(leaf):
        return f"{value}.__class__ is str"
    if leaf is GraphQLBoolean:
        return f"{value}.__class__ is bool"
    if leaf is GraphQLInt:
        return f"{value}.__class__ is int and -2147483648 <= {value} <= 2147483647"
    return None


def _is_written_by_str(leaf: GraphQLLeafType) -> bool:
    """Return whether a scalar is represented by `str`, so that texts represent themselves."""
    definition = leaf.extensions.get("strawberry-definition")
    return getattr(definition, "serialize", None) is str


def _add_length(source: Source, value: str, leaf: GraphQLLeafType) -> None:
    if is_enum_type(leaf) or leaf in (GraphQLBoolean, GraphQLInt) or leaf.name in _SHORT:
        return
    is_long = f"len({value}) >= {CHARACTERS_PER_FIELD}"
    if leaf is not GraphQLString and leaf.name not in _TEXTS:
        is_long = f"isinstance({value}, str) and {is_long}"
    with source.block(f"if {is_long}:"):
        source.add(f"spent += len({value}) // {CHARACTERS_PER_FIELD}")


NAMES = {"Undefined": Undefined, "MissingLeafError": MissingLeafError}
"""What these lines need."""
