"""Counts, lists and segments of customers agree on every condition, though each reads them in another way."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bench.customer_population import NOW, store_population
from bench.customer_reads import CONDITIONS
from gateway.storage.database import Database
from gateway.storage.reads.customers.outdated import find_outdated_customers
from gateway.storage.reads.customers.search import (
    CountRange,
    CustomerQuery,
    Membership,
    TierCondition,
    count_customers,
    find_segments,
    search_customers,
)
from gateway.storage.sql.keyset import Window
from gateway.storage.tables import customers, identities, loyalty_accounts

pytestmark = pytest.mark.anyio

QUERIES = {
    **CONDITIONS,
    "balance": CustomerQuery(balance=CountRange(1, None)),
    "contact": CustomerQuery(contacts=(("email", "customer.3@example.com"),)),
    "loyalty number": CustomerQuery(loyalty_number="9826000000017"),
    "tier": CustomerQuery(tier=TierCondition(("silver",), ("silver",), NOW)),
    "no channel": CustomerQuery(channels=()),
    "of one channel": CustomerQuery(visible_channels=("web",)),
    "of no channel": CustomerQuery(visible_channels=()),
    "of a segment": CustomerQuery(segment=CONDITIONS["has_consent"], has_login=True),
}


def list_customers(conn: Connection, query: CustomerQuery) -> set[str]:
    page = search_customers(query).read_page(conn, Window(size=1_000))
    return {customer.id for _, customer in page.items}


def list_customers_of_web(conn: Connection) -> set[str]:
    return set(conn.scalars(sa.select(identities.c.customer_id).where(identities.c.channel == "web")))


def add_tier_and_number(conn: Connection) -> None:
    account = sa.select(sa.func.min(loyalty_accounts.c.identity_id)).scalar_subquery()
    tier = {"tier": "silver", "tier_until": NOW + timedelta(days=1)}
    conn.execute(sa.update(loyalty_accounts).where(loyalty_accounts.c.identity_id == account).values(tier))
    known = sa.select(sa.func.min(identities.c.id)).scalar_subquery()
    conn.execute(sa.update(identities).where(identities.c.id == known).values(loyalty_number="9826000000017"))


def clear_channels(conn: Connection) -> list[str]:
    """Leave half of the rows as an earlier release stores them. Returns their IDs."""
    conn.execute(sa.update(customers).where(customers.c.id < "8").values(channels=None, channels_version=None))
    return sorted(conn.scalars(sa.select(customers.c.id).where(customers.c.channels.is_(None))))


async def compare(database: Database) -> None:
    await store_population(database, 200, seed=1)
    await database.write(add_tier_and_number)
    cleared = await database.write(clear_channels)
    assert await database.read(find_outdated_customers) == cleared
    counts = await database.read(count_customers, QUERIES)
    listed = {name: await database.read(list_customers, query) for name, query in QUERIES.items()}
    segments = await database.read(find_segments, sorted(listed["no condition"]), QUERIES)
    assert {name: len(ids) for name, ids in listed.items()} == counts
    assert {name: {id_ for id_, found in segments.items() if name in found} for name in QUERIES} == listed
    assert listed["channel_keys"] == listed["of one channel"] == await database.read(list_customers_of_web)
    missing = {name for name, count in counts.items() if count == 0}
    assert missing <= {"no channel", "of no channel"}  # of all others there are some


Open = Callable[[], AbstractAsyncContextManager[Database]]


async def test_they_agree(open_database: Open) -> None:
    async with open_database() as database:
        await compare(database)


async def test_the_proof_lists_without_memberships(open_database: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    build = Membership.build_condition

    def build_for_counts(membership: Membership, *, one_by_one: bool) -> sa.ColumnElement[bool]:
        return sa.true() if one_by_one else build(membership, one_by_one=False)

    monkeypatch.setattr(Membership, "build_condition", build_for_counts)
    async with open_database() as database:
        with pytest.raises(AssertionError):
            await compare(database)
