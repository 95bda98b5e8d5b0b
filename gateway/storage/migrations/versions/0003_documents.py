"""Add tables of persisted documents."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
INSTANT = sa.BigInteger()


def upgrade() -> None:
    op.create_table(
        "app_documents",
        sa.Column("app", TEXT, nullable=False),
        sa.Column("version", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("document_id", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("app", "version", "name", name=op.f("pk_app_documents")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_app_documents_document", "app_documents", ["document_id"], unique=False)
    op.create_table(
        "app_versions",
        sa.Column("app", TEXT, nullable=False),
        sa.Column("version", TEXT, nullable=False),
        sa.Column("owner", TEXT, nullable=True),
        sa.Column("pushed_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("app", "version", name=op.f("pk_app_versions")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "document_names",
        sa.Column("name", TEXT, nullable=False),
        sa.Column("document_id", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_document_names")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_document_names_document", "document_names", ["document_id"], unique=False)
    op.create_table(
        "documents",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("text", TEXT, nullable=False),
        sa.Column("first_used_at", INSTANT, nullable=True),
        sa.Column("last_used_at", INSTANT, nullable=True),
        sa.Column("uses", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_documents")),
        sqlite_with_rowid=False,
    )
