"""Add when listings and products were first seen, as derived ids have no time, and which channel wrote each field."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
TABLES = ("listings", "channel_products", "products")
DIGITS = range(1, 13)
"""The digits of a UUIDv7 with the time, in milliseconds."""

ON_POSTGRESQL = "('x' || SUBSTR(id, 1, 12))::BIT(48)::BIGINT * 1000"
ON_SQLITE = "({}) * 1000".format(
    " + ".join(f"((INSTR('0123456789abcdef', SUBSTR(id, {digit}, 1)) - 1) << {4 * (12 - digit)})" for digit in DIGITS)
)


def upgrade() -> None:
    time = ON_SQLITE if op.get_bind().dialect.name == "sqlite" else ON_POSTGRESQL
    for table in TABLES:
        op.add_column(table, sa.Column("first_seen_at", sa.BigInteger(), nullable=False, server_default="0"))
        op.execute(f"UPDATE {table} SET first_seen_at = {time} WHERE LENGTH(id) = 32 AND SUBSTR(id, 13, 1) = '7'")
    op.create_index("ix_listings_first_seen", "listings", ["first_seen_at", "id"])
    named = sa.text("handle IS NOT NULL")
    op.create_index(
        "ix_channel_products_handle", "channel_products", ["handle"], sqlite_where=named, postgresql_where=named
    )
    op.create_table(
        "id_namespaces",
        sa.Column("channel", TEXT, nullable=False),
        sa.Column("namespace", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("channel", name="pk_id_namespaces"),
        sa.UniqueConstraint("namespace", name="uq_id_namespaces_namespace"),
    )
    op.add_column("products", sa.Column("field_sources", TEXT, nullable=True))
    op.execute("INSERT INTO id_namespaces SELECT key, key FROM channels")
