"""Customers are found by the channels that know them, also if an earlier release stored their rows."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.commerce.customers import customer_rows
from gateway.commerce.customers.customer_rows import touch_customers
from gateway.model.customers.profiles import GUEST
from gateway.sdk.testing.record_builders import build_customer
from gateway.storage.reads.customers.search import CustomerQuery, count_customers, find_segments
from gateway.storage.tables import customers, identities
from tests.commerce.customers.stored_customers import NOW, StoredCustomers
from tests.commerce.customers.test_undone_decisions import CONFIG, build_write, decide, open_database

QUERIES = {key: CustomerQuery(channels=(key,)) for key in ("till", "web", "shop")} | {
    "any": CustomerQuery(channels=("till", "web"))
}


@pytest.fixture
def stored(tmp_path: Path) -> Iterator[StoredCustomers]:
    with open_database(tmp_path / "gateway.db") as conn:
        yield StoredCustomers(conn, CONFIG)


def find_expected(conn: Connection, keys: Collection[str]) -> set[str]:
    """Find the customers with a record in one of these channels, one row after the other."""
    rows = conn.execute(sa.select(identities).where(~identities.c.gone))
    known = {row.customer_id for row in rows if row.channel.removeprefix(GUEST) in keys}
    return known & set(conn.scalars(sa.select(customers.c.id).where(customers.c.visible)))


def check_channels(conn: Connection) -> None:
    ids = list(conn.scalars(sa.select(customers.c.id).where(customers.c.visible)))
    counts, segments = count_customers(conn, QUERIES), find_segments(conn, ids, QUERIES)
    for key, query in QUERIES.items():
        expected = find_expected(conn, query.channels or ())
        assert counts[key] == len(expected)
        assert {id_ for id_ in ids if key in segments[id_]} == expected


def change_at_random(stored: StoredCustomers, chance: random.Random) -> None:
    channel, row = build_write(chance, f"c{chance.randrange(9)}")
    stored.ingest(channel, row, gone=[f"c{chance.randrange(9)}"] if chance.random() < 0.2 else [])
    decide(stored, chance)


def test_after_random_writes_and_decisions(stored: StoredCustomers) -> None:
    chance = random.Random(7)
    for _ in range(60):
        change_at_random(stored, chance)
        check_channels(stored.conn)
    assert not stored.conn.scalars(
        sa.select(customers).where(customers.c.channels_version != customers.c.version)
    ).all()


def change_as_before(conn: Connection) -> None:
    """Change what an earlier release changes: it knows nothing of the column."""
    conn.execute(sa.update(identities).where(identities.c.channel == "web").values(channel="shop"))
    conn.execute(sa.update(customers).values(version=customers.c.version + 1))


def test_beside_an_earlier_release_that_stores_none(stored: StoredCustomers) -> None:
    for channel in ("till", "web"):
        stored.ingest(channel, build_customer(channel, name=f"Ada of {channel}"))
    change_as_before(stored.conn)
    check_channels(stored.conn)
    touch_customers(stored.conn, list(stored.conn.scalars(sa.select(customers.c.id))), NOW)
    check_channels(stored.conn)


def test_the_proof_channels_without_their_version_are_those_of_before(stored: StoredCustomers) -> None:
    stored.ingest("web", build_customer("1", name="Ada Ash"))
    change_as_before(stored.conn)
    stored.conn.execute(sa.update(customers).values(channels_version=customers.c.version))
    with pytest.raises(AssertionError):
        check_channels(stored.conn)


def test_the_proof_an_unlisted_channel_is_not_found(stored: StoredCustomers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(customer_rows, "_list_channels", lambda _: [])
    stored.ingest("web", build_customer("1", name="Ada Ash"))
    with pytest.raises(AssertionError):
        check_channels(stored.conn)
