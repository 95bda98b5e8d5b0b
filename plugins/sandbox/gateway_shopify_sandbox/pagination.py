"""Pagination of connections, with the limits of Shopify."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any

from graphql import GraphQLError

from gateway_shopify_sandbox.state import Node, parse_number

MAX_PAGE_SIZE = 250
MAX_CURSOR_DEPTH = 25_000


def build_page(nodes: Sequence[Node], arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Build a page of a connection from its arguments.

    Raises:
        GraphQLError: The page size is missing or too large, or the cursor is too deep.
    """
    first = arguments.get("first")
    if first is None or not 0 < first <= MAX_PAGE_SIZE:
        raise GraphQLError(f"you must provide one of first or last, at most {MAX_PAGE_SIZE}")
    start = _find_start(nodes, arguments.get("after"), arguments.get("sortKey"))
    if start > MAX_CURSOR_DEPTH:
        raise GraphQLError(f"a cursor reaches at most {MAX_CURSOR_DEPTH} deep")
    page = list(nodes[start : start + first])
    cursor = None if not page else _build_cursor(page[-1], start + len(page), arguments.get("sortKey"))
    return {"nodes": page, "pageInfo": {"hasNextPage": start + first < len(nodes), "endCursor": cursor}}


def build_sort_key(node: Node, sort: str | None) -> list[Any]:
    """Build the sort key of a node: its date of change if sorted by that, then its number."""
    return [node.get("updatedAt", "") if sort == "UPDATED_AT" else "", parse_number(node["id"])]


def _build_cursor(node: Node, count: int, sort: str | None) -> str:
    """Build a cursor: the sort key of a node; in lists without an order, the number of nodes before it."""
    position = build_sort_key(node, sort) if sort else [count]
    return base64.b64encode(json.dumps(position).encode()).decode()


def _find_start(nodes: Sequence[Node], after: str | None, sort: str | None) -> int:
    if after is None:
        return 0
    position = _parse_cursor(after, [str, int] if sort else [int])
    if not sort:
        return int(position[0])
    return next((index for index, node in enumerate(nodes) if build_sort_key(node, sort) > position), len(nodes))


def _parse_cursor(cursor: str, kinds: Sequence[type]) -> list[Any]:
    try:
        position = json.loads(base64.b64decode(cursor, validate=True))
    except ValueError:
        position = None
    if not isinstance(position, list) or [type(value) for value in position] != list(kinds) or position[-1] < 0:
        raise GraphQLError("Invalid cursor for current pagination sort.")
    return position
