"""Commands of operators: preview and arm outgoing commands, replay dead ones, and check consistency."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.cli import main
from gateway.commerce.outbox.commands import OutboxCommand, enqueue
from gateway.model.stock import MovementReason
from gateway.sdk import AdjustStock, Ref
from gateway.storage.database import Connection, Database
from tests.cli.test_commands import Gateway, folder, gateway
from tests.databases import create_sqlite_database

__all__ = ["folder", "gateway", "main"]

PLUGIN = """
from gateway.sdk import Registry, hookimpl
from gateway.sdk.testing import record_builders
from gateway.sdk.testing.memory_channel import MemoryPlugin, MemoryStore

till, web = MemoryStore(), MemoryStore()
till.put("products", record_builders.build_product("t", sku="MUG"))
till.put("stock", record_builders.build_stock("t", "L", 40))
web.put("products", record_builders.build_product("w", sku="MUG"))
web.put("stock", record_builders.build_stock("w", "l-web", 10))

@hookimpl
def gateway_register(registry: Registry) -> None:
    MemoryPlugin({"till": till, "web": web, "store": web}, name="corner").gateway_register(registry)
"""

CONFIG = """
database = "sqlite:///gateway.db"

[channels.till]
plugin = "corner"
config = { writes = ["adjust"] }

[channels.web]
plugin = "corner"
config = { writes = ["set"] }

[locations.london]
name = "London"
kind = "STORE"
authority = "till"
channels = { till = "L", web = "l-web" }
"""


@pytest.fixture
def shop(folder: Path) -> Path:
    """A directory with a till, a web store that sells from its shop, and an empty database."""
    create_sqlite_database(folder / "gateway.db")
    (folder / "installed" / "corner_plugin.py").write_text(PLUGIN)
    (folder / "gateway.toml").write_text(CONFIG)
    return folder


def test_an_operator_sees_what_would_be_sent_before_arming_a_channel(
    shop: Path, gateway: Gateway, capsys: pytest.CaptureFixture[str]
) -> None:
    assert gateway("sync") == 0
    capsys.readouterr()
    assert gateway("push", "plan", "web") == 0
    out = capsys.readouterr().out
    assert "10" in out and "40" in out and "1 to push; not armed: nothing is sent" in out
    assert gateway("push", "arm", "web") == 0
    assert gateway("audit") == 0
    assert "gateway push arm" in capsys.readouterr().out
    assert gateway("push", "plan", "web") == 0
    assert "1 to push; armed" in capsys.readouterr().out
    assert gateway("push", "disarm", "web") == 0


def test_the_commands_of_the_page_about_selling_work(shop: Path, gateway: Gateway) -> None:
    page = (Path(__file__).parents[2] / "docs" / "selling.md").read_text(encoding="utf-8")
    commands = [line.split("#")[0].split()[1:] for line in page.splitlines() if line.startswith("gateway ")]
    assert len(commands) == 4 and gateway("sync") == 0
    assert [gateway(*command) for command in commands] == [0] * 4


@pytest.mark.parametrize(
    ("channel", "line"),
    [("shop", "there is no channel shop"), ("till", "the configuration of till does not allow setting stock")],
)
def test_a_channel_that_follows_no_authority_is_not_armed(
    shop: Path, gateway: Gateway, capsys: pytest.CaptureFixture[str], channel: str, line: str
) -> None:
    assert gateway("push", "arm", channel) == 2
    assert line in capsys.readouterr().err


def test_the_doctor_names_a_difference_and_finds_none_where_there_is_none(
    shop: Path, gateway: Gateway, capsys: pytest.CaptureFixture[str]
) -> None:
    assert gateway("sync") == 0
    capsys.readouterr()
    assert gateway("doctor") == 0
    assert "different: 0" in capsys.readouterr().out
    import corner_plugin  # type: ignore[import-not-found]

    corner_plugin.till.change("stock", "t@L", on_hand=39)
    assert gateway("doctor") == 1
    assert "till, t in L: 40 in the gateway, 39 in the channel" in capsys.readouterr().out


def test_what_is_dead_is_listed_and_tried_again(
    shop: Path, gateway: Gateway, capsys: pytest.CaptureFixture[str]
) -> None:
    assert gateway("outbox", "list") == 0
    assert "no commands" in capsys.readouterr().out
    asyncio.run(enqueue_adjustment(shop, "0" * 31 + "1"))
    assert gateway("outbox", "list", "--state", "queued") == 0
    assert "AdjustStock" in capsys.readouterr().out
    assert gateway("outbox", "replay", "0" * 31 + "1") == 1
    assert "The outbox entry is not dead: it is done, or still being retried." in capsys.readouterr().out
    assert gateway("outbox", "list", "--state", "lost") == 2


async def enqueue_adjustment(shop: Path, key: str) -> None:
    """Enqueue a stock adjustment for the till."""

    def work(conn: Connection) -> None:
        command = AdjustStock(key=key, subject=Ref("t"), place="L", delta=-1, reason=MovementReason.SALE)
        enqueue(
            conn, [OutboxCommand(channel="till", command=command, subject="t", about="movement")], datetime.now(UTC)
        )

    database = Database(f"sqlite:///{shop / 'gateway.db'}")
    await database.write(work)
    await database.close()
