"""What all changes of carts have in common: whose wish it is, and the token that the answer carries."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gateway.commerce import credentials
from gateway.commerce import once as wishes
from gateway.execution.context import Context
from gateway.execution.errors import BadUserInputError
from gateway.graphql.house import house
from gateway.graphql.mutations.once import claim
from gateway.model.outcomes import Outcome
from gateway.storage import carts
from gateway.storage.database import Connection

SHORTEST_KEY = 16
"""Characters of an idempotency key that stands for nobody but itself: it must not be guessed."""


def owner(token: str) -> str:
    """Whose wish it is, where only the cart's token says who asks."""
    return f"cart {credentials.named(token) or ''}"


async def once_in_cart(
    context: Context, mutation: str, given: Any, work: Callable[[Connection], Outcome], principal: str
) -> Outcome:
    """Change a cart in one transaction, with the wish's key; the answer may show the cart, and its token."""
    outcome = await context.write(wishes.once, claim(context, mutation, given, principal), Outcome(), work)
    await show(context, outcome.subject)
    context.forget()
    return outcome


async def show(context: Context, cart_id: str | None) -> None:
    """Let the answer show this cart. Its token is the one that is good now."""
    if cart_id is None:
        return
    rotation = await context.read(carts.rotation_of, cart_id)
    if rotation is not None:
        context.tokens[cart_id] = credentials.of_cart(house(context).selling.secret, cart_id, rotation)


def check_key(context: Context, key: str) -> None:
    """Whoever has no name is told apart by her keys alone: two of them must not meet in one cart."""
    if not context.caller.principal and len(key) < SHORTEST_KEY:
        raise BadUserInputError(f"idempotencyKey: without a token at least {SHORTEST_KEY} characters, as a UUID has.")
