"""Validation of variants, quantities and locations in the input of mutations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gateway.execution.context import Context
from gateway.graphql.global_ids import parse_row_id
from gateway.graphql.loaders import catalog
from gateway.model.mutation_result import UserError, UserErrorCode


async def find_variants(
    context: Context, ids: Sequence[str], *, list_field: str = "lines"
) -> tuple[list[str | None], list[UserError]]:
    """Find the variants with these global IDs; for a merged one, the surviving variant.

    Returns an error for each that does not exist.
    """
    rows = [parse_row_id(f"input.{list_field}.{n}.variantId", "ProductVariant", id_) for n, id_ in enumerate(ids)]
    variants = [None if one is None else str(one.id) for one in await context.load_all(catalog.load_variants, rows)]
    return variants, [_report_unknown_variant(list_field, n) for n, id_ in enumerate(variants) if id_ is None]


def _report_unknown_variant(lists: str, position: int) -> UserError:
    field = ("input", lists, str(position), "variantId")
    return UserError(code=UserErrorCode.NOT_FOUND, field=field, message="There is no such variant.")


def check_quantity(quantity: int, position: int | None, *, least: int = 1) -> UserError | None:
    """Return an error if a line has too few units."""
    if quantity >= least:
        return None
    field = ("input", "quantity") if position is None else ("input", "lines", str(position), "quantity")
    return UserError(code=UserErrorCode.INVALID, field=field, message=f"At least {least}.")


def check_locations(context: Context, locations: Mapping[str, str]) -> list[UserError]:
    """Return an error for each location, by input field, at which the caller does not act."""
    return [
        UserError(
            code=UserErrorCode.LOCATION_NOT_ALLOWED,
            field=("input", *field.split(".")),
            message=f"This token does not act at the location {key}.",
        )
        for field, key in locations.items()
        if not context.caller.can_act_at(key)
    ]
