"""What mutations check of variants and quantities before anything is looked at."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.execution.context import Context
from gateway.graphql.ids import row_id
from gateway.graphql.loads import catalog
from gateway.model.outcomes import UserError, UserErrorCode


async def variants_of(
    context: Context, ids: Sequence[str], *, lists: str = "lines"
) -> tuple[list[str | None], list[UserError]]:
    """The variants that these global ids stand for by now, merges followed; and an error for each that is not there."""
    rows = [row_id("ProductVariant", id_) for id_ in ids]
    found = [None if one is None else str(one.id) for one in await context.load_all(catalog.variants, rows)]
    return found, [_missing(lists, n) for n, id_ in enumerate(found) if id_ is None]


def _missing(lists: str, position: int) -> UserError:
    field = ("input", lists, str(position), "variantId")
    return UserError(code=UserErrorCode.NOT_FOUND, field=field, message="There is no such variant.")


def not_whole(quantity: int, position: int | None, *, least: int = 1) -> UserError | None:
    """Why a line of so many units cannot be."""
    if quantity >= least:
        return None
    field = ("input", "quantity") if position is None else ("input", "lines", str(position), "quantity")
    return UserError(code=UserErrorCode.INVALID, field=field, message=f"At least {least}.")
