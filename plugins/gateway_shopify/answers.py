"""Single values of an answer: each is what the schema says it is, or the record is refused with the field's name."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from decimal import Decimal

from gateway.sdk import InvalidValueError, Money, shapes
from gateway.sdk.shapes import Shape

Node = Shape
_GID = re.compile(r"gid://shopify/(\w+)/(\d{1,19})(\?[\w=&]*)?", re.ASCII)
GREATEST = 1_000_000_000
"""Of what is told of costs."""


def gid(kind: str, number: str) -> str:
    """Shopify's own form of an id."""
    return f"gid://shopify/{kind}/{number}"


def identity(node: object, kind: str) -> str:
    """The number in a node's id; for one without, a name that stays the same as long as the node does."""
    value = node.get("id") if isinstance(node, Mapping) else None
    match = _GID.fullmatch(value) if isinstance(value, str) else None
    if match is not None and match[1] == kind:
        return match[2]
    return "unfit-" + hashlib.sha256(json.dumps(node, default=str, sort_keys=True).encode()).hexdigest()[:32]


def number(node: Node, kind: str, field: str = "id") -> str:
    """The number of a node that is of this type."""
    value = shapes.text(node, field)
    match = _GID.fullmatch(value)
    if match is None or match[1] != kind:
        raise InvalidValueError(field, f"{value[:80]!r} is not the id of a {kind}")
    return match[2]


def fraction(node: Node, field: str) -> Decimal:
    """A rate, 0 where it is null."""
    value = node.get(field) or 0
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise InvalidValueError(field, f"expected a number, found {type(value).__name__}")
    return Decimal(value)


def money(node: Node, field: str, currency: str) -> Money:
    """A bare decimal, in the shop's currency."""
    return Money.of(shapes.text(node, field), currency)


def shop_money(node: Node, field: str) -> Money | None:
    """The shop's side of a pair of amounts, or None."""
    pair = shapes.optional_one(node, field)
    if pair is None:
        return None
    amount = shapes.one(pair, "shopMoney")
    return Money.of(shapes.text(amount, "amount"), shapes.text(amount, "currencyCode"))


def nodes(node: Node, field: str) -> list[Node]:
    """The nodes of a connection."""
    return shapes.several(node, field, "nodes")


def mapping(value: object) -> Node:
    """An object; an empty one, where it is something else."""
    return value if isinstance(value, Mapping) else {}


def figure(value: object) -> float | None:
    """A number, where it is one that can be reckoned with."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None
    return float(value) if -GREATEST <= value <= GREATEST else None
