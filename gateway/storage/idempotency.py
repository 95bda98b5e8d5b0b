"""Idempotency keys: who asked for what under which key, and what became of it. Rows expire (rule V1)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.storage.rows import insert_new
from gateway.storage.tables import idempotency

KEPT = timedelta(days=14)
SWEPT = 100
"""Expired rows that go with every claim, so that none stays long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The wish to do something under a key.

    Attributes:
        principal: whose key it is; the keys of others are other keys.
        fingerprint: of what is wished for.
        run: tells this attempt from others under the same key.
        until: by then it is over; else it was killed, and another attempt may take its place.
    """

    principal: str
    key: str
    fingerprint: str
    run: str
    at: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Claimed:
    """What stands under the key. `answer`: None while it is under way."""

    fingerprint: str
    run: str
    answer: str | None


def claim(conn: Connection, wish: Claim) -> Claimed:
    """Put the wish under its key; what stands there then. The wish itself, where `run` is its own.

    Waits for a transaction that is putting another one under the same key.
    """
    _sweep(conn, wish.at)
    row = {"principal": wish.principal, "key": wish.key, "fingerprint": wish.fingerprint, "run": wish.run}
    insert_new(conn, idempotency, [row | {"answer": None, "until": wish.until, "expires_at": wish.at + KEPT}])
    abandoned = sa.and_(idempotency.c.answer.is_(None), idempotency.c.until <= wish.at)
    same = sa.and_(_here(wish), idempotency.c.fingerprint == wish.fingerprint)
    conn.execute(sa.update(idempotency).where(same, abandoned).values(run=wish.run, until=wish.until))
    columns = (idempotency.c.fingerprint, idempotency.c.run, idempotency.c.answer)
    return Claimed(*conn.execute(sa.select(*columns).where(_here(wish))).one())


def finish(conn: Connection, wish: Claim, answer: str) -> None:
    """The wish has become this, unless another attempt took its place."""
    conn.execute(sa.update(idempotency).where(_ours(wish)).values(answer=answer))


def release(conn: Connection, wish: Claim) -> None:
    """Nothing has become of it: the key is free again."""
    conn.execute(sa.delete(idempotency).where(_ours(wish)))


def _here(wish: Claim) -> sa.ColumnElement[bool]:
    return sa.and_(idempotency.c.principal == wish.principal, idempotency.c.key == wish.key)


def _ours(wish: Claim) -> sa.ColumnElement[bool]:
    return sa.and_(_here(wish), idempotency.c.run == wish.run)


def _sweep(conn: Connection, now: datetime) -> None:
    """Whoever else is about to do the same takes other rows: nobody waits for anybody here."""
    key = sa.tuple_(idempotency.c.principal, idempotency.c.key)
    old = sa.select(idempotency.c.principal, idempotency.c.key).where(idempotency.c.expires_at <= now)
    some = old.order_by(idempotency.c.expires_at).limit(SWEPT).with_for_update(skip_locked=True)
    conn.execute(sa.delete(idempotency).where(key.in_(some)))
