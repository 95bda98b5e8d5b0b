"""What commands print about what they did, and the exit codes that scripts rely on."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from importlib import metadata
from pathlib import Path
from typing import Any

import httpx2
import pytest

from gateway.cli import main
from gateway.sdk import UnavailableError
from gateway.sdk.testing import record_builders
from gateway.sdk.testing.fault_injection import raise_error
from tests.cli.test_commands import Gateway, folder, gateway, read_log, run_server
from tests.cli.test_operations import enqueue_adjustment, shop
from tests.databases import create_sqlite_database

__all__ = ["folder", "gateway", "main", "shop"]


@pytest.fixture
def store(folder: Path, gateway: Gateway, capsys: pytest.CaptureFixture[str]) -> Any:
    """The store of the installed plugin, after its import. The database is empty."""
    create_sqlite_database(folder / "gateway.db")
    assert gateway("plugins") == 0
    capsys.readouterr()
    import corner_plugin  # type: ignore[import-not-found]

    return corner_plugin.store


def test_the_version_is_printed(gateway: Gateway, capsys: pytest.CaptureFixture[str]) -> None:
    assert gateway("--version") == 0
    assert capsys.readouterr().out == f"gateway {metadata.version('commerce-gateway')}\n"


# ------------------------------------------------------------------------------------------------ sync


def test_a_sync_says_how_much_it_read_and_rejected(
    store: Any, gateway: Gateway, capsys: pytest.CaptureFixture[str]
) -> None:
    store.put("stock", record_builders.build_stock("nothing", "nowhere", 3))
    assert gateway("sync") == 0
    assert capsys.readouterr().out == "till: 5 read, 1 rejected, 1 warning\n"
    assert gateway("sync", "--strict") == 1
    assert capsys.readouterr().out == "till: 0 read, 1 rejected, 1 warning\n"


def test_a_sync_without_rejects_is_good_for_strict_scripts(
    store: Any, gateway: Gateway, capsys: pytest.CaptureFixture[str]
) -> None:
    store.remove("products", "bad")
    assert gateway("sync", "--strict") == 0
    assert capsys.readouterr().out == "till: 3 read, 0 rejected, 0 warnings\n"


def test_a_feed_of_which_every_record_is_rejected_is_a_failure(
    store: Any, gateway: Gateway, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(3):
        store.remove("products", str(number))
    assert gateway("sync") == 1
    said = capsys.readouterr()
    assert said.out == "till: 1 read, 1 rejected, 0 warnings\n"
    assert "channel till, feed products: every record was rejected; see `gateway rejects list`" in said.err


def test_an_empty_feed_ends_as_done(store: Any, gateway: Gateway, capsys: pytest.CaptureFixture[str]) -> None:
    for row in [*store.rows("products")]:
        store.remove("products", row)
    assert gateway("sync") == 0
    said = capsys.readouterr()
    assert said.out == "till: 0 read, 0 rejected, 0 warnings\n"
    (line,) = [line for line in said.err.splitlines() if "till products" in line]
    assert "⠋" not in line and "0 records" in line


# ------------------------------------------------------------------------------------------------ rejects


def test_the_exception_of_a_plugin_is_shown_with_its_text_and_line(
    store: Any, gateway: Gateway, capsys: pytest.CaptureFixture[str]
) -> None:
    store.put("products", {"id": "broken", "title": "Broken", "variants": 7})
    assert gateway("sync") == 0
    capsys.readouterr()
    assert gateway("rejects", "list") == 0
    (id_,) = [line.split()[0] for line in capsys.readouterr().out.splitlines() if " broken " in line]
    assert gateway("rejects", "show", id_) == 0
    shown = capsys.readouterr().out
    assert "reason: the plugin raised TypeError for this record\n" in shown
    assert "exception: TypeError: 'int' object is not iterable\n" in shown
    assert "record_builders.py:" in shown and "in read_product" in shown
    assert '"title":"Broken"' in shown
    assert gateway("rejects", "show", "nope") == 2


# ------------------------------------------------------------------------------------------------ doctor


def test_the_doctor_says_what_it_compared(shop: Path, gateway: Gateway, capsys: pytest.CaptureFixture[str]) -> None:
    assert gateway("sync") == 0
    capsys.readouterr()
    assert gateway("doctor") == 0
    shown = capsys.readouterr().out.splitlines()
    assert shown[:2] == [
        "till: compared 1 levels, 1 listings, 1 prices, 0 orders, 1 products",
        "web: compared 0 levels, 1 listings, 1 prices, 0 orders, 1 products",
    ]
    assert shown[-1].startswith("memory of caches, at most: responses 64 MB, ")


def test_the_doctor_finds_what_differs_and_what_cannot_be_asked(
    shop: Path, gateway: Gateway, capsys: pytest.CaptureFixture[str]
) -> None:
    assert gateway("sync") == 0
    import corner_plugin

    variant = record_builders.build_variant("w", sku="MUG", price="5.55")
    corner_plugin.web.change("products", "w", title="Renamed", variants=[variant])
    order = record_builders.build_order("o1", [record_builders.build_line("1", "t", 1, "4.50")])
    corner_plugin.till.put("orders", order)
    assert gateway("sync", "till") == 0
    corner_plugin.till.change("orders", "o1", status="CANCELLED")
    capsys.readouterr()
    assert gateway("doctor") == 1
    shown = capsys.readouterr().out
    assert "web, product w: " in shown and "in the gateway, Renamed in the channel" in shown
    assert "web, listing w, price: " in shown and "5.55 GBP in the channel" in shown
    assert "till, order " in shown
    assert gateway("sync") == 0
    assert gateway("doctor") == 0
    corner_plugin.web.apply(raise_error(UnavailableError("the line is down")))
    capsys.readouterr()
    assert gateway("doctor") == 3
    assert "web: the line is down" in capsys.readouterr().out


# ------------------------------------------------------------------------------------------------ backup


def test_a_backup_is_restored_and_its_commands_are_looked_up(
    shop: Path, gateway: Gateway, capsys: pytest.CaptureFixture[str]
) -> None:
    assert gateway("sync") == 0
    asyncio.run(enqueue_adjustment(shop, "0" * 31 + "1"))
    capsys.readouterr()
    assert gateway("backup", "copy.db") == 0
    assert capsys.readouterr().out.startswith("copy.db: ")
    assert gateway("backup", "copy.db") == 2
    assert "copy.db exists; choose another file" in capsys.readouterr().err
    for path in shop.glob("gateway.db*"):
        path.unlink()
    (shop / "copy.db").rename(shop / "gateway.db")
    assert gateway("outbox", "recheck") == 0
    assert capsys.readouterr().out == "1 commands are looked up before they are sent\n"
    with sqlite3.connect(shop / "gateway.db") as connection:
        assert connection.execute("SELECT state, sent FROM outbox").fetchall() == [("QUEUED", 1)]


# ------------------------------------------------------------------------------------------------ the log


def test_serve_logs_json_with_fields(folder: Path) -> None:
    path = folder / "gateway.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(f'{text}\n[server]\nlog = "json"\n', encoding="utf-8")
    (folder / "installed" / "corner_plugin.py").write_text(
        (folder / "installed" / "corner_plugin.py").read_text(encoding="utf-8")
        + "\nfrom gateway.sdk.testing.fault_injection import raise_error\n"
        + "from gateway.sdk import UnavailableError\n"
        + 'store.apply(raise_error(UnavailableError("the line is down")))\n'
    )
    with run_server(folder) as (server, url):
        line = json.loads(read_log(server, b"channel till is"))
        answer = httpx2.get(f"{url.removesuffix('/graphql')}/health/live")
    assert line["level"] in ("warning", "error") and (line["channel"], line["code"]) == ("till", "UNAVAILABLE")
    assert answer.status_code == 200
