"""Mutations that channels have to be told of: the wish is stored with what it changes, and told at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from gateway.commerce import once as wishes
from gateway.commerce.commands import Told
from gateway.execution.context import Context
from gateway.graphql.house import house
from gateway.graphql.mutations.once import claim
from gateway.model.outcomes import Outcome, UserError
from gateway.storage.database import Connection

PATIENCE = timedelta(seconds=5)
"""So long a mutation waits for what channels say. What is not over by then goes on without it."""

Work = Callable[[Connection], tuple[Outcome, Told]]


async def once_told(
    context: Context,
    mutation: str,
    given: Any,
    about: Outcome,
    work: Work,
    problems: Sequence[UserError] = (),
    principal: str | None = None,
) -> Outcome:
    """Do the work in one transaction, with its key, and tell the channels; or tell what became of it.

    Args:
        about: what the wish is about, for an answer that refuses it.
        problems: for which it is refused, before anything is looked at.
        principal: whose wish it is, where the caller has no name.
    """
    told: Told = {}

    def done(conn: Connection) -> Outcome:
        nonlocal told
        if problems:
            return replace(about, user_errors=tuple(problems))
        outcome, told = work(conn)
        return outcome

    outcome = await context.database.write(wishes.once, claim(context, mutation, given, principal), about, done)
    await house(context).tell(told, PATIENCE)
    context.forget()
    return outcome
