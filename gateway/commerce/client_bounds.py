"""Bounds of what clients without a token keep in the gateway, per network and hour (rule U6).

Nothing is counted in memory: the rows themselves are, in the transaction that adds another one. A refusal says when to
come again, and leaves nothing.
"""

from __future__ import annotations

import math
from datetime import datetime, timedelta

from gateway.model.mutation_result import UserError, UserErrorCode
from gateway.storage import idempotency
from gateway.storage.database import Connection
from gateway.storage.idempotency import Claim
from gateway.storage.writes import carts

PERIOD = timedelta(hours=1)


def check_new_cart(conn: Connection, client: str, limit: int, now: datetime) -> UserError | None:
    """Check that a client without a token may create another cart. Only its open carts count."""
    carts.lock_client(conn, client)
    return _check_rank(carts.find_newest_cart(conn, client, limit), now, "carts were created")


def check_new_claim(conn: Connection, claim: Claim) -> UserError | None:
    """Check that a client without a token may execute another mutation. Its claim is stored already."""
    if claim.client_key is None:
        return None
    newest = idempotency.find_newest_claim(conn, claim.client_key, claim.client_limit + 1)
    return _check_rank(newest, claim.at, "changes were made")


def _check_rank(at: datetime | None, now: datetime, what: str) -> UserError | None:
    """Refuse if as many rows as allowed were added in the period: `at` is when the first of them was."""
    if at is None or at <= now - PERIOD:
        return None
    seconds = max(1, math.ceil((at + PERIOD - now).total_seconds()))
    return UserError(
        code=UserErrorCode.LIMIT_EXCEEDED,
        message=f"Too many {what} from this network without a token. Try again in {seconds} s.",
        retryable=True,
        retry_after_seconds=seconds,
    )
