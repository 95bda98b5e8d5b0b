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
from gateway.sync.outbox import Delivery

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
    wish = claim(context, mutation, given, principal)

    def wished(conn: Connection) -> tuple[Outcome, Sequence[Delivery]]:
        begun: list[Delivery] = []  # of this attempt: a transaction may be run again, and then come to something else

        def done(conn: Connection) -> Outcome:
            if problems:
                return replace(about, user_errors=tuple(problems))
            outcome, told = work(conn)
            begun.extend(house(context).begin(conn, told))
            return outcome

        return wishes.once(conn, wish, about, done), begun

    outcome, begun = await context.write(wished)
    with context.apart():
        await house(context).tell(begun, PATIENCE)
    context.forget()
    return outcome
