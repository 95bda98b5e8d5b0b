"""Logins of customers: the payload of a token exchange."""

from __future__ import annotations

from datetime import datetime
from operator import attrgetter

from gateway.execution.fields import attribute, load
from gateway.execution.object_types import output
from gateway.graphql.loaders.carts import load_carts
from gateway.graphql.loaders.customers.logins import load_shopper_token_ends, load_shopper_tokens
from gateway.graphql.loaders.customers.profiles import load_customers
from gateway.graphql.types.carts import Cart
from gateway.graphql.types.customers.profiles import Customer
from gateway.graphql.types.outcomes import ERRORS, UserError
from gateway.model import mutation_result
from gateway.model.mutation_result import MutationResult


def _get_cart_id(result: MutationResult) -> str | None:
    """Return the cart of a token exchange: the second of its subjects, after the identity."""
    return result.subjects[1] if len(result.subjects) > 1 else None


@output(mutation_result.MutationResult, "Result of an exchange of a customer's token.")
class ShopperTokenPayload:
    access_token: str | None = load(
        "The token, to send as `Authorization: Bearer`. Null: none was issued, or a retry returned the result of an "
        "earlier request; exchange again with another key.",
        load_shopper_tokens,
        key=attrgetter("subject"),
    )
    expires_at: datetime | None = load(
        "When the token expires: within an hour, and no later than the one it was exchanged for. Null: none was "
        "issued.",
        load_shopper_token_ends,
        key=attrgetter("subject"),
    )
    customer: Customer | None = load(
        "The customer who has logged in. Null: the token was not accepted.", load_customers, key=attrgetter("subject")
    )
    cart: Cart | None = load(
        "The cart of `cartToken`, with its new token. Null: there was none.",
        load_carts,
        key=_get_cart_id,
    )
    user_errors: list[UserError] = attribute(ERRORS)
