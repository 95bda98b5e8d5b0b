"""Mixes of records before and after an erase: what was erased stays away, and all others stay (rule C12)."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.commerce.config import SellingConfig
from gateway.commerce.customers import ingest
from gateway.commerce.privacy.config import PrivacyConfig
from gateway.commerce.privacy.erase import begin_erase
from gateway.commerce.privacy.late_copies import COPY
from gateway.commerce.privacy.requests import DataRequestDraft, request_data
from gateway.commerce.topology import Topology
from gateway.model.customers.data_requests import DataRequestKind
from gateway.sdk.testing.record_builders import Row, build_customer
from gateway.storage.tables import customers, data_request_members, data_requests, evidence_keys, identities
from tests.commerce.customers.stored_customers import NOW, StoredCustomers, source_id
from tests.commerce.customers.test_undone_decisions import open_database

EMAIL, PHONE, CARD = "ada@example.com", "+447911123456", "9826000000017"
EARLIER, LATER = ((NOW + timedelta(days=days)).isoformat() for days in (-30, 30))
CONFIG = SellingConfig(topology=Topology(), secret=b"s" * 32, privacy=PrivacyConfig(cooling_off=timedelta(0)))


class Report(NamedTuple):
    """A record that a channel reports. `stays`: it is not that of the erased customer, or is a new one."""

    channel: str
    row: Row
    stays: bool


OWN = (
    Report("till", build_customer("a1", name="Ada Ash", email=EMAIL, card=CARD, created_at=EARLIER), stays=False),
    Report("web", build_customer("a2", name="Ada Ash", email=EMAIL, phone=PHONE, created_at=EARLIER), stays=False),
)
OTHERS = (
    Report("till", build_customer("b1", name="Bea Birch", phone=PHONE, created_at=EARLIER), stays=True),
    Report("web", build_customer("b2", name="Ben Birch", email="ben@example.com", created_at=EARLIER), stays=True),
)
LATE = (
    *OWN,
    Report("web", build_customer("a1", name="Ada Ash", email=EMAIL, tags=["late"], created_at=EARLIER), stays=False),
    Report("app", build_customer("a3", name="Ada Ash", email=EMAIL.upper(), created_at=EARLIER), stays=False),
    Report("app", build_customer("n1", name="Ada Ash", email=EMAIL, created_at=LATER), stays=True),
    Report("till", build_customer("n2", name="Ada Ash", phone=PHONE, created_at=LATER), stays=True),
    Report("app", build_customer("b3", name="Bo Birch", phone=PHONE, created_at=EARLIER), stays=True),
)


@pytest.fixture(scope="module")
def conn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    """An empty database. What a test does there is rolled back."""
    with open_database(tmp_path_factory.mktemp("erases") / "gateway.db") as conn:
        yield conn


def find_wrongs(conn: Connection, seed: int) -> set[str]:
    """Run a mix, and return the records that are back, or that were swallowed."""
    chance = random.Random(seed)
    with conn.begin_nested() as attempt:
        stored = StoredCustomers(conn, CONFIG)
        before = [OWN[0], *chance.sample((*OWN[1:], *OTHERS), chance.randrange(4))]
        after = chance.sample(LATE, chance.randrange(1, len(LATE)))
        for report in before:
            stored.ingest(report.channel, report.row)
        erase(stored)
        for report in after:
            stored.ingest(report.channel, report.row)
        wrongs = _compare(conn, [*before, *after]) | _compare_requests(conn, before, after)
        attempt.rollback()
    return wrongs


def erase(stored: StoredCustomers) -> None:
    home = str(stored.conn.scalar(sa.select(identities.c.home).where(identities.c.id == source_id("till", "a1"))))
    draft = DataRequestDraft(kind=DataRequestKind.ERASE, customer_id=home, proved=False, requested_by="")
    subject = request_data(stored.conn, draft, stored.context).subject
    assert subject is not None
    begin_erase(stored.conn, subject, stored.context)


def _compare(conn: Connection, reports: list[Report]) -> set[str]:
    named = {row.id for row in conn.execute(sa.select(identities)) if row.display_name or row.emails != "[]"}
    expected = {source_id(one.channel, one.row["id"]) for one in reports if one.stays}
    return named ^ expected


def _compare_requests(conn: Connection, before: list[Report], after: list[Report]) -> set[str]:
    """Compare whose erase in a channel was requested with the copies that came after the erase."""
    own = sa.select(data_requests.c.id).where(data_requests.c.requested_by == COPY)
    members = sa.select(data_request_members.c.identity_id).where(data_request_members.c.request_id.in_(own))
    requested = Counter(conn.scalars(members))
    known = {source_id(one.channel, one.row["id"]) for one in before}
    copies = {source_id(one.channel, one.row["id"]) for one in after if not one.stays} - known
    return {f"request: {id_}" for id_ in requested.keys() ^ copies} | {id_ for id_, n in requested.items() if n > 1}


def test_what_was_erased_stays_away_and_all_others_stay(conn: Connection) -> None:
    assert {seed: wrongs for seed in range(150) if (wrongs := find_wrongs(conn, seed))} == {}


@pytest.mark.torture
@pytest.mark.parametrize("first", range(0, 20_000, 1_000))
def test_20_000_mixes_bring_nothing_back_and_swallow_nothing(conn: Connection, first: int) -> None:
    assert {seed: wrongs for seed in range(first, first + 1_000) if (wrongs := find_wrongs(conn, seed))} == {}


def test_proof_without_the_list_copies_come_back(conn: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingest, "find_suppressed", lambda *_: {})
    assert [seed for seed in range(20) if find_wrongs(conn, seed)]


def test_an_erase_leaves_no_value_of_evidence(tmp_path: Path) -> None:
    with open_database(tmp_path / "gateway.db") as conn:
        stored = StoredCustomers(conn, replace(CONFIG))
        for report in OWN:
            stored.ingest(report.channel, report.row)
        erase(stored)
        assert list(conn.scalars(sa.select(evidence_keys.c.key))) == []
        assert [row.visible for row in conn.execute(sa.select(customers))] in ([False], [False, False])
