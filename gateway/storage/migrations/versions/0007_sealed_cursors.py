"""Remember when cursors began to be sealed, in databases whose clients have others."""

import time

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    facts = sa.table("facts", sa.column("name"), sa.column("value"))
    connection = op.get_bind()
    if connection.scalar(sa.select(sa.func.count()).select_from(facts)):
        connection.execute(sa.insert(facts).values(name="cursors_sealed_at", value=str(time.time_ns() // 1000)))
