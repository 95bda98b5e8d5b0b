"""Add indexes of work that waits and of what is pruned, and the exceptions of plugins to rejects."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.add_column("rejects", sa.Column("detail", TEXT, nullable=True))
    _create_partial_index("ix_inbox_waiting", "inbox", ["channel", "id"], "processed_at IS NULL")
    _create_partial_index("ix_inbox_processed", "inbox", ["processed_at"], "processed_at IS NOT NULL")
    _create_partial_index("ix_pushes_accepted", "pushes", ["channel", "accepted_at"], "sent IS NOT NULL")
    _create_partial_index("ix_outbox_done", "outbox", ["updated_at"], "state = 'DONE'")
    _create_partial_index("ix_rejects_payload", "rejects", ["rejected_at"], "payload IS NOT NULL")
    _create_partial_index("ix_carts_closed", "carts", ["updated_at"], "status <> 'ACTIVE'")
    _create_partial_index(
        "ix_carts_abandoned", "carts", ["expires_at"], "status = 'EXPIRED' AND client_key IS NOT NULL"
    )


def _create_partial_index(name: str, table: str, columns: list[str], condition: str) -> None:
    where = sa.text(condition)
    op.create_index(name, table, columns, unique=False, sqlite_where=where, postgresql_where=where)
