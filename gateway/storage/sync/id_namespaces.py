"""Namespaces of derived ids: the first key that a channel had, so that a renamed one keeps its ids (rule H1)."""

from __future__ import annotations

from itertools import count

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.storage.sql.bulk import insert_new_rows
from gateway.storage.tables import id_namespaces


def ensure_namespace(conn: Connection, channel: str) -> str:
    """Return the namespace of a channel's ids: its key, unless a renamed channel had that before."""
    namespace = _find_namespace(conn, channel)
    if namespace is None:
        insert_new_rows(conn, id_namespaces, [{"channel": channel, "namespace": _choose_namespace(conn, channel)}])
        namespace = _find_namespace(conn, channel) or channel
    return namespace


def _find_namespace(conn: Connection, channel: str) -> str | None:
    return conn.scalar(sa.select(id_namespaces.c.namespace).where(id_namespaces.c.channel == channel))


def _choose_namespace(conn: Connection, channel: str) -> str:
    taken = set(conn.scalars(sa.select(id_namespaces.c.namespace)))
    names = (channel if number == 1 else f"{channel} {number}" for number in count(1))
    return next(name for name in names if name not in taken)
