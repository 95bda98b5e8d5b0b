"""Cases for every field of every object type: on a page of a root field that leads to the type."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from graphql import (
    GraphQLField,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    is_composite_type,
    is_required_argument,
)

from bench.cost_cases import Case, Ids

TIMES = 4
PAGE = 20
NOT_MEASURED = frozenset({"node", "nodes"})
LAST = frozenset({"searchSuggestions"})
"""Root fields that lead to a type only if no other does: they take more than what they show."""


def list_field_cases(schema: GraphQLSchema, ids: Ids) -> Iterator[Case]:
    """List a case for every field that a query reaches."""
    arguments = _build_arguments(ids)
    for path, kind in _find_paths(schema, arguments).values():
        for name, field in kind.fields.items():
            if (call := _call(name, field, arguments)) is not None:
                yield Case(f"{kind.name}.{name}", _wrap(path, call + _select(field)), TIMES)


def _find_paths(
    schema: GraphQLSchema, arguments: Mapping[str, str]
) -> dict[str, tuple[tuple[str, ...], GraphQLObjectType]]:
    """Find the shortest path of fields to every object type, by its name."""
    query = schema.query_type
    assert query is not None
    found: dict[str, tuple[tuple[str, ...], GraphQLObjectType]] = {}
    for skipped in (NOT_MEASURED | LAST, NOT_MEASURED):
        pending: list[tuple[tuple[str, ...], GraphQLObjectType]] = [((), query)]
        while pending:
            path, kind = pending.pop(0)
            for name, field in kind.fields.items():
                target, call = get_named_type(field.type), _call(name, field, arguments)
                is_known = not isinstance(target, GraphQLObjectType) or target.name in found or name in skipped
                if not is_known and call is not None and isinstance(target, GraphQLObjectType):
                    found[target.name] = ((*path, call), target)
                    pending.append(found[target.name])
    return found


def _call(name: str, field: GraphQLField, arguments: Mapping[str, str]) -> str | None:
    """Write a field with its required arguments; None: a value for one of them is missing."""
    needed = {key: f"{name}.{key}" for key, argument in field.args.items() if is_required_argument(argument)}
    given = {key: arguments.get(qualified, arguments.get(key)) for key, qualified in needed.items()}
    if None in given.values():
        return None
    values = [f"{key}: {value}" for key, value in given.items()]
    values += [f"first: {PAGE}"] if "first" in field.args else []
    return f"{name}({', '.join(values)})" if values else name


def _select(field: GraphQLField) -> str:
    """Select something of an object, as little as possible."""
    kind = get_named_type(field.type)
    if not is_composite_type(kind):
        return ""
    is_connection = isinstance(kind, GraphQLObjectType) and "nodes" in kind.fields
    return " { nodes { __typename } }" if is_connection else " { __typename }"


def _wrap(path: tuple[str, ...], innermost: str) -> str:
    return " { ".join((*path, innermost)) + " }" * len(path)


def _build_arguments(ids: Ids) -> Mapping[str, str]:
    variants = ", ".join(f'"{id_}"' for id_ in ids.variants[:PAGE])
    return {
        "key": '"web"',
        "location.key": '"shop"',
        "locationKey": '"shop"',
        "ids": f"[{variants}]",
        "variantIds": f"[{variants}]",
        "types": "[PRODUCT]",
        "search": '"teapot pap"',
        "token": f'"{ids.cart_token}"',
        "cartToken": f'"{ids.cart_token}"',
        "sinceVersion": "0",
        "input": f'{{cartToken: "{ids.cart_token}", fulfillmentOptionToken: "{ids.option_token}"}}',
    }
