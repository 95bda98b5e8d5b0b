"""Single values of an answer: each is what the schema says it is, or the record is refused with the field's name."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TypeVar

from gateway.sdk import InvalidValueError, Money

T = TypeVar("T")
Node = Mapping[str, Any]
_GID = re.compile(r"gid://shopify/(\w+)/(\d{1,19})(\?[\w=&]*)?", re.ASCII)


EARLIEST = 1970
GREATEST = 1_000_000_000
"""Of years; and of what is told of costs."""


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
    value = text(node, field)
    match = _GID.fullmatch(value)
    if match is None or match[1] != kind:
        raise InvalidValueError(field, f"{value[:80]!r} is not the id of a {kind}")
    return match[2]


def text(node: Node, field: str) -> str:
    """A text."""
    return _typed(node, field, str)


def optional_text(node: Node, field: str) -> str | None:
    """A text, or None where it is null or blank."""
    value = None if node.get(field) is None else text(node, field)
    return value if value and value.strip() else None


def whole(node: Node, field: str) -> int:
    """A whole number."""
    return _typed(node, field, int)


def flag(node: Node, field: str) -> bool:
    """A bool."""
    return _typed(node, field, bool)


def moment(node: Node, field: str) -> datetime:
    """An instant, with its zone."""
    try:
        found = datetime.fromisoformat(text(node, field))
        if found.tzinfo is None or found.year < EARLIEST:
            raise InvalidValueError(field, "has no time zone" if found.tzinfo is None else "is before all shops")
        return found.astimezone(UTC)
    except InvalidValueError:
        raise
    except (ValueError, OverflowError) as error:
        raise InvalidValueError(field, "is not a date and time of ISO 8601") from error


def fraction(node: Node, field: str) -> Decimal:
    """A rate, 0 where it is null."""
    value = node.get(field) or 0
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise InvalidValueError(field, f"expected a number, found {type(value).__name__}")
    return Decimal(value)


def money(node: Node, field: str, currency: str) -> Money:
    """A bare decimal, in the shop's currency."""
    return Money.of(text(node, field), currency)


def shop_money(node: Node, field: str) -> Money | None:
    """The shop's side of a pair of amounts, or None."""
    pair = optional(node, field)
    if pair is None:
        return None
    amount = one(pair, "shopMoney")
    return Money.of(text(amount, "amount"), text(amount, "currencyCode"))


def one(node: Node, field: str) -> Node:
    """An object."""
    return _typed(node, field, dict)


def optional(node: Node, field: str) -> Node | None:
    """An object, or None."""
    return None if node.get(field) is None else one(node, field)


def several(node: Node, field: str) -> list[Node]:
    """A list of objects."""
    value = _typed(node, field, list)
    if not all(isinstance(item, dict) for item in value):
        raise InvalidValueError(field, "expected a list of objects")
    return value


def nodes(node: Node, field: str) -> list[Node]:
    """The nodes of a connection."""
    return several(one(node, field), "nodes")


def texts(node: Node, field: str) -> tuple[str, ...]:
    """A list of texts, without the blank ones."""
    value = _typed(node, field, list)
    if not all(isinstance(item, str) for item in value):
        raise InvalidValueError(field, "expected a list of texts")
    return tuple(item for item in value if item.strip())


def mapping(value: object) -> Node:
    """An object; an empty one, where it is something else."""
    return value if isinstance(value, Mapping) else {}


def figure(value: object) -> float | None:
    """A number, where it is one that can be reckoned with."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None
    if not -GREATEST <= value <= GREATEST:
        return None
    return float(value)


def _typed(node: Node, field: str, kind: type[T]) -> T:
    value = node.get(field)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise InvalidValueError(field, f"expected {kind.__name__}, found {type(value).__name__}")
    return value
