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
from gateway.storage.tables import customers, identities, orders
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
    if isinstance(column.type, sa.Boolean):
        return False
    return "x" if isinstance(column.type, sa.Text) else sa.literal_column("0")


@pytest.mark.anyio
async def test_orders_without_a_guest_lose_the_identity_that_an_earlier_version_gave_them(empty_url: str) -> None:
    database = Database(empty_url)
    await database.write(fill)
    await migrate(database)
    owners = await database.read(lambda conn: dict(conn.execute(sa.select(orders.c.id, orders.c.customer)).all()))
    gone = await database.read(lambda conn: set(conn.scalars(sa.select(identities.c.id).where(identities.c.gone))))
    await database.close()
    assert owners == {"named": None, "reachable": "reachable", "tested": None}
    assert gone == {"named", "tested"}


KNOWN = {"ada": ("web", "guest:web", "till", "account:https://login.example"), "bea": ("guest:web",), "cleo": ()}


def add_customers(conn: Connection) -> None:
    """Add customers to a database of revision 0038, each with a record that is gone."""
    config = build_configuration()
    config.attributes["connection"] = conn
    command.upgrade(config, "0038")
    for name, channels in KNOWN.items():
        conn.execute(sa.insert(customers).values(_build_row(customers, id=name, version=3)))
        for channel in (*channels, "gone"):
            own = {"id": f"{name} {channel}", "customer_id": name, "external_id": name, "channel": channel}
            row = _build_row(identities, **own, gone=channel == "gone", home=name, pending_since=None)
            conn.execute(sa.insert(identities).values(row))


def _build_row(table: sa.Table, **values: object) -> dict[str, object]:
    return {column.name: _build_value(column) for column in table.c if not column.nullable} | values


@pytest.mark.anyio
async def test_customers_of_an_earlier_version_get_their_channels(empty_url: str) -> None:
    database = Database(empty_url)
    await database.write(add_customers)
    await migrate(database)
    columns = (customers.c.id, customers.c.channels, customers.c.channels_version)
    found = await database.read(lambda conn: [tuple(row) for row in conn.execute(sa.select(*columns).order_by("id"))])
    await database.close()
    assert found == [("ada", '["till","web"]', 3), ("bea", '["web"]', 3), ("cleo", "[]", 3)]
