"""Add the channels of customers to their rows, and to the index from which customers of segments are counted."""

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0038"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
COUNTED = [
    "id",
    "order_count",
    "store_order_count",
    "first_order_at",
    "last_order_at",
    "has_login",
    "version",
    "channels",
    "channels_version",
    "visible",
]
KEYS = """
    SELECT DISTINCT CASE WHEN channel LIKE 'guest:%' THEN SUBSTR(channel, 7) ELSE channel END AS key
    FROM identities
    WHERE customer_id = customers.id AND NOT gone AND channel NOT LIKE 'account:%'
"""
LIST = {
    "sqlite": f"""SELECT GROUP_CONCAT('"' || key || '"', ',') FROM ({KEYS} ORDER BY key) AS keys""",
    "postgresql": f"""SELECT STRING_AGG('"' || key || '"', ',' ORDER BY key) FROM ({KEYS}) AS keys""",
}


def upgrade() -> None:
    op.add_column("customers", sa.Column("channels", TEXT, nullable=True))
    op.add_column("customers", sa.Column("channels_version", sa.BigInteger(), nullable=True))
    op.drop_index("ix_customers_counted", "customers")
    keys = LIST[op.get_bind().dialect.name]
    op.execute(f"UPDATE customers SET channels = '[' || COALESCE(({keys}), '') || ']', channels_version = version")
    op.execute("UPDATE customers SET channels = NULL, channels_version = NULL WHERE LENGTH(channels) > 2000")
    op.create_index(
        "ix_customers_counted",
        "customers",
        COUNTED,
        sqlite_where=sa.text("visible = 1"),
        postgresql_where=sa.text("visible"),
    )
