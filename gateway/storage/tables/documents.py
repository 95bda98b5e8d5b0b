"""Tables of persisted documents."""

from __future__ import annotations

import sqlalchemy as sa

from gateway.storage.tables.base import Count, Instant, Text, column, metadata, optional_column

documents = sa.Table(  # GraphQL documents of released apps, which send only their ids
    "documents",
    metadata,
    column("id", Text, primary_key=True),  # sha256:…, the hash of the text
    column("text", Text),
    optional_column("first_used_at", Instant),
    optional_column("last_used_at", Instant),
    column("uses", Count, default=0),
    sqlite_with_rowid=False,
)
document_names = sa.Table(  # other names of documents
    "document_names",
    metadata,
    column("name", Text, primary_key=True),
    column("document_id", Text),
    sa.Index("ix_document_names_document", "document_id"),
    sqlite_with_rowid=False,
)
app_versions = sa.Table(  # released versions; their documents are stored until the version is retired
    "app_versions",
    metadata,
    column("app", Text, primary_key=True),
    column("version", Text, primary_key=True),
    optional_column("owner", Text),
    column("pushed_at", Instant),
    sqlite_with_rowid=False,
)
app_documents = sa.Table(  # the documents of a version
    "app_documents",
    metadata,
    column("app", Text, primary_key=True),
    column("version", Text, primary_key=True),
    column("name", Text, primary_key=True),  # as the version requests it
    column("document_id", Text),
    sa.Index("ix_app_documents_document", "document_id"),
    sqlite_with_rowid=False,
)
