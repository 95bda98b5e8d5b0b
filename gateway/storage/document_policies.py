"""Policies of persisted documents, and documents as operators list them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.model.documents import DocumentApp, DocumentPolicy, PersistedDocument
from gateway.storage.sql.bulk import upsert_rows
from gateway.storage.sql.keyset import Rows, Sort, is_among
from gateway.storage.tables import app_documents, app_versions, document_policies, documents


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentQuery:
    """Filters of documents. `unused_since`: not used since then, or never."""

    app: str | None = None
    version: str | None = None
    name: str | None = None
    blocked: bool | None = None
    unused_since: datetime | None = None


_policy_columns = [column for column in document_policies.c if column.name != "document_id"]
_documents = sa.select(documents, *_policy_columns).outerjoin(
    document_policies, document_policies.c.document_id == documents.c.id
)


def store_policy(conn: Connection, id_: str, policy: DocumentPolicy) -> None:
    """Store the policy of a document, instead of an earlier one."""
    row = {name: getattr(policy, name) for name in (column.name for column in _policy_columns)}
    upsert_rows(conn, document_policies, [{"document_id": id_, **row}], ["document_id"])


def has_document(conn: Connection, id_: str) -> bool:
    """Return whether there is a document with this ID."""
    return conn.scalar(sa.select(documents.c.id).where(documents.c.id == id_)) is not None


def list_policies(conn: Connection) -> Mapping[str, DocumentPolicy]:
    """List all policies by the ID of the document."""
    return {row.document_id: _read_policy(row) for row in conn.execute(sa.select(document_policies))}


def search_documents(query: DocumentQuery) -> Rows[str]:
    """List the IDs of documents, in their order."""
    statement = sa.select(documents.c.id).outerjoin(
        document_policies, document_policies.c.document_id == documents.c.id
    )
    statement = statement.where(*_build_conditions(query))
    return Rows(statement, Sort(documents.c.id, documents.c.id), lambda row: str(row.id))


def _build_conditions(query: DocumentQuery) -> list[sa.ColumnElement[bool]]:
    conditions: list[sa.ColumnElement[bool]] = []
    columns = ((app_documents.c.app, query.app), (app_documents.c.version, query.version))
    shipped = [column == value for column, value in columns if value is not None]
    if shipped:
        conditions.append(documents.c.id.in_(sa.select(app_documents.c.document_id).where(*shipped)))
    if query.name is not None:
        conditions.append(documents.c.text.contains(f" {query.name}", autoescape=True))
    if query.blocked is not None:
        is_blocked = sa.func.coalesce(document_policies.c.blocked, sa.false())
        conditions.append(is_blocked if query.blocked else ~is_blocked)
    if query.unused_since is not None:
        last = documents.c.last_used_at
        conditions.append(sa.or_(last.is_(None), last < query.unused_since))
    return conditions


def find_documents(conn: Connection, ids: Sequence[str]) -> Mapping[str, PersistedDocument]:
    """Find the documents with these IDs."""
    apps = _find_apps(conn, ids)
    rows = conn.execute(_documents.where(is_among(conn, documents.c.id, ids)))
    return {row.id: _read_document(row, apps.get(row.id, ())) for row in rows}


def _find_apps(conn: Connection, ids: Collection[str]) -> Mapping[str, tuple[DocumentApp, ...]]:
    same_version = sa.and_(app_documents.c.app == app_versions.c.app, app_documents.c.version == app_versions.c.version)
    statement = (
        sa.select(app_documents.c.document_id, app_versions.c.app, app_versions.c.version, app_versions.c.owner)
        .join(app_versions, same_version)
        .where(is_among(conn, app_documents.c.document_id, ids))
        .order_by(app_versions.c.app, app_versions.c.pushed_at, app_versions.c.version)
    )
    apps: dict[str, list[DocumentApp]] = {}
    for id_, *app in conn.execute(statement):
        apps.setdefault(id_, []).append(DocumentApp(*app))
    return {id_: tuple(versions) for id_, versions in apps.items()}


def _read_document(row: sa.Row[Any], apps: tuple[DocumentApp, ...]) -> PersistedDocument:
    return PersistedDocument(
        hash=row.id,
        text=row.text,
        apps=apps,
        uses=row.uses,
        last_used_at=row.last_used_at,
        policy=None if row.set_at is None else _read_policy(row),
    )


def _read_policy(row: sa.Row[Any]) -> DocumentPolicy:
    return DocumentPolicy(
        blocked=row.blocked,
        reason=row.reason,
        max_age_seconds=row.max_age_seconds,
        max_per_minute=row.max_per_minute,
        deadline_ms=row.deadline_ms,
        set_by=row.set_by,
        set_at=row.set_at,
    )
