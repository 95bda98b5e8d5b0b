"""Idempotency keys: the requests that were executed under them, and their results. Rows expire (rule V1)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from gateway.storage.database import is_sqlite
from gateway.storage.sql.driver_statements import DriverChange
from gateway.storage.tables import Instant, carts, idempotency

RETENTION = timedelta(days=14)
ANONYMOUS_RETENTION = timedelta(days=1)
"""Of keys of clients without a token. They are kept longer while their cart lasts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A request under an idempotency key.

    Attributes:
        principal: the owner of the key; keys of different owners never meet.
        fingerprint: hash of the mutation and its input.
        run: tells this execution from others under the same key.
        until: when this execution counts as killed, and another one may take over.
        client_key: digest of the network of a client without a token; None: it has one.
        client_limit: how many keys such a client may claim per hour.
        cart_id: the cart that such a client names. The key is kept as long as the cart.
    """

    principal: str
    key: str
    fingerprint: str
    run: str
    at: datetime
    until: datetime
    client_key: str | None = None
    client_limit: int = 0
    cart_id: str | None = None


@dataclass(frozen=True, slots=True)
class StoredClaim:
    """What is stored under a key. `answer`: the result, None while an execution is in progress."""

    fingerprint: str
    run: str
    answer: str | None


_columns = idempotency.c
_at_key = sa.and_(_columns.principal == sa.bindparam("_principal"), _columns.key == sa.bindparam("_key"))
_ours = sa.and_(_at_key, _columns.run == sa.bindparam("_run"))


def _is_expired(at: sa.ColumnElement[datetime]) -> sa.ColumnElement[bool]:
    """Build the condition that the key has expired, and its cart as well."""
    lasting = sa.select(carts.c.id).where(carts.c.id == _columns.cart_id, carts.c.expires_at > at)
    return sa.and_(_columns.expires_at <= at, ~lasting.correlate(idempotency).exists())


_NEW_VALUES = ("fingerprint", "run", "answer", "until", "expires_at", "client_key", "claimed_at", "cart_id")


def _build_insert(insert: sqlite.Insert | postgresql.Insert) -> sa.Executable:
    """Inserts a claim, or replaces an expired one. Returns nothing where another claim is stored."""
    new = {name: insert.excluded[name] for name in _NEW_VALUES}
    expired = _is_expired(sa.bindparam("_at", type_=Instant()))
    return insert.on_conflict_do_update(index_elements=["principal", "key"], set_=new, where=expired).returning(
        _columns.run
    )


_new_on_sqlite, _new_on_postgres = (_build_insert(insert(idempotency)) for insert in (sqlite.insert, postgresql.insert))
_take_over = (
    sa.update(idempotency)
    .where(_at_key, _columns.fingerprint == sa.bindparam("_fingerprint"))
    .where(_columns.answer.is_(None), _columns.until <= sa.bindparam("_at"))
)
_stored = sa.select(_columns.fingerprint, _columns.run, _columns.answer).where(_at_key)
_finish_with_cart = DriverChange(sa.update(idempotency).where(_ours), ("answer", "cart_id"))
_finish = DriverChange(sa.update(idempotency).where(_ours), ("answer",))
_release = sa.delete(idempotency).where(_ours)


def claim_key(conn: Connection, claim: Claim) -> StoredClaim:
    """Claim the key, and return what is stored under it: the claim itself if `run` is its own.

    Waits for a transaction that claims the same key.
    """
    row = {"principal": claim.principal, "key": claim.key, "fingerprint": claim.fingerprint, "run": claim.run}
    new = _new_on_sqlite if is_sqlite(conn) else _new_on_postgres
    expires_at = claim.at + (RETENTION if claim.client_key is None else ANONYMOUS_RETENTION)
    times = {"until": claim.until, "expires_at": expires_at, "claimed_at": claim.at, "_at": claim.at}
    owner = {"client_key": claim.client_key, "cart_id": claim.cart_id}
    if conn.scalar(new, row | times | owner | {"answer": None}) is not None:
        return StoredClaim(claim.fingerprint, claim.run, None)
    taken_over = {"run": claim.run, "until": claim.until, "_fingerprint": claim.fingerprint, "_at": claim.at}
    conn.execute(_take_over, taken_over | _build_key(claim))
    return StoredClaim(*conn.execute(_stored, _build_key(claim)).one())


def store_result(conn: Connection, claim: Claim, result: str, *, cart_id: str | None = None) -> None:
    """Store the result under the key, unless another execution took over.

    `cart_id`: the cart as long as which the key of a client without a token is kept.
    """
    values = {"answer": result, "_run": claim.run} | _build_key(claim)
    if claim.client_key is None:
        _finish.run(conn, values)
    else:
        _finish_with_cart.run(conn, values | {"cart_id": cart_id})


def find_newest_claim(conn: Connection, client_key: str, rank: int) -> datetime | None:
    """Return when a client without a token claimed the key of this rank, of the newest first, from 1; None: never."""
    newest = sa.select(_columns.claimed_at).where(_columns.client_key == client_key)
    return conn.scalar(newest.order_by(_columns.claimed_at.desc()).offset(rank - 1).limit(1))


def release_key(conn: Connection, claim: Claim) -> None:
    """Release the key: nothing was done."""
    conn.execute(_release, {"_run": claim.run} | _build_key(claim))


def _build_key(claim: Claim) -> dict[str, str]:
    return {"_principal": claim.principal, "_key": claim.key}


def prune_keys(conn: Connection, now: datetime, most: int) -> int:
    """Delete expired keys, at most `most`, and return how many. Skips keys that another transaction deletes."""
    key = sa.tuple_(_columns.principal, _columns.key)
    expired = sa.select(_columns.principal, _columns.key).where(_is_expired(sa.literal(now, Instant())))
    batch = expired.order_by(_columns.expires_at).limit(most).with_for_update(skip_locked=True)
    return conn.execute(sa.delete(idempotency).where(key.in_(batch))).rowcount
