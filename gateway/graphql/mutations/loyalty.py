"""Loyalty mutations: post points, and redeem them in a cart."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Annotated

import strawberry

from gateway.commerce.checkout.carts import CartRef, set_points
from gateway.commerce.loyalty.posts import LoyaltyPost, post_points
from gateway.commerce.loyalty.program import MAX_POINTS
from gateway.execution.context import Context
from gateway.execution.errors import BadUserInputError
from gateway.graphql.customer_visibility import check_customers
from gateway.graphql.filters import unwrap
from gateway.graphql.global_ids import parse_row_id
from gateway.graphql.input_values import parse_short_text
from gateway.graphql.inputs import declare_optional, declare_required
from gateway.graphql.loaders.customers.loyalty import find_shopper_home
from gateway.graphql.mutations.carts import CART_VERSION, CURRENT_CART, build_cart_principal, execute_in_cart
from gateway.graphql.mutations.execution import Input, declare_key, execute, refuse
from gateway.graphql.mutations.validation import check_locations
from gateway.graphql.runtime_protocol import build_selling_context
from gateway.graphql.scopes import LOYALTY_WRITE
from gateway.model.audit import AuditChange
from gateway.model.customers.loyalty import LoyaltyEntryKind
from gateway.model.mutation_result import MutationResult


@strawberry.input(description="Loyalty points to post.")
class LoyaltyPostInput:
    customer_id: strawberry.ID | None = declare_optional("ID of the customer. Either this or `loyaltyNumber` is given.")
    loyalty_number: str | None = declare_optional("Number of the loyalty card.")
    points: int = declare_required("Number of points, at least 1. Of an ADJUST also negative.")
    kind: LoyaltyEntryKind = declare_required("EARN, REDEEM or ADJUST.")
    reason: str = declare_required("Reason, shown to staff and the customer.")
    source_key: str = declare_required(
        "Key of the event, which counts once. Of a receipt CHANNEL/LOCATION/DAY/NUMBER: the key of the channel, the "
        "ID of the store's location in it, the day as YYYY-MM-DD, and the number. Something else under the same key "
        "returns CONFLICT."
    )
    occurred_at: datetime | None = declare_optional(
        "When it happened. Points that were spent then are posted even if the balance becomes negative. Null: now; "
        "REDEEM returns INSUFFICIENT_POINTS if there are too few."
    )
    location_key: str | None = declare_optional("Key of the location at which it happened.")
    expires_at: datetime | None = declare_optional("When granted points expire. Null: as the program says.")
    idempotency_key: str = declare_key()


async def resolve_loyalty_post(context: Context, *, input: Annotated[LoyaltyPostInput, Input]) -> MutationResult:
    post = _read_post(context, input)
    problems = check_locations(context, {"locationKey": post.location_key}) if post.location_key else []
    use_case = partial(post_points, post=post, context=build_selling_context(context))
    problems += await check_customers(context, {} if post.home is None else {"customerId": post.home})
    changes = [
        AuditChange("points", None, f"{post.kind.value} {post.points}"),
        AuditChange("sourceKey", None, post.source_key),
    ]
    return await execute(context, "loyaltyPost", input, refuse(problems) or use_case, changes=changes)


def _read_post(context: Context, input: LoyaltyPostInput) -> LoyaltyPost:
    customer_id = unwrap(input.customer_id)
    number = parse_short_text("input.loyaltyNumber", input.loyalty_number)
    if (customer_id is None) is (number is None):
        raise BadUserInputError("input: expected either customerId or loyaltyNumber.")
    if abs(input.points) > MAX_POINTS:
        raise BadUserInputError(f"input.points: expected at most {MAX_POINTS:,} points.")
    location_key = unwrap(input.location_key)
    return LoyaltyPost(
        home=None if customer_id is None else parse_row_id("input.customerId", "Customer", customer_id),
        number=number,
        kind=input.kind,
        points=input.points,
        reason=_require_text("input.reason", input.reason),
        source_key=_require_text("input.sourceKey", input.source_key),
        occurred_at=unwrap(input.occurred_at),
        location_key=None if location_key is None else context.require_location(location_key).key,
        expires_at=unwrap(input.expires_at),
    )


def _require_text(name: str, value: str) -> str:
    text = parse_short_text(name, value)
    if text is None:
        raise BadUserInputError(f"{name}: must not be empty.")
    return text


@strawberry.input(description="Loyalty points that the order of a cart redeems.")
class CartLoyaltySetInput:
    cart_token: str = declare_required(CURRENT_CART)
    version: int | None = declare_optional(CART_VERSION)
    points: int = declare_required("Number of points. 0: none. They are spent when the order is placed.")
    idempotency_key: str = declare_key()


async def resolve_cart_loyalty_set(context: Context, *, input: Annotated[CartLoyaltySetInput, Input]) -> MutationResult:
    shopper_home = find_shopper_home(context)
    if shopper_home is None:
        context.require(LOYALTY_WRITE)
    if not 0 <= input.points <= MAX_POINTS:
        raise BadUserInputError(f"input.points: expected 0 to {MAX_POINTS:,} points.")
    use_case = partial(
        set_points,
        cart=CartRef(input.cart_token, unwrap(input.version)),
        points=input.points,
        shopper_home=shopper_home,
        context=build_selling_context(context),
    )
    principal = build_cart_principal(input.cart_token)
    return await execute_in_cart(context, "cartLoyaltySet", input, use_case, principal, input.cart_token)
