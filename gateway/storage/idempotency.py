"""Idempotency keys: who asked for what under which key, and what became of it. Rows expire (rule V1)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from gateway.storage.database import is_sqlite
from gateway.storage.tables import idempotency

KEPT = timedelta(days=14)


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


_columns = idempotency.c
_here = sa.and_(_columns.principal == sa.bindparam("_principal"), _columns.key == sa.bindparam("_key"))
_ours = sa.and_(_here, _columns.run == sa.bindparam("_run"))


def _adding(insert: sqlite.Insert | postgresql.Insert) -> sa.Executable:
    """Adds a wish, in the place of one that has expired; nothing is returned where another stands there."""
    new = {name: insert.excluded[name] for name in ("fingerprint", "run", "answer", "until", "expires_at")}
    expired = _columns.expires_at <= sa.bindparam("_at")
    return insert.on_conflict_do_update(index_elements=["principal", "key"], set_=new, where=expired).returning(
        _columns.run
    )


_new_on_sqlite, _new_on_postgres = (_adding(insert(idempotency)) for insert in (sqlite.insert, postgresql.insert))
_take_over = (
    sa.update(idempotency)
    .where(_here, _columns.fingerprint == sa.bindparam("_fingerprint"))
    .where(_columns.answer.is_(None), _columns.until <= sa.bindparam("_at"))
)
_known = sa.select(_columns.fingerprint, _columns.run, _columns.answer).where(_here)
_finish, _release = sa.update(idempotency).where(_ours), sa.delete(idempotency).where(_ours)


def claim(conn: Connection, wish: Claim) -> Claimed:
    """Put the wish under its key; what stands there then. The wish itself, where `run` is its own.

    Waits for a transaction that is putting another one under the same key.
    """
    row = {"principal": wish.principal, "key": wish.key, "fingerprint": wish.fingerprint, "run": wish.run}
    new = _new_on_sqlite if is_sqlite(conn) else _new_on_postgres
    until = {"until": wish.until, "expires_at": wish.at + KEPT, "_at": wish.at}
    if conn.scalar(new, row | until | {"answer": None}) is not None:
        return Claimed(wish.fingerprint, wish.run, None)
    taken_over = {"run": wish.run, "until": wish.until, "_fingerprint": wish.fingerprint, "_at": wish.at}
    conn.execute(_take_over, taken_over | _place(wish))
    return Claimed(*conn.execute(_known, _place(wish)).one())


def finish(conn: Connection, wish: Claim, answer: str) -> None:
    """The wish has become this, unless another attempt took its place."""
    conn.execute(_finish, {"answer": answer, "_run": wish.run} | _place(wish))


def release(conn: Connection, wish: Claim) -> None:
    """Nothing has become of it: the key is free again."""
    conn.execute(_release, {"_run": wish.run} | _place(wish))


def _place(wish: Claim) -> dict[str, str]:
    return {"_principal": wish.principal, "_key": wish.key}


def prune(conn: Connection, now: datetime, most: int) -> int:
    """Forget keys that have expired, so many at most; how many. Nobody waits for anybody else who does the same."""
    key = sa.tuple_(_columns.principal, _columns.key)
    old = sa.select(_columns.principal, _columns.key).where(_columns.expires_at <= now)
    some = old.order_by(_columns.expires_at).limit(most).with_for_update(skip_locked=True)
    return conn.execute(sa.delete(idempotency).where(key.in_(some))).rowcount
