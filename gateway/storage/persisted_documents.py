"""Persisted documents: the GraphQL documents of released app versions, and the names that requests use for them.

A document's id is the hash of its text, `sha256:…`. Apps may use other names. A name stands for one text, in every
app and version, because a request contains only the name.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.storage.database import is_sqlite
from gateway.storage.sql.bulk import BulkSelect, insert_new_rows, upsert_rows
from gateway.storage.tables import Instant, Text, app_documents, app_versions, document_names, documents

_LOCK = 7_204_113_003  # an arbitrary key, the same in every version


class NameTakenError(Exception):
    """These names already stand for other texts. `names`: the names in conflict."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(", ".join(names))
        self.names = names


@dataclass(frozen=True, slots=True)
class Document:
    """A document's text and its id."""

    id: str
    text: str


@dataclass(frozen=True, slots=True)
class AppVersion:
    """A released version of an app."""

    app: str
    version: str


@dataclass(frozen=True, slots=True)
class DocumentUsage:
    """The uses of a document since the last flush."""

    id: str
    count: int
    first: datetime
    last: datetime

    def merge(self, later: DocumentUsage | None) -> DocumentUsage:
        """Add later uses to these."""
        return self if later is None else DocumentUsage(self.id, self.count + later.count, self.first, later.last)


@dataclass(frozen=True, slots=True)
class AppVersionSummary:
    """A version and the totals of its documents."""

    app: str
    version: str
    owner: str | None
    pushed_at: datetime
    documents: int
    uses: int
    first_used_at: datetime | None
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class ShippedDocument:
    """A document of one version. Its uses are those of all versions that contain it."""

    app: str
    version: str
    owner: str | None
    name: str
    text: str
    uses: int
    first_used_at: datetime | None
    last_used_at: datetime | None


# ------------------------------------------------------------------------------------------------ lookup

_name_parameter = sa.bindparam("name", type_=Text)
_id_of_name = sa.select(document_names.c.document_id).where(document_names.c.name == _name_parameter).scalar_subquery()
_document_by_name = sa.select(documents.c.id, documents.c.text).where(
    documents.c.id == sa.func.coalesce(_id_of_name, _name_parameter)
)
_other_names = BulkSelect(sa.select(document_names.c.name, document_names.c.document_id), document_names.c.name)
_existing_ids = BulkSelect(sa.select(documents.c.id), documents.c.id)


def find_document(conn: Connection, name: str) -> Document | None:
    """Find the document with this name or id."""
    row = conn.execute(_document_by_name, {"name": name}).first()
    return None if row is None else Document(*row)


def find_document_ids(conn: Connection, names: Collection[str]) -> dict[str, str]:
    """Map each of these names or ids to the document's id; unknown ones are omitted."""
    ids_by_name = {row.name: row.document_id for row in _other_names.select(conn, names)}
    return {row.id: row.id for row in _existing_ids.select(conn, names)} | ids_by_name


# ------------------------------------------------------------------------------------------------ registration


def insert_version(
    conn: Connection, version: AppVersion, owner: str | None, texts: Mapping[str, Document], now: datetime
) -> None:
    """Store a version's documents by their names. Documents that it already has remain.

    Raises:
        NameTakenError: a name stands for another text; nothing is stored.
    """
    _lock_registry(conn)
    ids = find_document_ids(conn, texts)
    if taken := [name for name, document in texts.items() if ids.get(name, document.id) != document.id]:
        raise NameTakenError(taken)
    version_key = {"app": version.app, "version": version.version}
    rows = {document.id: {"id": document.id, "text": document.text, "uses": 0} for document in texts.values()}
    insert_new_rows(conn, documents, list(rows.values()))
    other_names = [
        {"name": name, "document_id": document.id} for name, document in texts.items() if name != document.id
    ]
    insert_new_rows(conn, document_names, other_names)
    version_documents = [version_key | {"document_id": document.id, "name": name} for name, document in texts.items()]
    insert_new_rows(conn, app_documents, version_documents)
    upsert_rows(conn, app_versions, [version_key | {"owner": owner, "pushed_at": now}], list(version_key))


def retire_version(conn: Connection, retired: AppVersion) -> int | None:
    """Delete a version and the documents of no other version; return how many documents, or None if the version is
    unknown.
    """
    _lock_registry(conn)
    if conn.execute(_limit_to_version(sa.delete(app_versions), app_versions, retired)).rowcount == 0:
        return None
    conn.execute(_limit_to_version(sa.delete(app_documents), app_documents, retired))
    in_use = sa.exists().where(app_documents.c.document_id == documents.c.id)
    gone = conn.execute(sa.delete(documents).where(~in_use)).rowcount
    has_document = sa.exists().where(documents.c.id == document_names.c.document_id)
    conn.execute(sa.delete(document_names).where(~has_document))
    return gone


def _limit_to_version(statement: sa.Delete, table: sa.Table, version: AppVersion) -> sa.Delete:
    return statement.where(table.c.app == version.app, table.c.version == version.version)


def _lock_registry(conn: Connection) -> None:
    """Serialize registrations, because one could add a document that a concurrent retirement deletes."""
    if not is_sqlite(conn):
        conn.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))


# ------------------------------------------------------------------------------------------------ usage

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


def add_uses(conn: Connection, uses: Iterable[DocumentUsage]) -> None:
    """Add uses of documents, in the order of their ids, or two processes would deadlock."""
    rows = [
        {"_id": use.id, "_count": use.count, "_first": use.first, "_last": use.last}
        for use in sorted(uses, key=lambda use: use.id)
    ]
    if rows:
        conn.execute(_add_uses, rows)


# ------------------------------------------------------------------------------------------------ reports

_same_version = sa.and_(app_documents.c.app == app_versions.c.app, app_documents.c.version == app_versions.c.version)
_same_document = documents.c.id == app_documents.c.document_id
_version_columns = (app_versions.c.app, app_versions.c.version, app_versions.c.owner)
_version_summaries = (
    sa.select(
        *_version_columns,
        app_versions.c.pushed_at,
        sa.func.count(),
        sa.cast(sa.func.sum(documents.c.uses), sa.BigInteger),
        sa.func.min(documents.c.first_used_at),
        sa.func.max(documents.c.last_used_at),
    )
    .select_from(app_versions)
    .join(app_documents, _same_version)
    .join(documents, _same_document)
    .group_by(*_version_columns, app_versions.c.pushed_at)
    .order_by(app_versions.c.app, app_versions.c.pushed_at, app_versions.c.version)
)
_version_documents = (
    sa.select(
        *_version_columns,
        app_documents.c.name,
        *(documents.c.text, documents.c.uses, documents.c.first_used_at, documents.c.last_used_at),
    )
    .select_from(app_versions)
    .join(app_documents, _same_version)
    .join(documents, _same_document)
    .order_by(app_versions.c.app, app_versions.c.pushed_at, app_versions.c.version, app_documents.c.name)
)


def list_versions(conn: Connection) -> list[AppVersionSummary]:
    """List all versions that are not retired, by app, oldest first."""
    return [AppVersionSummary(*row) for row in conn.execute(_version_summaries)]


def list_documents(conn: Connection, app: str | None = None, version: str | None = None) -> list[ShippedDocument]:
    """List the documents of all versions, or of one app or version."""
    statement = _version_documents
    if app is not None:
        statement = statement.where(app_versions.c.app == app)
    if version is not None:
        statement = statement.where(app_versions.c.version == version)
    return [ShippedDocument(*row) for row in conn.execute(statement)]
