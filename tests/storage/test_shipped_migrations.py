"""A migration that a database may have run does not change any more: what comes later is a migration of its own."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from sqlalchemy.engine import Connection

from gateway.storage.database import Database
from gateway.storage.migrate import build_configuration, migrate
from gateway.storage.tables import identities, orders
from tests.storage.test_migrations import empty_url

__all__ = ["empty_url"]

VERSIONS = Path(build_configuration().get_main_option("script_location") or "") / "versions"
SHIPPED = Path(__file__).parent / "shipped_migrations.txt"
"""The digest of each migration, by its file. A new one is added with its line, and no line changes."""


def read_digests() -> dict[str, str]:
    lines = SHIPPED.read_text(encoding="utf-8").splitlines()
    return {name: digest for digest, name in (line.split() for line in lines)}


def test_no_shipped_migration_has_changed_and_every_one_is_listed() -> None:
    files = sorted(VERSIONS.glob("[0-9]*.py"))
    assert {path.name: hashlib.sha256(path.read_bytes()).hexdigest()[:32] for path in files} == read_digests()


GUEST = "guest:web"
CONTACTS = {
    "named": '{"name":"Ada Ash","email":null}',
    "reachable": '{"name":"Ada Ash","email":"ada@example.com"}',
    "tested": '{"name":"Ada Ash","email":"ada@example.com"}',
}


def fill(conn: Connection) -> None:
    """Fill a database of revision 0034 with guests."""
    config = build_configuration()
    config.attributes["connection"] = conn
    command.upgrade(config, "0034")
    for name, contact in CONTACTS.items():
        values = {column.name: _build_value(column) for column in orders.c if not column.nullable}
        own = {"customer": name, "customer_channel": GUEST, "contact": contact, "test": name == "tested"}
        conn.execute(sa.insert(orders).values({**values, "id": name, "external_id": name, **own}))
        conn.execute(
            sa.text(
                "INSERT INTO identities (id, customer_id, channel, external_id, evidence, gone, linked_at) "
                "VALUES (:id, :id, 'guest:web', :id, '[]', (1 = 0), 0)"
            ),
            {"id": name},
        )


def _build_value(column: sa.Column[object]) -> object:
    return "x" if isinstance(column.type, sa.Text) else sa.literal_column("0")


@pytest.mark.anyio
async def test_orders_without_a_guest_lose_the_identity_that_an_earlier_version_gave_them(empty_url: str) -> None:
    database = Database(empty_url)
    await database.write(fill)
    await migrate(database)
    customers = await database.read(lambda conn: dict(conn.execute(sa.select(orders.c.id, orders.c.customer)).all()))
    gone = await database.read(lambda conn: set(conn.scalars(sa.select(identities.c.id).where(identities.c.gone))))
    await database.close()
    assert customers == {"named": None, "reachable": "reachable", "tested": None}
    assert gone == {"named", "tested"}
