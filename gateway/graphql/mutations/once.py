"""Mutations and their idempotency keys: the same wish has its effect once."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import fields
from datetime import timedelta
from typing import Any

import strawberry

from gateway.commerce import once as wishes
from gateway.execution.context import Context, frozen
from gateway.execution.errors import BadUserInputError
from gateway.graphql.inputs import required
from gateway.model import values
from gateway.model.outcomes import Outcome
from gateway.model.values import InvalidValueError
from gateway.storage.database import Connection
from gateway.storage.idempotency import Claim

LONGEST_KEY = 200
LASTING = timedelta(minutes=1)
"""Whatever is still under way after this was killed."""

Input = strawberry.argument(description="What is wished for.")


def key_field() -> Any:
    """`idempotencyKey` of an input."""
    return required(
        "Made up by the caller, another one for every wish: sent again with the same input it has no further effect "
        "and the same answer. At most 200 characters; kept for 14 days."
    )


def claim(context: Context, mutation: str, given: Any, principal: str | None = None) -> Claim:
    """The wish that this input is. `principal`: whose it is, where the caller has no name."""
    try:
        key = values.text("idempotencyKey", given.idempotency_key, LONGEST_KEY)
    except InvalidValueError as error:
        raise BadUserInputError(f"{error}.") from error
    wish = (mutation, *(frozen(getattr(given, one.name)) for one in fields(given) if one.name != "idempotency_key"))
    return Claim(
        principal=context.caller.principal or principal or "",
        key=key,
        fingerprint=hashlib.blake2s(repr(wish).encode(), digest_size=16).hexdigest(),
        run=secrets.token_hex(8),
        at=context.now,
        until=context.now + LASTING,
    )


async def once(
    context: Context, mutation: str, given: Any, about: Outcome, work: Callable[[Connection], Outcome]
) -> Outcome:
    """Do the work in one transaction, with its key; or tell what became of it.

    Args:
        about: what the wish is about, for an answer that refuses it.
    """
    outcome = await context.write(wishes.once, claim(context, mutation, given), about, work)
    context.forget()
    return outcome
