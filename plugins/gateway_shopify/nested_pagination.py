"""Pagination of nested connections: records are always read completely."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from gateway.sdk import ContractError
from gateway_shopify.client import ShopifyClient
from gateway_shopify.graphql_values import convert_object
from gateway_shopify.read_documents import NESTED_CONNECTIONS, NestedConnection, Operation

MAX_PAGES = 100
"""Maximum number of pages of one connection."""


Connections = Mapping[tuple[str, str], NestedConnection]


async def complete_node(client: ShopifyClient, node: Any, own: Connections = MappingProxyType({})) -> Any:
    """Return the node with all nested connections complete. `own`: those that differ from `NESTED_CONNECTIONS`."""
    if isinstance(node, list):
        return [await complete_node(client, item, own) for item in node]
    if not isinstance(node, dict):
        return node
    completed = {}
    for field, value in node.items():
        key = str(node.get("__typename")), field
        nested = own.get(key) or NESTED_CONNECTIONS.get(key)
        completed[field] = await complete_node(
            client, value if nested is None else await _complete_connection(client, node, nested, value), own
        )
    return completed


async def _complete_connection(
    client: ShopifyClient, node: dict[str, Any], nested: NestedConnection, first: Any
) -> Any:
    """Return the connection with the nodes of all its pages; unchanged if it has one page."""
    after = get_next_cursor(first, None)
    if after is None:
        return first
    nodes = list(first["nodes"])
    for _ in range(MAX_PAGES):
        answer = await client.call(nested.operation, id=node.get("id"), after=after)
        page = get_connection(answer.get("node"), nested.field, nested.operation)
        nodes += page["nodes"]
        after = get_next_cursor(page, after)
        if after is None:
            return {"nodes": nodes}
    raise ContractError(f"{nested.operation.name} has more pages than allowed")


def get_connection(answer: Any, field: str, operation: Operation) -> dict[str, Any]:
    """Return the connection in a response."""
    page = convert_object(answer).get(field)
    if not isinstance(page, dict) or not isinstance(page.get("nodes"), list):
        raise ContractError(f"the response of {operation.name} has no page")
    return page


def get_next_cursor(connection: Any, before: str | None) -> str | None:
    """Return the cursor of the next page; None after the last page."""
    info = connection.get("pageInfo") if isinstance(connection, dict) else None
    if not isinstance(info, dict) or info.get("hasNextPage") is not True:
        return None
    cursor = info.get("endCursor")
    if not isinstance(cursor, str) or cursor == before or not connection.get("nodes"):
        raise ContractError("a page claims a next page but has no valid cursor")
    return cursor
