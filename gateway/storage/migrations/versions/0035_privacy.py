"""Add requests for exports and erases of personal data, and what must not come back after an erase."""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    _create_requests()
    _create_members()
    _create_parts()
    _create_suppressions()
    _create_invoices()


def _create_requests() -> None:
    op.create_table(
        "data_requests",
        *(sa.Column(name, TEXT, nullable=False) for name in ("id", "kind", "state", "home")),
        sa.Column("proved", sa.Boolean(), nullable=False),
        sa.Column("requested_by", TEXT, nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in ("requested_at", "executes_at", "due_at")),
        *(sa.Column(name, sa.BigInteger(), nullable=True) for name in ("restricted_at", "completed_at")),
        sa.Column("file", TEXT, nullable=True),
        sa.Column("file_until", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_data_requests"),
    )
    op.create_index("ix_data_requests_requested", "data_requests", ["requested_at", "id"])
    op.create_index("ix_data_requests_home", "data_requests", ["home"])
    for name, columns, where in (
        ("ix_data_requests_open", ["executes_at"], sa.text("state IN ('QUEUED', 'RUNNING')")),
        ("ix_data_requests_file", ["file_until"], sa.text("file IS NOT NULL")),
    ):
        op.create_index(name, "data_requests", columns, sqlite_where=where, postgresql_where=where)


def _create_members() -> None:
    op.create_table(
        "data_request_members",
        *(sa.Column(name, TEXT, nullable=False) for name in ("identity_id", "request_id")),
        sa.Column("cleared_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("identity_id", "request_id", name="pk_data_request_members"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_data_request_members_request", "data_request_members", ["request_id"])


def _create_parts() -> None:
    op.create_table(
        "data_request_parts",
        *(sa.Column(name, TEXT, nullable=False) for name in ("request_id", "channel", "state")),
        sa.Column("attempts", sa.Integer(), nullable=False),
        *(sa.Column(name, TEXT, nullable=True) for name in ("fault_code", "fault_message")),
        sa.Column("fault_retryable", sa.Boolean(), nullable=True),
        sa.Column("fault_at", sa.BigInteger(), nullable=True),
        sa.Column("proof", TEXT, nullable=True),
        sa.Column("kept", TEXT, nullable=False),
        sa.Column("completed_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("request_id", "channel", name="pk_data_request_parts"),
        sqlite_with_rowid=False,
    )


def _create_suppressions() -> None:
    op.create_table(
        "suppressions",
        *(sa.Column(name, TEXT, nullable=False) for name in ("digest", "kind", "key_id")),
        sa.Column("erased_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_suppressions"),
        sqlite_with_rowid=False,
    )


def _create_invoices() -> None:
    op.create_table(
        "retained_invoices",
        *(sa.Column(name, TEXT, nullable=False) for name in ("order_id", "content")),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in ("placed_at", "delete_at")),
        sa.PrimaryKeyConstraint("order_id", name="pk_retained_invoices"),
    )
    op.create_index("ix_retained_invoices_delete", "retained_invoices", ["delete_at"])
