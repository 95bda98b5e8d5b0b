"""Records that name a customer elsewhere, in a field of the configuration, are one with it (rule C2)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.commerce.config import SellingConfig
from gateway.commerce.customers import identity_facts
from gateway.commerce.customers.config import CustomerConfig
from gateway.commerce.customers.pending_identities import recognize_identities
from gateway.commerce.customers.recognition import evidence_classes
from gateway.commerce.customers.recognition.evidence import EvidenceRules
from gateway.commerce.topology import Topology
from gateway.model.customers.recognition import Evidence
from gateway.sdk.testing.record_builders import Row, build_customer
from gateway.storage.channel_keys import rename_channel
from gateway.storage.tables import evidence_keys, identities, identity_evidence
from gateway.storage.writes.customers.identities import IdentityRow
from tests.commerce.customers.stored_customers import NOW, StoredCustomers
from tests.commerce.customers.test_undone_decisions import open_database

CUSTOMERS = CustomerConfig(
    references={"till": {"web": "web_id", "crm": "crm_id"}, "app": {"crm": "custom.crm"}},
    external_systems=frozenset({"crm"}),
)
CONFIG = SellingConfig(topology=Topology(), secret=b"s" * 32, customers=CUSTOMERS)
ADA = build_customer("7001", name="Ada King")

Report = tuple[str, Row]


@pytest.fixture
def conn(tmp_path: Path) -> Iterator[Connection]:
    with open_database(tmp_path / "gateway.db") as conn:
        yield conn


def name_web(id_: str, web_id: str, name: str = "A. Byron", channel: str = "till") -> Report:
    return channel, build_customer(id_, name=name, references={"web": web_id})


def group(conn: Connection, *reports: Report, config: SellingConfig = CONFIG) -> list[int]:
    """Ingest records. Returns how many each customer has."""
    stored = StoredCustomers(conn, config)
    for channel, row in reports:
        stored.ingest(channel, row)
    return sorted(len(ids) for ids in stored.list_groups().values())


@pytest.mark.parametrize("reports", [[("web", ADA), name_web("t1", "7001")], [name_web("t1", " 7001 "), ("web", ADA)]])
def test_a_record_is_one_with_the_customer_that_it_names(conn: Connection, reports: list[Report]) -> None:
    assert group(conn, *reports) == [2]
    assert set(conn.scalars(sa.select(sa.func.count(identities.c.proved_id.distinct())))) == {1}


def test_an_id_that_no_record_has_joins_nothing(conn: Connection) -> None:
    reports = [name_web("t1", "0", "Ada Ash"), name_web("t2", "0", "Ada Birch"), ("web", ADA)]
    assert group(conn, *reports) == [1, 1, 1]


@pytest.mark.parametrize("names", [("Ada King", "Bea Hall"), ("Ada King", "A. King"), ("", ""), ("-", "Ada King")])
def test_what_a_till_enters_for_several_people_joins_nothing(conn: Connection, names: tuple[str, ...]) -> None:
    """The web store's first customer has the ID 1, and the till enters 1 for a missing one."""
    first = ("web", build_customer("1", name="Ada King"))
    reports = [name_web(f"t{number}", "1", name) for number, name in enumerate(names)]
    assert group(conn, first, *reports) == [1, 1, 1]


def test_two_records_of_one_person_at_a_till_name_one_customer(conn: Connection) -> None:
    reports = [name_web("t1", "7001", "Bob King"), name_web("t2", "7001", "Robert King")]
    assert group(conn, ("web", ADA), *reports) == [3]


def test_an_id_that_a_second_person_gets_parts_whom_it_had_joined(conn: Connection) -> None:
    stored = StoredCustomers(conn, CONFIG)
    for channel, row in (("web", ADA), name_web("t1", "7001", "Ada King")):
        stored.ingest(channel, row)
    assert len(stored.list_groups()) == 1
    stored.ingest(*name_web("t2", "7001", "Bob Hall"))
    assert sorted(map(len, stored.list_groups().values())) == [1, 1, 1]


def test_the_proof_without_the_names_of_a_channel_several_people_are_one(
    conn: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evidence_classes, "list_referring", list)
    reports = [name_web("t1", "1", "Bea Hall"), name_web("t2", "1", "Carl Ash")]
    assert group(conn, ("web", build_customer("1", name="Ada King")), *reports) == [3]


def test_a_configured_placeholder_is_no_reference(conn: Connection) -> None:
    rules = EvidenceRules(placeholders=frozenset({"n/a"}))
    config = replace(CONFIG, customers=replace(CUSTOMERS, evidence=rules))
    crm = {"crm": " N/A "}
    reports = [("till", build_customer("t1", references=crm)), ("app", build_customer("a1", references=crm))]
    assert group(conn, *reports, config=config) == [1, 1]


@pytest.mark.parametrize("fields", [{}, {"web": "other_column"}])
def test_a_reference_ends_with_its_setting(conn: Connection, fields: dict[str, str]) -> None:
    """Another till still names the web store; the channel was not read since."""
    references = {**CUSTOMERS.references, "till2": {"web": "web_id"}}
    both = replace(CUSTOMERS, references=references)
    stored = StoredCustomers(conn, replace(CONFIG, customers=both))
    for channel, row in (("web", ADA), name_web("t1", "7001", channel="till2")):
        stored.ingest(channel, row)
    assert len(stored.list_groups()) == 1
    after = replace(both, references={**references, "till2": fields})
    recognize_identities(conn, list_ids(conn), after, NOW)
    assert sorted(map(len, stored.list_groups().values())) == [1, 1]


def test_a_renamed_channel_is_named_by_its_new_key(conn: Connection) -> None:
    group(conn, ("web", ADA), name_web("t1", "7001"))
    rename_channel(conn, "web", "shop")
    references = {"till": {"shop": "web_id"}}
    recognize_identities(conn, list_ids(conn), replace(CUSTOMERS, references=references), NOW)
    assert [len(ids) for ids in StoredCustomers(conn, CONFIG).list_groups().values()] == [2]


def list_ids(conn: Connection) -> list[str]:
    return list(conn.scalars(sa.select(identities.c.id)))


def test_evidence_of_a_later_version_is_left_out(conn: Connection) -> None:
    stored = StoredCustomers(conn, CONFIG)
    stored.ingest("web", ADA)
    row = conn.execute(sa.select(identity_evidence)).first()
    assert row is not None
    later = {**row._mapping, "key": "IRIS:1"}
    conn.execute(sa.insert(identity_evidence).values(later))
    conn.execute(sa.insert(evidence_keys).values(key="IRIS:1", holders=2_000, given_names=9))
    stored.ingest("web", build_customer("7002", name="Ada King"))
    stored.ingest(*name_web("t1", "7001"))
    assert sorted(map(len, stored.list_groups().values())) == [1, 2]


def test_a_deleted_customer_is_named_no_longer(conn: Connection) -> None:
    stored = StoredCustomers(conn, CONFIG)
    for channel, row in (("web", ADA), name_web("t1", "7001", "Ada K"), name_web("t2", "7001", "Ada B")):
        stored.ingest(channel, row)
    assert len(stored.list_groups()) == 1
    stored.ingest("web", gone=["7001"])
    assert sorted(map(len, stored.list_groups().values())) == [1, 1, 1]


def test_a_changed_reference_leads_to_the_other_customer(conn: Connection) -> None:
    stored = StoredCustomers(conn, CONFIG)
    stored.ingest("web", ADA, build_customer("7002", name="Bea Hall"))
    for web_id in ("7001", "7002"):
        stored.ingest(*name_web("t1", web_id))
        row = conn.execute(sa.select(identities).where(identities.c.external_id == web_id)).one()
        assert [len(ids) for customer, ids in stored.list_groups().items() if customer == row.customer_id] == [2]


def test_what_the_configuration_does_not_name_is_no_reference(conn: Connection) -> None:
    assert group(conn, ("web", ADA), name_web("a1", "7001", channel="app")) == [1, 1]
    assert set(conn.scalars(sa.select(identities.c.external_references))) == {None}


def test_records_with_one_id_of_another_system_are_one_customer(conn: Connection) -> None:
    crm = {"crm": "C-1"}
    reports = [
        ("till", build_customer("t1", name="Ada King", references=crm)),
        ("app", build_customer("a1", name="A Byron", references=crm)),
        ("app", build_customer("a2", name="Ada King", references={"crm": "C-2"})),
    ]
    assert group(conn, *reports) == [1, 2]


def test_equal_ids_of_two_systems_are_not_one_reference(conn: Connection) -> None:
    assert group(conn, ("web", ADA), ("till", build_customer("t1", references={"crm": "7001"}))) == [1, 1]


def test_a_record_that_names_a_merged_account_follows_the_merge(conn: Connection) -> None:
    merged = build_customer("7000", name="", merged_into="7001")
    assert group(conn, ("web", ADA), ("web", merged), name_web("t1", "7000")) == [3]


def test_the_proof_without_own_ids_a_reference_joins_nothing(conn: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    list_named = identity_facts._list_references
    monkeypatch.setattr(
        identity_facts, "_list_references", lambda row, config: list_named(row, replace(config, references={}))
    )
    assert group(conn, ("web", ADA), name_web("t1", "7001")) == [1, 1]


def test_the_proof_if_every_id_counted_a_missing_customer_would_join_others(
    conn: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    def verify_all(row: IdentityRow, config: CustomerConfig) -> list[Evidence]:
        return [replace(one, verified=True) for one in list_named(row, config)]

    list_named = identity_facts._list_references
    monkeypatch.setattr(identity_facts, "_list_references", verify_all)
    assert group(conn, name_web("t1", "0", "Ada Ash"), name_web("t2", "0", "Ada Birch")) == [2]
