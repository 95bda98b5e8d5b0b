"""A wish under an idempotency key has its effect once, and is answered alike however often it is sent."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from enum import Enum

from gateway.model.carts import CartWarning, CartWarningCode
from gateway.model.outcomes import Outcome, UserError, UserErrorCode
from gateway.storage import idempotency
from gateway.storage.database import Connection
from gateway.storage.idempotency import Claim
from gateway.storage.rows import dump

SOON = 1
"""Seconds after which something that is under way is probably over."""


def once(conn: Connection, wish: Claim, about: Outcome, work: Callable[[Connection], Outcome]) -> Outcome:
    """Do the work, or tell what became of it when it was wished for before."""
    known = begin(conn, wish, about)
    return finish(conn, wish, work(conn)) if known is None else known


def begin(conn: Connection, wish: Claim, about: Outcome) -> Outcome | None:
    """What has become of the wish; None: it is new, and now under way.

    Args:
        about: what the wish is about, for an answer that refuses it.
    """
    stands = idempotency.claim(conn, wish)
    if stands.fingerprint != wish.fingerprint:
        return replace(about, user_errors=(_REUSED,))
    if stands.answer is not None:
        return _outcome(stands.answer)
    return None if stands.run == wish.run else replace(about, user_errors=(_IN_PROGRESS,))


def finish(conn: Connection, wish: Claim, outcome: Outcome) -> Outcome:
    """The wish has become this. A refusal that may pass frees the key, so that the same can be sent again."""
    if outcome.may_pass:
        idempotency.release(conn, wish)
    else:
        idempotency.finish(conn, wish, dump(asdict(outcome, dict_factory=_plain)))
    return outcome


_REUSED = UserError(
    code=UserErrorCode.IDEMPOTENCY_KEY_REUSED,
    field=("input", "idempotencyKey"),
    message="This key has been used for something else: give every wish a key of its own.",
)
_IN_PROGRESS = UserError(
    code=UserErrorCode.IN_PROGRESS,
    field=("input", "idempotencyKey"),
    message="The same is under way: send it again in a moment to learn what has become of it.",
    retryable=True,
    retry_after_seconds=SOON,
)


def _plain(pairs: list[tuple[str, object]]) -> dict[str, object]:
    return {name: value.value if isinstance(value, Enum) else value for name, value in pairs}


def _outcome(answer: str) -> Outcome:
    kept = json.loads(answer)
    errors = tuple(
        UserError(**error | {"code": UserErrorCode(error["code"]), "field": error["field"] and tuple(error["field"])})
        for error in kept["user_errors"]
    )
    warnings = tuple(
        CartWarning(**warning | {"code": CartWarningCode(warning["code"])}) for warning in kept.get("warnings", ())
    )
    return Outcome(**kept | {"user_errors": errors, "subjects": tuple(kept.get("subjects", ())), "warnings": warnings})
