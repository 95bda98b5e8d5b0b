"""IDs in requests. One of another kind than expected, or in another format, is an error of the request."""

from __future__ import annotations

import re

from graphql import GraphQLError

from gateway_shopify_sandbox.state import Node, Shop

_GID = re.compile(r"gid://shopify/(\w+)/([0-9]{1,19})(\?[\w=&]*)?", re.ASCII)

OTHER_KINDS = ("Job",)
"""Kinds of objects that have an ID and are no nodes."""


def parse_gid(id: str) -> tuple[str, int]:
    """Parse an ID into its kind and its number."""
    match = _GID.fullmatch(id)
    if match is None:
        raise build_id_error(id)
    return match[1], int(match[2])


def find_node(shop: Shop, kind: str, id: str) -> Node | None:
    """Return the node of this kind; None if the shop does not have it."""
    given, number = parse_gid(id)
    if given != kind:
        raise build_id_error(id)
    return shop.nodes.get(kind, {}).get(number)


def find_any_node(shop: Shop, id: str) -> Node | None:
    """Return the node of any kind that has nodes; None if the shop does not have it."""
    kind, number = parse_gid(id)
    if kind in OTHER_KINDS:
        raise build_id_error(id)
    item = id.rpartition("inventory_item_id=")[2]
    if kind == "InventoryLevel":
        return shop.levels.get(int(item), {}).get(number) if item.isdecimal() else None
    return shop.nodes.get(kind, {}).get(number)


def build_id_error(id: str) -> GraphQLError:
    """Build the error for an ID that does not name what is expected."""
    return GraphQLError(f"Invalid id: {id[:100]}", extensions={"code": "RESOURCE_NOT_FOUND"})
