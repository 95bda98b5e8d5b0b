"""`listingLink`."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import strawberry

from gateway.commerce.linking import Decision, decide
from gateway.execution.context import Context
from gateway.execution.errors import BadUserInputError
from gateway.graphql.house import house
from gateway.graphql.ids import row_id
from gateway.graphql.inputs import given, required
from gateway.graphql.mutations.once import Input, key_field, once
from gateway.graphql.queries.filters import present
from gateway.model import values
from gateway.model.outcomes import Outcome
from gateway.model.values import InvalidValueError


@strawberry.input(description="A listing, and the variant that it is.")
class ListingLinkInput:
    listing_id: strawberry.ID = required("The listing.")
    variant_id: strawberry.ID = required("The variant that it belongs to.")
    units_per_listing: int | None = given(
        "How many units of stock one listing sells: 2 for a two-pack. It stands whatever the channel says. "
        "Left out, or null: as many as before."
    )
    idempotency_key: str = key_field()


async def listing_link(context: Context, *, input: Annotated[ListingLinkInput, Input]) -> Outcome:
    decision = Decision(
        listing=row_id("Listing", input.listing_id),
        variant=row_id("ProductVariant", input.variant_id),
        units=_units(present(input.units_per_listing)),
    )
    work = partial(decide, decision=decision, rules=house(context).rules, now=context.now)
    return await once(context, "listingLink", input, Outcome(subject=decision.listing), work)


def _units(units: int | None) -> int | None:
    try:
        return None if units is None else values.whole("unitsPerListing", units, least=1)
    except InvalidValueError as error:
        raise BadUserInputError(f"{error}.") from error
