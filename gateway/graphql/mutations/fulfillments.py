"""Fulfillment mutations: ship, mark ready, collect, reject."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import strawberry

from gateway.commerce.fulfillment.pickup import (
    CollectionProof,
    collect_fulfillment,
    mark_ready,
    reject_fulfillment,
)
from gateway.commerce.fulfillment.shipping import ShipRequest, ship_fulfillment
from gateway.execution.context import Context
from gateway.execution.errors import BadUserInputError
from gateway.graphql.filters import unwrap
from gateway.graphql.global_ids import parse_row_id
from gateway.graphql.input_values import parse_short_text
from gateway.graphql.inputs import declare_optional, declare_required
from gateway.graphql.mutations.execution import ADDED, Input, declare_key, execute
from gateway.graphql.runtime_protocol import build_selling_context
from gateway.model.mutation_result import MutationResult
from gateway.model.orders import Tracking

MAX_PARCELS = 20
MAX_LINES = 500
"""Lines of a shipment. Orders of channels may have more lines than carts."""
FULFILLMENT_ID = "ID of the fulfillment."
FULFILLMENT_VERSION = (
    "The fulfillment version the client last read. If it has changed since, the mutation returns CONFLICT."
)


@strawberry.input(description="A pickup that the customer collects.")
class FulfillmentCollectInput:
    fulfillment_id: strawberry.ID = declare_required(FULFILLMENT_ID)
    pickup_code: str | None = declare_optional(
        "The code the customer presents: `Fulfillment.pickupCode`. Locked for a while after five wrong codes for this "
        "fulfillment, or 20 wrong codes by the caller in an hour. Exactly one of `pickupCode`, `orderAccessToken` and "
        "`identification` is required."
    )
    order_access_token: str | None = declare_optional(
        "Access token of the order, which the customer presents instead of the code.", metadata=ADDED
    )
    identification: str | None = declare_optional(
        "How staff identified the customer instead of by a code, for example the name and the kind of document. It is "
        "stored with the fulfillment.",
        metadata=ADDED,
    )
    idempotency_key: str = declare_key()


async def resolve_fulfillment_collect(
    context: Context, *, input: Annotated[FulfillmentCollectInput, Input]
) -> MutationResult:
    id_ = parse_row_id("input.fulfillmentId", "Fulfillment", input.fulfillment_id)
    use_case = partial(
        collect_fulfillment,
        id_=id_,
        proof=_read_proof(context, input),
        can_take_payment=context.caller.has_scope("payments:assert"),
        context=build_selling_context(context),
    )
    return await execute(context, "fulfillmentCollect", input, use_case, MutationResult(subject=id_))


def _read_proof(context: Context, input: FulfillmentCollectInput) -> CollectionProof:
    """Read by what the customer is entitled to the goods: exactly one of three."""
    proof = CollectionProof(
        code=parse_short_text("input.pickupCode", input.pickup_code),
        access_token=parse_short_text("input.orderAccessToken", input.order_access_token),
        identification=parse_short_text("input.identification", input.identification),
        presented_by=context.caller.principal,
    )
    if not proof.is_unambiguous:
        raise BadUserInputError("input: expected exactly one of pickupCode, orderAccessToken and identification.")
    return proof


@strawberry.input(description="A pickup that is ready to be collected.")
class FulfillmentMarkReadyInput:
    fulfillment_id: strawberry.ID = declare_required(FULFILLMENT_ID)
    version: int = declare_required(FULFILLMENT_VERSION)
    idempotency_key: str = declare_key()


async def resolve_fulfillment_mark_ready(
    context: Context, *, input: Annotated[FulfillmentMarkReadyInput, Input]
) -> MutationResult:
    id_ = parse_row_id("input.fulfillmentId", "Fulfillment", input.fulfillment_id)
    use_case = partial(mark_ready, id_=id_, version=input.version, context=build_selling_context(context))
    return await execute(context, "fulfillmentMarkReady", input, use_case, MutationResult(subject=id_))


@strawberry.input(
    description="A fulfillment whose goods the location does not have. It is rerouted if another location has them."
)
class FulfillmentRejectInput:
    fulfillment_id: strawberry.ID = declare_required(FULFILLMENT_ID)
    version: int = declare_required(FULFILLMENT_VERSION)
    reason: str = declare_required("Reason, shown to staff.")
    idempotency_key: str = declare_key()


async def resolve_fulfillment_reject(
    context: Context, *, input: Annotated[FulfillmentRejectInput, Input]
) -> MutationResult:
    id_ = parse_row_id("input.fulfillmentId", "Fulfillment", input.fulfillment_id)
    use_case = partial(
        reject_fulfillment,
        id_=id_,
        version=input.version,
        reason=parse_short_text("input.reason", input.reason) or "",
        context=build_selling_context(context),
    )
    return await execute(context, "fulfillmentReject", input, use_case, MutationResult(subject=id_))


@strawberry.input(description="A quantity of an order line.")
class OrderLineQuantityInput:
    line_id: strawberry.ID = declare_required("ID of the order line.")
    quantity: int = declare_required("Quantity, at least 1.")


@strawberry.input(description="The tracking of a parcel.")
class TrackingInput:
    carrier: str | None = declare_optional("Name of the carrier.")
    number: str = declare_required("Tracking number.")
    url: str | None = declare_optional("Tracking page of the carrier, http or https.")


@strawberry.input(description="A fulfillment that has been shipped.")
class FulfillmentShipInput:
    fulfillment_id: strawberry.ID = declare_required(FULFILLMENT_ID)
    version: int = declare_required(FULFILLMENT_VERSION)
    lines: list[OrderLineQuantityInput] | None = declare_optional(
        "The quantities that were shipped. The rest stays to be shipped. Null ships all lines.", max_items=MAX_LINES
    )
    tracking: list[TrackingInput] | None = declare_optional("The parcels, at most 20.", max_items=MAX_PARCELS)
    idempotency_key: str = declare_key()


async def resolve_fulfillment_ship(
    context: Context, *, input: Annotated[FulfillmentShipInput, Input]
) -> MutationResult:
    id_, lines = parse_row_id("input.fulfillmentId", "Fulfillment", input.fulfillment_id), unwrap(input.lines)
    request = ShipRequest(
        fulfillment_id=id_,
        version=input.version,
        quantities=None
        if lines is None
        else {
            parse_row_id(f"input.lines.{n}.lineId", "OrderLine", line.line_id): line.quantity
            for n, line in enumerate(lines)
        },
        tracking=_read_tracking(unwrap(input.tracking) or []),
    )
    use_case = partial(ship_fulfillment, request=request, context=build_selling_context(context))
    return await execute(context, "fulfillmentShip", input, use_case, MutationResult(subject=id_))


def _read_tracking(parcels: list[TrackingInput]) -> list[Tracking]:
    return [
        Tracking(
            carrier=parse_short_text(f"input.tracking.{n}.carrier", parcel.carrier),
            number=_read_number(f"input.tracking.{n}.number", parcel.number),
            url=_read_url(f"input.tracking.{n}.url", unwrap(parcel.url)),
        )
        for n, parcel in enumerate(parcels)
    ]


def _read_number(name: str, number: str) -> str:
    text = parse_short_text(name, number)
    if text is None:
        raise BadUserInputError(f"{name}: must not be empty.")
    return text


def _read_url(name: str, url: str | None) -> str | None:
    """Return a URL that is safe to show as a link."""
    text = parse_short_text(name, url)
    if text is not None and not text.startswith(("https://", "http://")):
        raise BadUserInputError(f"{name}: must begin with https:// or http://.")
    return text
