"""Connections inside a record, followed to their end: nothing is ever cut silently."""

from __future__ import annotations

from typing import Any

from gateway.sdk import ContractError
from gateway_shopify.answers import mapping
from gateway_shopify.client import Client
from gateway_shopify.operations import NESTED, Nested, Operation

MOST = 100
"""Pages of one connection: no record has more."""


async def complete(client: Client, node: Any) -> Any:
    """The node with every connection in it complete."""
    if isinstance(node, list):
        return [await complete(client, item) for item in node]
    if not isinstance(node, dict):
        return node
    whole = {}
    for field, value in node.items():
        nested = NESTED.get((str(node.get("__typename")), field))
        whole[field] = await complete(client, value if nested is None else await _rest(client, node, nested, value))
    return whole


async def _rest(client: Client, node: dict[str, Any], nested: Nested, first: Any) -> Any:
    """The connection with the nodes of all its pages; as it is, where there is but one."""
    after = following(first, None)
    if after is None:
        return first
    nodes = list(first["nodes"])
    for _ in range(MOST):
        answer = await client.ask(nested.operation, id=node.get("id"), after=after)
        page = connection_of(answer.get("node"), nested.field, nested.operation)
        nodes += page["nodes"]
        after = following(page, after)
        if after is None:
            return {"nodes": nodes}
    raise ContractError(f"{nested.operation.name} gives page after page, without an end")


def connection_of(answer: Any, field: str, operation: Operation) -> dict[str, Any]:
    """The page that stands in an answer."""
    page = mapping(answer).get(field)
    if not isinstance(page, dict) or not isinstance(page.get("nodes"), list):
        raise ContractError(f"{operation.name} answered without a page")
    return page


def following(connection: Any, before: str | None) -> str | None:
    """The cursor of the next page, None for the last one."""
    info = connection.get("pageInfo") if isinstance(connection, dict) else None
    if not isinstance(info, dict) or info.get("hasNextPage") is not True:
        return None
    cursor = info.get("endCursor")
    if not isinstance(cursor, str) or cursor == before or not connection.get("nodes"):
        raise ContractError("a page says that there is a next one, and does not say where")
    return cursor
