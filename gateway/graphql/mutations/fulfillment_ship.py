"""`fulfillmentShip`."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import strawberry

from gateway.commerce.handing import ship
from gateway.execution.context import Context
from gateway.execution.errors import BadUserInputError
from gateway.graphql.addresses import short
from gateway.graphql.house import house
from gateway.graphql.ids import row_id
from gateway.graphql.inputs import given, required
from gateway.graphql.mutations.once import Input, key_field
from gateway.graphql.mutations.telling import once_told
from gateway.graphql.queries.filters import present
from gateway.model.orders import Tracking
from gateway.model.outcomes import Outcome

MOST_PARCELS = 20


@strawberry.input(description="So much of a line of an order.")
class OrderLineQuantityInput:
    line_id: strawberry.ID = required("Of which line.")
    quantity: int = required("How much, at least 1.")


@strawberry.input(description="By which a carrier finds a parcel.")
class TrackingInput:
    carrier: str | None = given("Who carries it.")
    number: str = required("Its number there.")
    url: str | None = given("Where one can look how far it is: http or https.")


@strawberry.input(description="Goods that have left.")
class FulfillmentShipInput:
    fulfillment_id: strawberry.ID = required("Which fulfillment.")
    version: int = required("The version that the caller saw: another one by now is a CONFLICT.")
    lines: list[OrderLineQuantityInput] | None = given("What has left, if not all of it: the rest stays to be sent.")
    tracking: list[TrackingInput] | None = given("The parcels, at most 20.")
    idempotency_key: str = key_field()


async def fulfillment_ship(context: Context, *, input: Annotated[FulfillmentShipInput, Input]) -> Outcome:
    id_, lines = row_id("Fulfillment", input.fulfillment_id), present(input.lines)
    work = partial(
        ship,
        id_=id_,
        version=input.version,
        quantities=None if lines is None else {row_id("OrderLine", one.line_id): one.quantity for one in lines},
        tracking=_tracking(present(input.tracking) or []),
        selling=house(context).selling,
        now=context.now,
    )
    return await once_told(context, "fulfillmentShip", input, Outcome(subject=id_), work)


def _tracking(given: list[TrackingInput]) -> list[Tracking]:
    if len(given) > MOST_PARCELS:
        raise BadUserInputError(f"tracking: at most {MOST_PARCELS} parcels.")
    return [
        Tracking(carrier=short("carrier", one.carrier), number=_number(one.number), url=_url(present(one.url)))
        for one in given
    ]


def _number(number: str) -> str:
    text = short("tracking.number", number)
    if text is None:
        raise BadUserInputError("tracking.number: is empty.")
    return text


def _url(url: str | None) -> str | None:
    """An address that is safe to show as a link."""
    text = short("tracking.url", url)
    if text is not None and not text.startswith(("https://", "http://")):
        raise BadUserInputError("tracking.url: expected one of http or https.")
    return text
