"""`gateway retained` and `gateway erased`: what an erase leaves, and a backup that brings erased customers back."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.commerce.context import SellingContext
from gateway.commerce.privacy.requests import DataRequestDraft, request_data
from gateway.model.customers.data_requests import DataRequestKind
from gateway.model.ids import GlobalId
from gateway.runtime.gateway import open_gateway
from gateway.settings.loading import load
from gateway.storage.tables import identities, orders
from tests.cli.test_commands import CONFIG, PLUGIN, Gateway, folder, gateway
from tests.databases import create_sqlite_database

__all__ = ["folder", "gateway"]

CUSTOMERS = """
address = {"name": "Ada Ash", "line1": "1 High Street", "city": "London", "country_code": "GB"}
store.put("customers", record_builders.build_customer("c1", name="Ada Ash", email="ada@example.com"))
line = record_builders.build_line("1", None, 1, "5.00")
store.put("orders", record_builders.build_order(
    "1001", [line], customer="c1", status="COMPLETED", billing_address=address))
"""
SHORT = f'{CONFIG}\n[privacy]\nsecret = "{"p" * 40}"\ncooling_off = "0s"\n'


@pytest.fixture
def order_id(folder: Path, gateway: Gateway) -> str:
    """The ID of an order of a customer, in a database with a backup."""
    (folder / "installed" / "corner_plugin.py").write_text(f"{PLUGIN}\n{CUSTOMERS}")
    (folder / "gateway.toml").write_text(SHORT)
    create_sqlite_database(folder / "gateway.db")
    assert gateway("sync") == 0
    assert gateway("backup", "backup.db") == 0
    return asyncio.run(_erase())


async def _erase() -> str:
    """Erase the customer, and return the ID of the order."""

    def request(conn: Connection, context: SellingContext) -> str:
        home = str(conn.scalar(sa.select(identities.c.home).where(identities.c.external_id == "c1")))
        draft = DataRequestDraft(kind=DataRequestKind.ERASE, customer_id=home, proved=False, requested_by="desk")
        assert request_data(conn, draft, context).done
        return str(conn.scalar(sa.select(orders.c.id)))

    async with open_gateway(load(Path("gateway.toml"), {})) as running:
        order_id = await running.database.write(request, SellingContext(running.selling, running.now()))
        await running.run_data_requests()
    return str(GlobalId("Order", (order_id,)))


def read_database() -> bytes:
    return b"".join(path.read_bytes() for path in Path().glob("gateway.db*"))


def count_shown(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().out.strip().splitlines()[-1]


def test_a_retained_invoice_is_printed_and_the_audit_trail_has_it(
    order_id: str, gateway: Gateway, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert gateway("retained", order_id) == 0
    invoice = json.loads(capsys.readouterr().out)
    assert (invoice["number"], invoice["name"], invoice["address"]["line1"]) == ("1001", "Ada Ash", "1 High Street")
    assert invoice["deletedAt"][:4] > invoice["placedAt"][:4]
    assert gateway("audit") == 0
    assert "retained" in capsys.readouterr().out


@pytest.mark.parametrize(("order", "code"), [("nonsense", 2), (str(GlobalId("Order", ("0" * 32,))), 2)])
def test_an_order_without_an_invoice_is_refused(order_id: str, gateway: Gateway, order: str, code: int) -> None:
    assert gateway("retained", order) == code


def test_the_wrong_secret_does_not_open_an_invoice(
    order_id: str, folder: Path, gateway: Gateway, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "gateway.toml").write_text(SHORT.replace("p" * 40, "q" * 40))
    assert gateway("retained", order_id) == 2
    assert "previous_secrets" in capsys.readouterr().err


def test_what_a_restored_backup_brings_back_is_erased_again(
    order_id: str, folder: Path, gateway: Gateway, capsys: pytest.CaptureFixture[str]
) -> None:
    assert gateway("erased", "export", "erased.jsonl") == 0
    text = Path("erased.jsonl").read_text().lower()
    assert not [value for value in ("ada ash", "ada@", "high street") if value in text]
    for path in Path().glob("gateway.db*"):
        path.unlink()
    (folder / "backup.db").rename(folder / "gateway.db")
    assert b"ada@example.com" in read_database()
    assert gateway("erased", "apply", "erased.jsonl") == 0
    assert count_shown(capsys) == "1 records are erased again"
    assert gateway("erased", "apply", "erased.jsonl") == 0
    assert count_shown(capsys) == "0 records are erased again"


@pytest.mark.parametrize("text", ["nonsense", "{}", '{"digest": "x", "kind": "RECORD", "key_id": "k", "erased_at": 1}'])
def test_a_file_of_another_kind_is_refused(
    folder: Path, gateway: Gateway, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    Path("list.jsonl").write_text(text)
    assert gateway("erased", "apply", "list.jsonl") == 2
    assert "line 1" in capsys.readouterr().err
    assert gateway("erased", "apply", "missing.jsonl") == 2
