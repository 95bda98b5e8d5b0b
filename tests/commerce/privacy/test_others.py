"""An erase takes nothing from others, and nothing that others have requested takes its place (rules C7, C11, C12)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from gateway.commerce.consents.derivation import find_consents
from gateway.commerce.privacy.channel_requests import store_requests
from gateway.commerce.privacy.erase import begin_erase
from gateway.commerce.privacy.keyed_values import DigestKind
from gateway.commerce.privacy.requests import DataRequestDraft, cancel_request, request_data
from gateway.commerce.privacy.restored_erases import request_missing_erases
from gateway.model.customers.data_requests import DataRequestKind
from gateway.sdk import PrivacyRequest, PrivacyRequestKind
from gateway.sdk.testing.record_builders import Row, build_customer
from gateway.storage.privacy.suppressions import list_suppressions, store_suppressions
from gateway.storage.tables import data_requests, identities, loyalty_accounts
from tests.commerce.customers.stored_customers import NOW, StoredCustomers, source_id
from tests.commerce.customers.test_undone_decisions import open_database
from tests.commerce.privacy.test_erase_mixes import CONFIG, EARLIER

CARD, HOME = "9826000000017", "home@example.com"
MOTHER = build_customer("m1", name="Ada Ash", email=HOME, created_at=EARLIER)
SON = build_customer("s1", name="Ben Ash", email=HOME, created_at=EARLIER)


@pytest.fixture
def stored(tmp_path: Path) -> Iterator[StoredCustomers]:
    with open_database(tmp_path / "gateway.db") as conn:
        yield StoredCustomers(conn, CONFIG)


def request(stored: StoredCustomers, channel: str, id: str, *, proved: bool = False, export: bool = False) -> str:
    home = str(stored.conn.scalar(sa.select(identities.c.home).where(identities.c.id == source_id(channel, id))))
    kind = DataRequestKind.EXPORT if export else DataRequestKind.ERASE
    draft = DataRequestDraft(kind=kind, customer_id=home, proved=proved, requested_by="" if proved else "desk")
    subject = request_data(stored.conn, draft, stored.context).subject
    assert subject is not None
    return subject


def run_erases(stored: StoredCustomers) -> None:
    for id_ in list(stored.conn.scalars(sa.select(data_requests.c.id).order_by(data_requests.c.id))):
        begin_erase(stored.conn, id_, stored.context)


def list_erased(stored: StoredCustomers) -> set[str]:
    rows = stored.conn.execute(sa.select(identities).where(identities.c.erased_at.is_not(None)))
    return {row.external_id for row in rows}


def ask(stored: StoredCustomers, kind: PrivacyRequestKind, customer: str | None = None) -> None:
    store_requests(stored.conn, "web", [PrivacyRequest(kind=kind, customer=customer)], stored.context)


def test_who_is_parted_from_the_customer_before_the_erase_begins_stays(stored: StoredCustomers) -> None:
    stored.ingest("till", build_customer("a1", name="Ada Ash", card=CARD, email="ada@example.com"))
    stored.ingest("web", build_customer("b1", name="Ada Birch", card=CARD, email="birch@example.com"))
    request(stored, "till", "a1")
    stored.ingest("web", build_customer("b1", name="Ada Birch", card="9826000000025", email="birch@example.com"))
    run_erases(stored)
    assert list_erased(stored) == {"a1"}


def test_a_record_of_the_son_in_a_new_channel_is_not_that_of_the_erased_mother(stored: StoredCustomers) -> None:
    stored.ingest("till", MOTHER)
    request(stored, "till", "m1")
    run_erases(stored)
    stored.ingest("web", SON, build_customer("m2", name="Ada Ash", email=HOME, created_at=EARLIER))
    assert list_erased(stored) == {"m1", "m2"}


def test_a_denial_of_the_erased_still_counts_for_who_shares_the_address(stored: StoredCustomers) -> None:
    def decide(row: Row, granted: bool, at: str) -> Row:
        decided = {"purpose": "MARKETING_EMAIL", "granted": granted, "address": HOME, "decided_at": at}
        return {**row, "consents": [decided]}

    def is_granted() -> bool:
        id_ = str(stored.conn.scalar(sa.select(identities.c.customer_id).where(identities.c.external_id == "s1")))
        return any(consent.granted for consent in find_consents(stored.conn, [id_])[id_])

    stored.ingest("till", decide(MOTHER, granted=False, at="2025-06-02T10:00:00Z"))
    stored.ingest("web", decide(SON, granted=True, at="2025-01-02T10:00:00Z"))
    assert not is_granted()
    request(stored, "till", "m1")
    run_erases(stored)
    assert not is_granted()


def test_a_card_that_somebody_else_holds_too_keeps_its_points(stored: StoredCustomers) -> None:
    stored.ingest("till", build_customer("a1", name="Ada Ash", card=CARD))
    stored.ingest("web", build_customer("b1", name="Ben Birch", card=CARD))
    values = {column.name: 0 for column in loyalty_accounts.c if not column.nullable}
    texts = {"id": "account", "key": f"card:{CARD}", "number": CARD, "periods": "{}", "balance": 500}
    times = {"identity_id": source_id("till", "a1"), "created_at": NOW, "updated_at": NOW}
    stored.conn.execute(sa.insert(loyalty_accounts).values({**values, **texts, **times}))
    request(stored, "till", "a1")
    run_erases(stored)
    account = stored.conn.execute(sa.select(loyalty_accounts)).one()
    assert (account.number, account.identity_id, account.balance) == (CARD, source_id("web", "b1"), 500)
    request(stored, "web", "b1")
    run_erases(stored)
    account = stored.conn.execute(sa.select(loyalty_accounts)).one()
    assert (account.key, account.number, account.identity_id) == ("erased:account", None, None)


def test_a_request_of_a_channel_does_not_stand_for_the_whole_customer(stored: StoredCustomers) -> None:
    for channel, id_ in (("till", "a1"), ("web", "w1")):
        stored.ingest(channel, build_customer(id_, name="Ada Ash", card=CARD, email="ada@example.com"))
    ask(stored, PrivacyRequestKind.ERASE, "w1")
    request(stored, "till", "a1")
    run_erases(stored)
    assert list_erased(stored) == {"a1", "w1"}


def test_a_request_of_the_proved_part_does_not_stand_for_the_whole_customer(stored: StoredCustomers) -> None:
    for channel, id_ in (("till", "a1"), ("web", "w1")):
        values = {"email": "ada@example.com", "phone": "+447911123456"}
        stored.ingest(channel, build_customer(id_, name="Ada Ash", **values))
    assert request(stored, "web", "w1", proved=True) != request(stored, "till", "a1")
    run_erases(stored)
    assert list_erased(stored) == {"a1", "w1"}


def test_an_export_of_a_channel_does_not_stand_for_that_of_the_customer(stored: StoredCustomers) -> None:
    stored.ingest("web", build_customer("w1", name="Ada Ash", email="ada@example.com"))
    ask(stored, PrivacyRequestKind.EXPORT, "w1")
    own = request(stored, "web", "w1", proved=True, export=True)
    assert stored.conn.scalar(sa.select(data_requests.c.proved).where(data_requests.c.id == own))


def test_a_customer_who_cancels_does_not_cancel_the_request_of_the_channel(stored: StoredCustomers) -> None:
    stored.ingest("web", build_customer("w1", name="Ada Ash", email="ada@example.com"))
    own = request(stored, "web", "w1")
    ask(stored, PrivacyRequestKind.ERASE, "w1")
    early = stored.context
    row = sa.update(data_requests).where(data_requests.c.id == own)
    stored.conn.execute(row.values(executes_at=early.now + timedelta(days=1)))
    assert cancel_request(stored.conn, own, None, early).done
    run_erases(stored)
    assert list_erased(stored) == {"w1"}


def test_an_erase_of_all_reaches_those_beside_one_that_is_under_way(stored: StoredCustomers) -> None:
    rows = [build_customer(f"w{n}", name=f"Name{n} Ash{n}", email=f"a{n}@example.com") for n in range(150)]
    stored.ingest("web", *rows)
    request(stored, "web", "w7")
    ask(stored, PrivacyRequestKind.ERASE_ALL)
    ask(stored, PrivacyRequestKind.ERASE_ALL)
    run_erases(stored)
    assert len(list_erased(stored)) == 150


def test_the_list_erases_none_that_came_after_the_erase(stored: StoredCustomers) -> None:
    stored.ingest("till", MOTHER)
    request(stored, "till", "m1")
    run_erases(stored)
    rows = [row for row in list_suppressions(stored.conn) if row.kind == DigestKind.RECORD.value]
    back = sa.update(identities).where(identities.c.external_id == "m1").values(erased_at=None)
    stored.conn.execute(back)
    assert request_missing_erases(stored.conn, rows, stored.context) == 1, "a restored backup has it"
    stored.conn.execute(back.values(linked_at=NOW + timedelta(days=1)))
    assert request_missing_erases(stored.conn, rows, stored.context) == 0


def test_the_list_erases_no_other_record_of_the_same_customer(stored: StoredCustomers) -> None:
    for channel, id_ in (("till", "a1"), ("web", "w1")):
        stored.ingest(channel, build_customer(id_, name="Ada Ash", email="ada@example.com", verified=True))
    assert len(stored.list_groups()) == 1
    ask(stored, PrivacyRequestKind.ERASE, "w1")
    run_erases(stored)
    rows = list_suppressions(stored.conn)
    back = sa.update(identities).where(identities.c.external_id == "w1").values(erased_at=None)
    stored.conn.execute(back)
    assert request_missing_erases(stored.conn, rows, stored.context) == 1
    run_erases(stored)
    assert list_erased(stored) == {"w1"}


def test_an_erase_by_a_channel_suppresses_no_record_of_another(stored: StoredCustomers) -> None:
    ada = {"name": "Ada Ash", "email": "ada@example.com", "created_at": EARLIER}
    stored.ingest("web", build_customer("w1", **ada))
    ask(stored, PrivacyRequestKind.ERASE, "w1")
    run_erases(stored)
    stored.ingest("till", build_customer("a1", **ada))
    assert list_erased(stored) == {"w1"}


def test_an_older_list_takes_back_no_later_erase(stored: StoredCustomers) -> None:
    stored.ingest("till", MOTHER)
    request(stored, "till", "m1")
    run_erases(stored)
    rows = list_suppressions(stored.conn)
    store_suppressions(stored.conn, [replace(row, erased_at=NOW - timedelta(days=9)) for row in rows])
    assert list_suppressions(stored.conn) == rows
