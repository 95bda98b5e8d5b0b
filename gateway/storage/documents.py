"""Documents: the GraphQL texts that shipped versions of apps hold, and what each is asked for by.

A document's id is the hash of its text, `sha256:…`. Apps may have other names for it. A name stands for one text, in
every app and version, since a request says nothing but the name.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.storage.database import is_sqlite
from gateway.storage.rows import Keyed, insert_new, upsert
from gateway.storage.tables import Instant, Text, app_documents, app_versions, document_names, documents

_LOCK = 7_204_113_003  # any number, the same in every version


class NameTakenError(Exception):
    """Names that stand for another text already. `names`: which."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(", ".join(names))
        self.names = names


@dataclass(frozen=True, slots=True)
class Document:
    """A text and its id."""

    id: str
    text: str


@dataclass(frozen=True, slots=True)
class AppVersion:
    """A version of an app that is, or was, on people's devices."""

    app: str
    version: str


@dataclass(frozen=True, slots=True)
class Uses:
    """How often a document was used since that was last noted."""

    id: str
    count: int
    first: datetime
    last: datetime

    def and_later(self, later: Uses | None) -> Uses:
        """These, and those that came later."""
        return self if later is None else Uses(self.id, self.count + later.count, self.first, later.last)


@dataclass(frozen=True, slots=True)
class Shipment:
    """A version and its documents, together."""

    app: str
    version: str
    owner: str | None
    pushed_at: datetime
    documents: int
    uses: int
    first_used_at: datetime | None
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class Shipped:
    """A document of one version. The uses are those of every version that holds it."""

    app: str
    version: str
    owner: str | None
    name: str
    text: str
    uses: int
    first_used_at: datetime | None
    last_used_at: datetime | None


# ------------------------------------------------------------------------------------------------ asking

_asked = sa.bindparam("name", type_=Text)
_behind = sa.select(document_names.c.document_id).where(document_names.c.name == _asked).scalar_subquery()
_by_name = sa.select(documents.c.id, documents.c.text).where(documents.c.id == sa.func.coalesce(_behind, _asked))
_named = Keyed(sa.select(document_names.c.name, document_names.c.document_id), document_names.c.name)
_present = Keyed(sa.select(documents.c.id), documents.c.id)


def by_name(conn: Connection, name: str) -> Document | None:
    """The document that this name, or id, stands for."""
    row = conn.execute(_by_name, {"name": name}).first()
    return None if row is None else Document(*row)


def ids_of(conn: Connection, names: Collection[str]) -> dict[str, str]:
    """What each of these names, or ids, stands for; those that stand for nothing are left out."""
    others = {row.name: row.document_id for row in _named.all(conn, names)}
    return {row.id: row.id for row in _present.all(conn, names)} | others


# ------------------------------------------------------------------------------------------------ shipping


def ship(
    conn: Connection, version: AppVersion, owner: str | None, texts: Mapping[str, Document], now: datetime
) -> None:
    """Keep what a version holds, by its names. What it holds already stays.

    Raises:
        NameTakenError: nothing is kept.
    """
    _lock(conn)
    known = ids_of(conn, texts)
    if taken := [name for name, document in texts.items() if known.get(name, document.id) != document.id]:
        raise NameTakenError(taken)
    place = {"app": version.app, "version": version.version}
    rows = {document.id: {"id": document.id, "text": document.text, "uses": 0} for document in texts.values()}
    insert_new(conn, documents, list(rows.values()))
    others = [{"name": name, "document_id": one.id} for name, one in texts.items() if name != one.id]
    insert_new(conn, document_names, others)
    held = [place | {"document_id": one.id, "name": name} for name, one in texts.items()]
    insert_new(conn, app_documents, held)
    upsert(conn, app_versions, [place | {"owner": owner, "pushed_at": now}], list(place))


def retire(conn: Connection, retired: AppVersion) -> int | None:
    """Keep no longer what only this version holds; how many documents that were. None: there is no such version."""
    _lock(conn)
    if conn.execute(_of_version(sa.delete(app_versions), app_versions, retired)).rowcount == 0:
        return None
    conn.execute(_of_version(sa.delete(app_documents), app_documents, retired))
    held = sa.exists().where(app_documents.c.document_id == documents.c.id)
    gone = conn.execute(sa.delete(documents).where(~held)).rowcount
    known = sa.exists().where(documents.c.id == document_names.c.document_id)
    conn.execute(sa.delete(document_names).where(~known))
    return gone


def _of_version(statement: sa.Delete, table: sa.Table, which: AppVersion) -> sa.Delete:
    return statement.where(table.c.app == which.app, table.c.version == which.version)


def _lock(conn: Connection) -> None:
    """One at a time: what a version that is retired leaves to nobody, another one may be bringing."""
    if not is_sqlite(conn):
        conn.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))


# ------------------------------------------------------------------------------------------------ uses

_first, _last = (sa.bindparam(name, type_=Instant()) for name in ("_first", "_last"))
_add_uses = (
    sa.update(documents)
    .where(documents.c.id == sa.bindparam("_id"))
    .values(
        uses=documents.c.uses + sa.bindparam("_count"),
        first_used_at=sa.func.coalesce(documents.c.first_used_at, _first),
        last_used_at=sa.case((documents.c.last_used_at > _last, documents.c.last_used_at), else_=_last),
    )
)


def add_uses(conn: Connection, uses: Iterable[Uses]) -> None:
    """Note how often documents were used; in the order of their ids, or two processes would wait for each other."""
    rows = [
        {"_id": use.id, "_count": use.count, "_first": use.first, "_last": use.last}
        for use in sorted(uses, key=lambda use: use.id)
    ]
    if rows:
        conn.execute(_add_uses, rows)


# ------------------------------------------------------------------------------------------------ looking

_of_one = sa.and_(app_documents.c.app == app_versions.c.app, app_documents.c.version == app_versions.c.version)
_the_text = documents.c.id == app_documents.c.document_id
_version = (app_versions.c.app, app_versions.c.version, app_versions.c.owner)
_shipments = (
    sa.select(
        *_version,
        app_versions.c.pushed_at,
        sa.func.count(),
        sa.cast(sa.func.sum(documents.c.uses), sa.BigInteger),
        sa.func.min(documents.c.first_used_at),
        sa.func.max(documents.c.last_used_at),
    )
    .select_from(app_versions)
    .join(app_documents, _of_one)
    .join(documents, _the_text)
    .group_by(*_version, app_versions.c.pushed_at)
    .order_by(app_versions.c.app, app_versions.c.pushed_at, app_versions.c.version)
)
_shipped = (
    sa.select(
        *_version,
        app_documents.c.name,
        *(documents.c.text, documents.c.uses, documents.c.first_used_at, documents.c.last_used_at),
    )
    .select_from(app_versions)
    .join(app_documents, _of_one)
    .join(documents, _the_text)
    .order_by(app_versions.c.app, app_versions.c.pushed_at, app_versions.c.version, app_documents.c.name)
)


def shipments(conn: Connection) -> list[Shipment]:
    """Every version that is not retired, by app, the oldest first."""
    return [Shipment(*row) for row in conn.execute(_shipments)]


def shipped(conn: Connection, app: str | None = None, version: str | None = None) -> list[Shipped]:
    """Every document of every version, or of these."""
    chosen = _shipped
    if app is not None:
        chosen = chosen.where(app_versions.c.app == app)
    if version is not None:
        chosen = chosen.where(app_versions.c.version == version)
    return [Shipped(*row) for row in conn.execute(chosen)]
