"""`listingUnlink`."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import strawberry

from gateway.commerce.linking import Decision, decide
from gateway.execution.context import Context
from gateway.graphql.house import house
from gateway.graphql.ids import row_id
from gateway.graphql.inputs import required
from gateway.graphql.mutations.once import Input, key_field, once
from gateway.model.outcomes import Outcome


@strawberry.input(description="A listing that is to stand alone.")
class ListingUnlinkInput:
    listing_id: strawberry.ID = required("The listing.")
    idempotency_key: str = key_field()


async def listing_unlink(context: Context, *, input: Annotated[ListingUnlinkInput, Input]) -> Outcome:
    decision = Decision(listing=row_id("Listing", input.listing_id), variant=None)
    work = partial(decide, decision=decision, rules=house(context).rules, now=context.now)
    return await once(context, "listingUnlink", input, Outcome(subject=decision.listing), work)
