"""Global ids in arguments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import strawberry

from gateway.execution.errors import BadUserInputError
from gateway.execution.fields import pure
from gateway.model.ids import GlobalId, InvalidIdError, is_row_id

ROWS = (
    "Product",
    "ProductVariant",
    "Listing",
    "Category",
    "Customer",
    "CustomerIdentity",
    "Order",
    "OrderLine",
    "SyncReject",
    "MatchReview",
    "Stock",
    "StockLevel",
    "Reservation",
    "OutboxEntry",
    "Cart",
    "CartLine",
    "ChannelOrder",
    "Fulfillment",
    "Payment",
    "OrderEvent",
)
"""Types whose ids begin with the id of a row."""


def parsed(text: str) -> GlobalId:
    """The global id in an argument."""
    try:
        found = GlobalId.parse(text)
    except InvalidIdError as error:
        raise BadUserInputError("This is not an id of this gateway.") from error
    if found.type in ROWS and not is_row_id(found.key):
        raise BadUserInputError("This is not an id of this gateway.")
    return found


def row_id(type_name: str, text: str) -> str:
    """The row that an id of this type stands for."""
    found = parsed(text)
    if found.type != type_name or len(found.parts) != 1:
        raise BadUserInputError(f"This is no id of a {type_name}.")
    return found.key


def part_id(type_name: str, text: str) -> str:
    """The row that an id of this type ends with: a part of the row that it begins with."""
    found = parsed(text)
    if found.type != type_name or len(found.parts) != 2 or not is_row_id(found.parts[1]):
        raise BadUserInputError(f"This is no id of a {type_name}.")
    return found.parts[1]


def _parts(*names: str) -> Callable[[Any], tuple[str, ...]]:
    return lambda node: tuple(getattr(node, name) for name in names)


def global_id(type_name: str, *names: str, parts: Callable[[Any], tuple[str, ...]] | None = None) -> Any:
    """The field `id` of a node: made of these attributes, or of `parts`."""
    made = parts or _parts(*names)
    return pure(
        "Globally unique, opaque. Good for `node(id)` and as the key of a normalized cache.",
        lambda node: strawberry.ID(str(GlobalId(type_name, made(node)))),
    )
