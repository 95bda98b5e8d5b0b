"""Lookup of an order by what a guest knows: its number and the email address. Guesses are counted (rule U4)."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.model.validation import fold
from gateway.storage.database import Connection
from gateway.storage.reads import orders
from gateway.storage.writes import attempts
from gateway.storage.writes.attempts import AttemptLimit

WINDOW = timedelta(hours=1)

NUMBER_LIMIT = AttemptLimit("guest-number", 5, WINDOW)
"""Guesses of one order number, by whomever. Beyond, the order is found by its access token only."""

NETWORK_LIMIT = AttemptLimit("guest-network", 20, WINDOW)
"""Guesses of all numbers from one network."""

TOKEN_LIMIT = AttemptLimit("guest-token", 1_000, WINDOW)
"""Guesses of all numbers by a caller with a token: a server that many guests use."""


class TooManyGuessesError(Exception):
    """The client has guessed too often. `retry_after`: seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"too many guesses; the next one is allowed in {retry_after} s")
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestRequest:
    """What a guest knows about an order. `client`: who asks, of which `limit` says how often."""

    channel: str
    number: str
    email: str
    client: str
    limit: AttemptLimit


def find_guest_order(conn: Connection, request: GuestRequest, now: datetime) -> str | None:
    """Find the id of a guest's order. None says that something is wrong or that the number was guessed too often, but
    not which, and takes the same time.

    Raises:
        TooManyGuessesError: the client has guessed too often. Nothing was looked up.
    """
    client = attempts.lock_attempts(conn, request.limit, request.client, now)
    if client.is_exhausted:
        raise TooManyGuessesError(client.compute_wait(now))
    number = attempts.lock_attempts(conn, NUMBER_LIMIT, f"{request.channel}\0{request.number}", now)
    found = orders.find_contact_by_number(conn, request.channel, request.number)
    is_right = _is_match(request, found)
    counted = (client, number)
    if is_right and not number.is_exhausted and found is not None:
        for one in counted:
            attempts.release_attempts(conn, one)
        return found.id
    for one in counted:
        attempts.record_failure(conn, one, now)
    return None


def _is_match(request: GuestRequest, found: orders.NumberedContact | None) -> bool:
    """Compare the digests of number and address, both in any case."""
    number, email = ("", "") if found is None else (found.number, fold(found.email or ""))
    pairs = ((request.number, number), (fold(request.email), email))
    matches = [hmac.compare_digest(_digest(given), _digest(expected)) for given, expected in pairs]
    return all(matches) and email != ""


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "replace")).digest()
