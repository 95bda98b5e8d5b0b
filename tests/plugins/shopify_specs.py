"""The vendor's own description of its API, and whether a smaller schema is a true part of it."""

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


def described() -> Path | None:
    """Where Shopify's introspection lies; None: nowhere."""
    beside = Path(__file__).parents[3] / "shared" / "specs"
    file = Path(os.environ.get("VENDOR_SPECS", beside)) / "shopify" / "admin_2026-10.json.gz"
    return file if file.is_file() else None


def introspected(file: Path) -> GraphQLSchema:
    """The schema of an introspection, which is not valid by itself."""
    told = json.loads(gzip.decompress(file.read_bytes()))
    return build_client_schema(told.get("data", told), assume_valid=True)


def strange(part: GraphQLSchema, whole: GraphQLSchema) -> list[str]:
    """Everything in a part that the whole does not have, or has otherwise."""
    return [line for name in sorted(part.type_map) if not name.startswith("__") for line in _type(name, part, whole)]


def _type(name: str, part: GraphQLSchema, whole: GraphQLSchema) -> Iterator[str]:
    ours, theirs = part.type_map[name], whole.type_map.get(name)
    if type(ours) is not type(theirs):
        yield f"{name}: {type(theirs).__name__}, not {type(ours).__name__}"
    elif isinstance(ours, GraphQLEnumType) and isinstance(theirs, GraphQLEnumType):
        yield from (f"{name}.{value}: unknown" for value in ours.values if value not in theirs.values)
    elif isinstance(ours, GraphQLInputObjectType) and isinstance(theirs, GraphQLInputObjectType):
        yield from _inputs(name, ours, theirs)
    elif not isinstance(ours, GraphQLScalarType):
        assert isinstance(ours, Composite)
        assert isinstance(theirs, Composite)
        yield from _composite(name, ours, theirs)


def _inputs(name: str, ours: GraphQLInputObjectType, theirs: GraphQLInputObjectType) -> Iterator[str]:
    for field, told in ours.fields.items():
        known = theirs.fields.get(field)
        if known is None or str(known.type) != str(told.type):
            yield f"{name}.{field}: {None if known is None else known.type}, not {told.type}"
    for field, known in theirs.fields.items():
        if str(known.type).endswith("!") and known.default_value is None and field not in ours.fields:
            yield f"{name}.{field}: is required, and missing"


def _composite(name: str, ours: Composite, theirs: Composite) -> Iterator[str]:
    known = {interface.name for interface in theirs.interfaces}
    yield from (f"{name}: is no {one.name}" for one in ours.interfaces if one.name not in known)
    for field, told in ours.fields.items():
        there = theirs.fields.get(field)
        if there is None or str(there.type) != str(told.type):
            yield f"{name}.{field}: {None if there is None else there.type}, not {told.type}"
            continue
        for argument, given in told.args.items():
            right = there.args.get(argument)
            there_printed, printed = (one and print_input_value(argument, one) for one in (right, given))
            if there_printed != printed:
                yield f"{name}.{field}: {there_printed}, not {printed}"
        for argument, right in there.args.items():
            if str(right.type).endswith("!") and argument not in told.args:
                yield f"{name}.{field}({argument}): is required, and missing"
