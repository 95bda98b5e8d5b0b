"""Global IDs: parsing them in arguments, deriving them for `Node.id`."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from operator import attrgetter
from typing import Any

from gateway.execution.errors import BadUserInputError
from gateway.execution.fields import compute
from gateway.model.ids import GlobalId, InvalidIdError, encode_global_id, is_row_id

MAX_SHOWN_LENGTH = 100
"""Characters of an invalid ID in an error."""

ROW_TYPES = (
    "Product",
    "ProductVariant",
    "Listing",
    "Offer",
    "ProductOffer",
    "Category",
    "Customer",
    "CustomerIdentity",
    "CustomerMerge",
    "CustomerReview",
    "DataRequest",
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
    "ApiToken",
    "AuditEntry",
)
"""Types whose global IDs begin with the ID of a row."""


MAX_ENCODED = 20_000
"""IDs that are encoded once, some 6 MB: a page of products has hundreds, and most pages have the same."""

_encode = lru_cache(MAX_ENCODED)(encode_global_id)


def parse_global_id(argument: str, text: str) -> GlobalId:
    """Parse a global ID.

    Raises:
        BadUserInputError: it is none. The message names the argument and its value.
    """
    try:
        global_id = GlobalId.parse(text)
    except InvalidIdError as error:
        raise build_id_error(argument, text) from error
    if global_id.type in ROW_TYPES and not is_row_id(global_id.key):
        raise build_id_error(argument, text)
    return global_id


def parse_row_id(argument: str, type_name: str, text: str) -> str:
    """Return the row ID in a global ID of this type. Raises as `parse_global_id`."""
    global_id = parse_global_id(argument, text)
    if global_id.type != type_name or len(global_id.parts) != 1:
        raise build_id_error(argument, text, type_name)
    return global_id.key


def parse_document_id(argument: str, text: str) -> str:
    """Return the hash in the global ID of a persisted document, `sha256:…`. Raises as `parse_global_id`."""
    global_id = parse_global_id(argument, text)
    if global_id.type != "Document" or len(global_id.parts) != 2:
        raise build_id_error(argument, text, "Document")
    return ":".join(global_id.parts)


def parse_part_id(argument: str, type_name: str, text: str) -> str:
    """Return the ID of the part in a global ID of this type, which consists of the IDs of a row and of its part."""
    global_id = parse_global_id(argument, text)
    if global_id.type != type_name or len(global_id.parts) != 2 or not is_row_id(global_id.parts[1]):
        raise build_id_error(argument, text, type_name)
    return global_id.parts[1]


def build_id_error(argument: str, text: str, type_name: str | None = None) -> BadUserInputError:
    """Build the error for a value that is no ID, or not one of a type."""
    shown = text if len(text) <= MAX_SHOWN_LENGTH else f"{text[:MAX_SHOWN_LENGTH]}…"
    kind = "" if type_name is None else f" of the type {type_name}"
    return BadUserInputError(f"{argument}: {shown!r} is not an ID{kind}.")


def declare_global_id(type_name: str, *names: str, parts: Callable[[Any], tuple[str, ...]] | None = None) -> Any:
    """Declare the field `id` of a node, derived from the attributes `names` or from `parts(node)`."""
    compute_id = _make_encoder(type_name, *names) if parts is None else _make_parts_encoder(type_name, parts)
    description = "Globally unique, opaque ID, for `node(id)` and as the key of a normalized cache."
    return compute(description, compute_id, reads=names if parts is None else None)


def _make_encoder(type_name: str, *names: str) -> Callable[[Any], str]:
    prefix = f"{type_name}:"
    get: Callable[[Any], Any] = attrgetter(*names)
    if len(names) == 1:
        return lambda node: _encode(prefix + get(node))
    return lambda node: _encode(prefix + ":".join(get(node)))


def _make_parts_encoder(type_name: str, parts: Callable[[Any], tuple[str, ...]]) -> Callable[[Any], str]:
    return lambda node: str(GlobalId(type_name, parts(node)))
