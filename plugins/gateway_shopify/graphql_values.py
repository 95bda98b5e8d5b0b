"""Values in GraphQL responses. A value that does not match the schema rejects the record, naming the field."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from decimal import Decimal

from gateway.sdk import InvalidValueError, Money, json_access
from gateway.sdk.json_access import Shape

Node = Shape
_GID = re.compile(r"gid://shopify/(\w+)/(\d{1,19})(\?[\w=&]*)?", re.ASCII)
MAX_COST_VALUE = 1_000_000_000
"""Maximum value of costs that is accepted."""


def build_gid(kind: str, number: str) -> str:
    """Build a global ID of Shopify."""
    return f"gid://shopify/{kind}/{number}"


def get_identity(node: object, kind: str) -> str:
    """Return the number in the ID of a node; for an invalid one, a stable substitute derived from its content."""
    value = node.get("id") if isinstance(node, Mapping) else None
    match = _GID.fullmatch(value) if isinstance(value, str) else None
    if match is not None and match[1] == kind:
        return match[2]
    return "unfit-" + hashlib.sha256(json.dumps(node, default=str, sort_keys=True).encode()).hexdigest()[:32]


def get_id(node: Node, kind: str, field: str = "id") -> str:
    """Return the number in the ID of a node of this type."""
    value = json_access.get_text(node, field)
    match = _GID.fullmatch(value)
    if match is None or match[1] != kind:
        raise InvalidValueError(field, f"{value[:80]!r} is not the id of a {kind}")
    return match[2]


def get_rate(node: Node, field: str) -> Decimal:
    """Return a rate; 0 if null."""
    value = node.get(field) or 0
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise InvalidValueError(field, f"expected a number, found {type(value).__name__}")
    return Decimal(value)


def get_money(node: Node, field: str, currency: str) -> Money:
    """Return an amount without a currency code, in the shop's currency."""
    return Money.of(json_access.get_text(node, field), currency)


def get_shop_money(node: Node, field: str) -> Money | None:
    """Return the amount in the shop's currency of a money bag; None if null."""
    pair = json_access.get_optional_object(node, field)
    if pair is None:
        return None
    amount = json_access.get_object(pair, "shopMoney")
    return Money.of(json_access.get_text(amount, "amount"), json_access.get_text(amount, "currencyCode"))


def get_nodes(node: Node, field: str) -> list[Node]:
    """Return the nodes of a connection."""
    return json_access.get_objects(node, field, "nodes")


def convert_object(value: object) -> Node:
    """Return the value if it is an object, otherwise an empty one."""
    return value if isinstance(value, Mapping) else {}


def convert_number(value: object) -> float | None:
    """Return the value if it is a number within the accepted range, otherwise None."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None
    return float(value) if -MAX_COST_VALUE <= value <= MAX_COST_VALUE else None
