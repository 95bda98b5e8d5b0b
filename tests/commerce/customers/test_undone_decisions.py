"""Merges, splits and writes in a database: undone in any order, every row is as if none had been decided."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.commerce.config import SellingConfig
from gateway.commerce.customers.config import CustomerConfig
from gateway.commerce.customers.decisions import (
    MergeRequest,
    SplitRequest,
    merge_customers,
    split_customer,
    undo_decision,
)
from gateway.commerce.topology import Topology
from gateway.sdk.testing.record_builders import Row, build_customer
from gateway.storage.tables import customers
from gateway.storage.writes.customers import identities
from tests.commerce.customers.stored_customers import StoredCustomers
from tests.databases import create_sqlite_database

GIVEN = ("Ada", "Bea", "Bob", "Robert", "A.")
FAMILY = ("Ash", "Birch")
MAILBOXES = ("one@example.com", "two@example.com", "none@none.com", None)
PHONES = ("+447911123456", "+447911123457", "+442071838750", None)
CARDS = ("9826000000017", "9826000000025", None, None)
CONFIG = SellingConfig(
    topology=Topology(), secret=b"secret", customers=CustomerConfig(references={"till": {"web": "web_id"}})
)


@contextmanager
def open_database(path: Path) -> Iterator[Connection]:
    engine = sa.create_engine(create_sqlite_database(path))
    try:
        with engine.connect() as conn:
            yield conn
    finally:
        engine.dispose()


@pytest.fixture(scope="module")
def conn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    """An empty database. What a test does there is rolled back."""
    with open_database(tmp_path_factory.mktemp("customers") / "gateway.db") as conn:
        yield conn


Write = tuple[str, Row]


def run_sequence(conn: Connection, seed: int) -> bool:
    """Run random decisions beside writes, and undo them in random order. Returns whether every row is as it is where
    only the writes were.
    """
    chance = random.Random(seed)
    writes = [build_write(chance, f"c{n}") for n in range(chance.randrange(3, 10))]
    with conn.begin_nested() as attempt:
        decided = write_and_decide(conn, writes, chance)
        attempt.rollback()
    with conn.begin_nested() as attempt:
        plain = StoredCustomers(conn, CONFIG)
        for channel, row in writes:
            plain.ingest(channel, row)
        expected = plain.read_state()
        attempt.rollback()
    return decided == expected


def write_and_decide(conn: Connection, writes: list[Write], chance: random.Random) -> dict[str, list[str]]:
    """Write records, decide between them, and undo all decisions. Returns the rows then."""
    stored, made = StoredCustomers(conn, CONFIG), list[str]()
    for channel, row in writes:
        stored.ingest(channel, row)
        if chance.random() < 0.7:
            made += decide(stored, chance)
    chance.shuffle(made)
    for merge_id in made:
        assert not undo_decision(conn, merge_id, "undone", stored.context).user_errors
    return stored.read_state()


def build_write(chance: random.Random, id_: str) -> Write:
    """Build a record that shares values with others, and sometimes replaces one."""
    row = build_customer(
        id_ if chance.random() < 0.7 else "c0",
        name=f"{chance.choice(GIVEN)} {chance.choice(FAMILY)}",
        email=chance.choice(MAILBOXES),
        phone=chance.choice(PHONES),
        card=chance.choice(CARDS),
        verified=chance.random() < 0.3,
        merged_into=chance.choice(("c1", "c2")) if chance.random() < 0.3 else None,
        references={"web": chance.choice(("c0", "c3", "none"))} if chance.random() < 0.2 else {},
    )
    return chance.choice(("till", "web")), row


def decide(stored: StoredCustomers, chance: random.Random) -> list[str]:
    """Merge or split at random. Returns the ID of the decision, unless none was needed."""
    groups = stored.list_groups()
    large = sorted(customer for customer, members in groups.items() if len(members) > 1)
    if large and chance.random() < 0.5:
        customer = chance.choice(large)
        some = chance.sample(groups[customer], chance.randrange(1, len(groups[customer])))
        split = SplitRequest(customer_id=customer, identity_ids=tuple(some), note="split")
        result = split_customer(stored.conn, split, stored.context)
        return [result.subject] if result.done and result.subject else []
    if len(groups) < 2:
        return []
    pair = chance.sample(sorted(groups), 2)
    merge = MergeRequest(customer_ids=tuple(pair), proved=chance.random() < 0.3, note="merge")
    return list(merge_customers(stored.conn, merge, stored.context).subjects[:1])


def test_undone_decisions_leave_every_row_as_it_was(conn: Connection) -> None:
    assert [seed for seed in range(12) if not run_sequence(conn, seed)] == []


@pytest.mark.torture
@pytest.mark.parametrize("first", range(100, 20_100, 1_000))
def test_20_000_undone_sequences_leave_every_row_as_it_was(conn: Connection, first: int) -> None:
    assert [seed for seed in range(first, first + 1_000) if not run_sequence(conn, seed)] == []


def end_merge(conn: Connection) -> list[list[str]]:
    """Let a channel merge two records, and part them again. Returns the customers then."""
    with conn.begin_nested() as attempt:
        stored, merged = StoredCustomers(conn), build_customer("c0", name="Ada Ash", merged_into="c1")
        stored.ingest("web", merged)
        stored.ingest("web", build_customer("c1", name="Bea Birch"))
        assert len(stored.list_groups()) == 1
        stored.ingest("web", build_customer("c0", name="Ada Ash"))
        groups = stored.list_groups()
        found = conn.scalars(sa.select(customers.c.id).where(customers.c.visible)).all()
        attempt.rollback()
    assert set(found) == groups.keys()
    return list(groups.values())


def test_records_that_a_channel_parts_are_two_customers(conn: Connection) -> None:
    assert [len(members) for members in end_merge(conn)] == [1, 1]


def test_the_proof_without_the_former_members_they_stay_one(conn: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identities, "find_members", lambda *_, **__: [])
    assert [len(members) for members in end_merge(conn)] == [2]
