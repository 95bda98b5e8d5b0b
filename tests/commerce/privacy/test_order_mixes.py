"""Mixes of orders around an erase: those of before stay cleared, those of after have a customer (rule C12)."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.commerce.channel_orders.ingest import ingest_orders
from gateway.commerce.customers import guests
from gateway.commerce.customers.pending_identities import recognize_identities
from gateway.commerce.ingest_batch import IngestBatch, IngestedRecord, IngestRules
from gateway.commerce.privacy.erase import begin_erase
from gateway.commerce.privacy.requests import DataRequestDraft, request_data
from gateway.model.customers.data_requests import DataRequestKind
from gateway.model.ids import derive_id
from gateway.sdk.records import OrderRecord
from gateway.sdk.testing.record_builders import Row, build_customer, build_line, build_order, read_order
from gateway.storage.tables import customers, identities, orders
from gateway.storage.writes.customers.identities import find_pending
from tests.commerce.customers.stored_customers import NOW, StoredCustomers, source_id
from tests.commerce.customers.test_undone_decisions import open_database
from tests.commerce.privacy.test_erase_mixes import CONFIG, EARLIER, EMAIL

ACCOUNT = build_customer("a1", name="Ada Ash", email=EMAIL, created_at=EARLIER)
ADDRESS = {"name": "Ada Ash", "line1": "12 Marker Street", "city": "London", "country_code": "GB"}
CONTACTS = (
    {"contact": {"name": "Ada Ash", "email": EMAIL, "phone": None}},
    {"contact": {"name": "Ada Ash", "email": "new@example.com", "phone": None}},
    {"contact": {"name": "Ada Ash", "email": None, "phone": None}},
    {"billing_address": ADDRESS},
)


class Placed(NamedTuple):
    """An order of an account. `is_later`: it was placed after the erase."""

    row: Row
    is_later: bool


@pytest.fixture(scope="module")
def conn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    """An empty database. What a test does there is rolled back."""
    with open_database(tmp_path_factory.mktemp("orders") / "gateway.db") as conn:
        yield conn


def build_placed(number: int, chance: random.Random) -> Placed:
    is_later = chance.random() < 0.5
    placed_at = NOW + timedelta(days=1 if is_later else -1)
    values = {"customer": "a1", "status": "COMPLETED", **chance.choice(CONTACTS)}
    return Placed(build_order(f"o{number}", [build_line("1", None)], placed_at=placed_at, **values), is_later)


def report(stored: StoredCustomers, *some: Placed) -> None:
    context = stored.context
    records = [IngestedRecord(derive_id("order", "web", one.row["id"], 1), read_order(one.row)) for one in some]
    batch: IngestBatch[OrderRecord] = IngestBatch(
        "web", records, (), (), 1, context.now, IngestRules(selling=stored.config)
    )
    ingest_orders(stored.conn, batch)
    recognize(stored, context.now)


def recognize(stored: StoredCustomers, now: datetime) -> None:
    recognize_identities(stored.conn, find_pending(stored.conn, 100), stored.config.customers, now)


def erase(stored: StoredCustomers, homes: set[str]) -> None:
    for home in sorted(homes):
        draft = DataRequestDraft(kind=DataRequestKind.ERASE, customer_id=home, proved=False, requested_by="desk")
        if subject := request_data(stored.conn, draft, stored.context).subject:
            begin_erase(stored.conn, subject, stored.context)


def find_wrongs(conn: Connection, seed: int) -> list[str]:
    """Run a mix, and return the orders whose contact is back, was lost, or cannot be reached."""
    chance = random.Random(seed)
    with conn.begin_nested() as attempt:
        stored = StoredCustomers(conn, CONFIG)
        placed = [build_placed(number, chance) for number in range(6)]
        stored.ingest("web", ACCOUNT)
        early = [one for one in placed if not one.is_later and chance.random() < 0.5]
        report(stored, *early)
        account = sa.select(identities.c.home).where(identities.c.id == source_id("web", "a1"))
        erase(stored, {str(conn.scalar(account))})
        for _ in range(3):
            report(stored, *chance.sample(placed, 4))
            stored.ingest("web", {**ACCOUNT, "tags": [str(chance.random())]})
        report(stored, *placed)
        wrongs = _find_unreached(conn, {one.row["id"] for one in placed if one.is_later})
        attempt.rollback()
    return wrongs


def _find_unreached(conn: Connection, later: set[str]) -> list[str]:
    """Find the orders of before with a contact, and those of after without a visible customer of their own."""
    bought = sa.and_(identities.c.channel == orders.c.customer_channel, identities.c.external_id == orders.c.customer)
    seen = sa.and_(customers.c.id == identities.c.customer_id, customers.c.visible, identities.c.erased_at.is_(None))
    has_contact = sa.or_(orders.c.contact.is_not(None), orders.c.billing_address.is_not(None)).label("has_contact")
    joined = orders.join(identities, bought, isouter=True).join(customers, seen, isouter=True)
    rows = conn.execute(sa.select(orders.c.number, has_contact, customers.c.id.label("home")).select_from(joined))
    right = {row.number for row in rows if row.has_contact == (row.home is not None) == (row.number in later)}
    return sorted({f"o{number}" for number in range(6)} - right)


def test_orders_of_before_stay_cleared_and_those_of_after_have_a_customer(conn: Connection) -> None:
    assert {seed: wrongs for seed in range(100) if (wrongs := find_wrongs(conn, seed))} == {}


@pytest.mark.torture
def test_5_000_mixes_of_orders(conn: Connection) -> None:
    assert {seed: wrongs for seed in range(5_000) if (wrongs := find_wrongs(conn, seed))} == {}


def test_proof_without_guests_nothing_reaches_later_orders(conn: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guests, "replace_erased_customer", lambda *_: None)
    assert [seed for seed in range(20) if find_wrongs(conn, seed)]
