"""Customers are found by the channels that know them, also if an earlier release stored their rows."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.commerce.customers import customer_rows
from gateway.commerce.customers.customer_rows import rebuild_customers, touch_customers
from gateway.model.customers.profiles import GUEST
from gateway.sdk.testing.record_builders import build_customer
from gateway.storage.reads.customers.outdated import find_outdated_customers
from gateway.storage.reads.customers.search import CustomerQuery, count_customers, find_segments
from gateway.storage.tables import customers, identities
from tests.commerce.customers.stored_customers import NOW, StoredCustomers
from tests.commerce.customers.test_undone_decisions import CONFIG, build_write, decide, open_database

QUERIES = {key: CustomerQuery(channels=(key,)) for key in ("till", "web", "shop", "we", "web2")} | {
    "any": CustomerQuery(channels=("till", "web")),
    "none": CustomerQuery(channels=()),
}
VISIBLE = {key: CustomerQuery(visible_channels=query.channels) for key, query in QUERIES.items()}
"""What a caller of these channels sees."""


@pytest.fixture
def stored(tmp_path: Path) -> Iterator[StoredCustomers]:
    with open_database(tmp_path / "gateway.db") as conn:
        yield StoredCustomers(conn, CONFIG)


def find_expected(conn: Connection, keys: Collection[str]) -> set[str]:
    """Find the customers with a record in one of these channels, one row after the other."""
    rows = conn.execute(sa.select(identities).where(~identities.c.gone))
    known = {row.customer_id for row in rows if row.channel.removeprefix(GUEST) in keys}
    return known & set(conn.scalars(sa.select(customers.c.id).where(customers.c.visible)))


def check_channels(conn: Connection, queries: Mapping[str, CustomerQuery] = QUERIES) -> None:
    ids = list(conn.scalars(sa.select(customers.c.id).where(customers.c.visible)))
    counts, segments = count_customers(conn, queries), find_segments(conn, ids, queries)
    for key, query in queries.items():
        expected = find_expected(conn, (query.channels or ()) + (query.visible_channels or ()))
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
    assert find_outdated_customers(stored.conn) == []


def test_orders_of_guests_count(stored: StoredCustomers) -> None:
    stored.ingest("web", build_customer("1", name="Ada Ash"))
    stored.conn.execute(sa.update(identities).values(channel=f"{GUEST}shop", contact_key="ada"))
    rebuild(stored)
    assert count_customers(stored.conn, QUERIES)["shop"] == 1
    check_channels(stored.conn)


def rebuild(stored: StoredCustomers) -> None:
    rebuild_customers(stored.conn, find_outdated_customers(stored.conn), CONFIG.customers, NOW)


def store_one_customer(stored: StoredCustomers) -> None:
    """Store a customer of two channels, of which the second adds nothing to the golden record."""
    for channel in ("till", "web"):
        stored.ingest(channel, build_customer(channel, name="Ada Ash", card="9826000000017"))
    assert len(stored.list_groups()) == 1


def remove_record_as_before(conn: Connection) -> None:
    """Remove a record as an earlier release does: the golden record is the same, so the version of the customer is."""
    conn.execute(sa.update(identities).where(identities.c.channel == "web").values(gone=True))


def test_a_caller_of_a_channel_sees_what_its_records_say(stored: StoredCustomers) -> None:
    store_one_customer(stored)
    remove_record_as_before(stored.conn)
    check_channels(stored.conn, VISIBLE)


def test_the_proof_by_the_channels_in_its_row_it_would_see_more(stored: StoredCustomers) -> None:
    store_one_customer(stored)
    remove_record_as_before(stored.conn)
    with pytest.raises(AssertionError):
        check_channels(stored.conn)


def test_outdated_customers_are_rebuilt(stored: StoredCustomers) -> None:
    store_one_customer(stored)
    remove_record_as_before(stored.conn)
    rebuild(stored)
    check_channels(stored.conn)
    assert find_outdated_customers(stored.conn) == []


def test_channels_that_are_too_long_for_an_index_are_looked_up(stored: StoredCustomers) -> None:
    for number in range(60):
        stored.ingest(f"till-{number:035}", build_customer("1", name="Ada Ash", card="9826000000017"))
    assert stored.conn.scalars(sa.select(customers.c.channels).where(customers.c.visible)).all() == [None]
    key = f"till-{59:035}"
    check_channels(stored.conn, {key: CustomerQuery(channels=(key,)), "web": CustomerQuery(channels=("web",))})
    assert find_outdated_customers(stored.conn) == []


def test_a_customer_without_an_identity_is_hidden(stored: StoredCustomers) -> None:
    stored.ingest("web", build_customer("1", name="Ada Ash"))
    stored.conn.execute(sa.delete(identities))
    rebuild(stored)
    assert stored.conn.scalars(sa.select(customers.c.visible)).all() == [False]


def test_a_new_version_of_an_earlier_release_is_looked_up(stored: StoredCustomers) -> None:
    store_one_customer(stored)
    remove_record_as_before(stored.conn)
    stored.conn.execute(sa.update(customers).values(version=customers.c.version + 1))
    check_channels(stored.conn)
    touch_customers(stored.conn, list(stored.conn.scalars(sa.select(customers.c.id))), NOW)
    check_channels(stored.conn)


def test_the_proof_an_unlisted_channel_is_not_found(stored: StoredCustomers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(customer_rows, "_dump_channels", lambda _: "[]")
    stored.ingest("web", build_customer("1", name="Ada Ash"))
    with pytest.raises(AssertionError):
        check_channels(stored.conn)
