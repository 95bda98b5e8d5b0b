"""Lines that go into a cart."""

from __future__ import annotations

from collections.abc import Sequence

import strawberry

from gateway.commerce.carts import MOST_LINES, Filling
from gateway.execution.context import Context
from gateway.execution.errors import BadUserInputError
from gateway.graphql.inputs import required
from gateway.graphql.mutations.quantities import variants_of
from gateway.model.outcomes import UserError


@strawberry.input(description="So much of a variant.")
class CartLineInput:
    variant_id: strawberry.ID = required("Of what.")
    quantity: int = required("How many, 1 to 9,999. What is in the cart already is added to.")


async def fillings(context: Context, lines: Sequence[CartLineInput]) -> tuple[list[Filling], list[UserError]]:
    """The lines as a cart takes them; and an error for each variant that is not there."""
    if len(lines) > MOST_LINES:
        raise BadUserInputError(f"lines: at most {MOST_LINES}.")
    found, problems = await variants_of(context, [line.variant_id for line in lines])
    pairs = zip(found, lines, strict=True)
    return [Filling(n, variant or "", line.quantity) for n, (variant, line) in enumerate(pairs)], problems
