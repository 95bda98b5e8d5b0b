"""Shopify's description of its API, and comparison of a smaller schema with it."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Iterator
from pathlib import Path

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    build_client_schema,
)
from graphql.utilities.print_schema import print_input_value

Composite = GraphQLObjectType | GraphQLInterfaceType


def find_introspection() -> Path | None:
    """Return the path of Shopify's introspection result, or None."""
    beside = Path(__file__).parents[3] / "shared" / "specs"
    file = Path(os.environ.get("VENDOR_SPECS", beside)) / "shopify" / "admin_2026-10.json.gz"
    return file if file.is_file() else None


def load_introspection(file: Path) -> GraphQLSchema:
    """Load the schema of an introspection result, which is not valid by itself."""
    declared = json.loads(gzip.decompress(file.read_bytes()))
    return build_client_schema(declared.get("data", declared), assume_valid=True)


def list_differences(part: GraphQLSchema, whole: GraphQLSchema) -> list[str]:
    """List everything in the part that the whole does not have, or defines differently."""
    return [
        line for name in sorted(part.type_map) if not name.startswith("__") for line in _compare_type(name, part, whole)
    ]


def _compare_type(name: str, part: GraphQLSchema, whole: GraphQLSchema) -> Iterator[str]:
    ours, theirs = part.type_map[name], whole.type_map.get(name)
    if type(ours) is not type(theirs):
        yield f"{name}: {type(theirs).__name__}, not {type(ours).__name__}"
    elif isinstance(ours, GraphQLEnumType) and isinstance(theirs, GraphQLEnumType):
        yield from (f"{name}.{value}: unknown" for value in ours.values if value not in theirs.values)
    elif isinstance(ours, GraphQLInputObjectType) and isinstance(theirs, GraphQLInputObjectType):
        yield from _compare_inputs(name, ours, theirs)
    elif not isinstance(ours, GraphQLScalarType):
        assert isinstance(ours, Composite)
        assert isinstance(theirs, Composite)
        yield from _compare_composite(name, ours, theirs)


def _compare_inputs(name: str, ours: GraphQLInputObjectType, theirs: GraphQLInputObjectType) -> Iterator[str]:
    for field, declared in ours.fields.items():
        known = theirs.fields.get(field)
        if known is None or str(known.type) != str(declared.type):
            yield f"{name}.{field}: {None if known is None else known.type}, not {declared.type}"
    for field, known in theirs.fields.items():
        if str(known.type).endswith("!") and known.default_value is None and field not in ours.fields:
            yield f"{name}.{field}: is required, and missing"


def _compare_composite(name: str, ours: Composite, theirs: Composite) -> Iterator[str]:
    known = {interface.name for interface in theirs.interfaces}
    yield from (f"{name}: is no {one.name}" for one in ours.interfaces if one.name not in known)
    for field, declared in ours.fields.items():
        there = theirs.fields.get(field)
        if there is None or str(there.type) != str(declared.type):
            yield f"{name}.{field}: {None if there is None else there.type}, not {declared.type}"
            continue
        for argument, given in declared.args.items():
            right = there.args.get(argument)
            there_printed, printed = (one and print_input_value(argument, one) for one in (right, given))
            if there_printed != printed:
                yield f"{name}.{field}: {there_printed}, not {printed}"
        for argument, right in there.args.items():
            if str(right.type).endswith("!") and argument not in declared.args:
                yield f"{name}.{field}({argument}): is required, and missing"
