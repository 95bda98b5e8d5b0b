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
from gateway.commerce.topology import Topology
from gateway.model.customers.recognition import Evidence
from gateway.sdk.testing.record_builders import Row, build_customer
from gateway.storage.tables import identities
from gateway.storage.writes.customers.identities import IdentityRow
from tests.commerce.customers.stored_customers import StoredCustomers
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
    assert group(conn, name_web("t1", "0"), name_web("t2", "0"), ("web", ADA)) == [1, 1, 1]


def test_a_placeholder_that_is_a_record_joins_few(conn: Connection) -> None:
    """The web store's customer 0 exists, and the till enters 0 for everybody."""
    names = ("Ada King", "Bea Hall", "Carl Ash", "Dora Elm", "Ed Fox", "Flo Gray")
    reports = [name_web(f"t{number}", "0", name) for number, name in enumerate(names)]
    assert group(conn, ("web", build_customer("0", name="Guest Guest")), *reports) == [1] * 7


def test_a_deleted_customer_is_named_no_longer(conn: Connection) -> None:
    stored = StoredCustomers(conn, CONFIG)
    for channel, row in (("web", ADA), name_web("t1", "7001"), name_web("t2", "7001")):
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
    assert group(conn, name_web("t1", "0"), name_web("t2", "0")) == [2]
