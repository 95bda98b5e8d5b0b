"""Mapping of metafields, which the configuration declares as attributes."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple

from gateway.sdk import Context, ContractError, InvalidValueError, RecordWarning, json_access, read_informative
from gateway_shopify.graphql_values import Node, get_id
from gateway_shopify.read_documents import METAFIELDS

_NAME = re.compile(r"[A-Za-z0-9_$:-]{2,255}\.[A-Za-z0-9_-]{2,64}")
LIST = "list."


class Metafields(NamedTuple):
    """The metafields to read of products and of variants, as ``namespace.key``."""

    products: Sequence[str] = ()
    variants: Sequence[str] = ()


def list_metafields(context: Context, of_variants: Collection[str]) -> Metafields:
    """List the metafields to read: the names of attributes. `of_variants`: those that variants have.

    Raises:
        ContractError: A name is none of a metafield, or is not declared.
    """
    names = sorted(context.attributes)
    check_names(names)
    if unknown := sorted({*of_variants} - {*names}):
        raise ContractError(f"variant_metafields: {unknown[0]} is not declared in [attributes]")
    return Metafields([name for name in names if name not in of_variants], sorted(of_variants))


def check_names(names: Iterable[str]) -> None:
    """Raise `ContractError` if a name is none of a metafield."""
    for name in names:
        if not _NAME.fullmatch(name):
            raise ContractError(f"{name} is not the name of a metafield such as custom.material")


def map_metafields(node: Node, names: Sequence[str]) -> tuple[list[tuple[str, tuple[str, ...]]], list[RecordWarning]]:
    """Map the metafields of a product or variant to the texts of attributes."""

    def map_metafield(position: int) -> tuple[str, tuple[str, ...]]:
        metafield = json_access.get_optional_object(node, f"{METAFIELDS}{position}")
        return names[position], () if metafield is None else _map_values(metafield)

    return read_informative(range(len(names)), map_metafield, "attributes")


def _map_values(metafield: Node) -> tuple[str, ...]:
    kind, value = json_access.get_text(metafield, "type"), json_access.get_text(metafield, "value")
    if kind.removeprefix(LIST) == "product_reference":
        gids = _parse(value) if kind.startswith(LIST) else [value]
        return tuple(get_id({"value": gid}, "Product", "value") for gid in gids) if isinstance(gids, list) else ()
    if not kind.startswith(LIST):
        return (_format_value(_parse(value)),) if _is_structured(kind) else (value,)
    items = _parse(value)
    if not isinstance(items, list):
        raise InvalidValueError("metafield", "expected a list")
    return tuple(_format_value(item) for item in items)


def _is_structured(kind: str) -> bool:
    return kind in ("dimension", "weight", "volume", "money", "rating")


def _parse(value: str) -> Any:
    try:
        return json.loads(value, parse_float=str, parse_int=str)
    except (ValueError, RecursionError) as error:
        raise InvalidValueError("metafield", "is not JSON") from error


def _format_value(value: Any) -> str:
    """Format a value of a metafield: a measure, an amount, a rating, or a simple one."""
    if isinstance(value, dict):
        names = ("amount", "currency_code") if "amount" in value else ("value", "unit")
        return " ".join(str(value[name]) for name in names if value.get(name) is not None)
    return json.dumps(value) if isinstance(value, bool | list) or value is None else str(value)
