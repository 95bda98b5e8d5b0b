"""Idempotency keys: a mutation is executed once per key, and every retry returns the same result (rule O3)."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from enum import Enum

from gateway.commerce.client_bounds import check_new_claim
from gateway.model.carts import CartWarning, CartWarningCode
from gateway.model.mutation_result import MutationResult, UserError, UserErrorCode
from gateway.storage import idempotency
from gateway.storage.database import Connection
from gateway.storage.idempotency import Claim
from gateway.storage.sql.bulk import dump_json

RETRY_AFTER_SECONDS = 1
"""Seconds after which a client should retry an execution that is in progress."""


def claim_key(conn: Connection, claim: Claim, subject: MutationResult) -> MutationResult | None:
    """Claim the idempotency key. Returns the stored result; None if the key is new, and the caller is to execute.

    Args:
        subject: what the mutation is about, for results that refuse it.
    """
    stored = idempotency.claim_key(conn, claim)
    if stored.fingerprint != claim.fingerprint:
        return replace(subject, user_errors=(_KEY_REUSED,))
    if stored.answer is not None:
        return _parse_result(stored.answer)
    if stored.run != claim.run:
        return replace(subject, user_errors=(_IN_PROGRESS,))
    refusal = check_new_claim(conn, claim)
    return None if refusal is None else store_result(conn, claim, replace(subject, user_errors=(refusal,)))


def store_result(conn: Connection, claim: Claim, result: MutationResult) -> MutationResult:
    """Store the result under its key. A retryable refusal releases the key, so that the client can retry.

    So does every refusal of a client without a token: it leaves nothing behind.
    """
    is_refused = bool(result.user_errors) and not result.done
    if result.is_retryable or (claim.client_key is not None and is_refused):
        idempotency.release_key(conn, claim)
    else:
        answer = dump_json(asdict(result, dict_factory=_convert_enums))
        idempotency.store_result(conn, claim, answer, cart_id=claim.cart_id or result.subject)
    return result


_KEY_REUSED = UserError(
    code=UserErrorCode.IDEMPOTENCY_KEY_REUSED,
    field=("input", "idempotencyKey"),
    message="The idempotency key was used for another request. Use a new key for every request.",
)
_IN_PROGRESS = UserError(
    code=UserErrorCode.IN_PROGRESS,
    field=("input", "idempotencyKey"),
    message="A request with this idempotency key is in progress. Retry in a moment to get its result.",
    retryable=True,
    retry_after_seconds=RETRY_AFTER_SECONDS,
)


def _convert_enums(pairs: list[tuple[str, object]]) -> dict[str, object]:
    return {name: value.value if isinstance(value, Enum) else value for name, value in pairs}


def _parse_result(answer: str) -> MutationResult:
    stored = json.loads(answer)
    errors = tuple(
        UserError(**error | {"code": UserErrorCode(error["code"]), "field": error["field"] and tuple(error["field"])})
        for error in stored["user_errors"]
    )
    warnings = tuple(
        CartWarning(**warning | {"code": CartWarningCode(warning["code"])}) for warning in stored.get("warnings", ())
    )
    return MutationResult(
        **stored | {"user_errors": errors, "subjects": tuple(stored.get("subjects", ())), "warnings": warnings}
    )
