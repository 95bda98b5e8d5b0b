"""`gateway prices import`: a shop's own history of prices (rule H4)."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.cli import main
from gateway.storage.database import Database
from gateway.storage.tables import changes, price_history
from tests.cli.test_commands import Gateway, folder, gateway
from tests.cli.test_operations import shop

__all__ = ["folder", "gateway", "main", "shop"]

HEADER = "channel,external_id,currency,price,compare_at_price,from,until"
NOW = datetime.now(UTC)


def count_changes() -> int:
    """Count the logged changes of listings, which drop what caches hold of them."""

    async def read() -> int:
        database = Database("sqlite:///gateway.db")
        rows = await database.read(lambda conn: conn.execute(changes.select().where(changes.c.kind == "LISTING")).all())
        await database.close()
        return len(rows)

    return asyncio.run(read())


def write_file(folder: Path, *lines: str) -> None:
    (folder / "prices.csv").write_text("\n".join([HEADER, *lines]), encoding="utf-8")


def read_history() -> list[tuple[int, int | None]]:
    async def read() -> list[tuple[int, int | None]]:
        database = Database("sqlite:///gateway.db")
        rows = await database.read(lambda conn: conn.execute(price_history.select()).all())
        await database.close()
        return [(row.price, row.compare_at_price) for row in sorted(rows, key=lambda row: row.seen_from)]

    return asyncio.run(read())


def format_past(days: int) -> str:
    return (NOW - timedelta(days=days)).isoformat()


def test_prices_are_imported_once_and_not_over_what_the_gateway_has_seen(
    shop: Path, gateway: Gateway, capsys: pytest.CaptureFixture[str]
) -> None:
    assert gateway("migrate") == gateway("sync") == 0
    write_file(
        shop,
        f"till,t,GBP,12.00,,{format_past(40)},{format_past(20)}",
        f"till,t,GBP,9.00,12.00,{format_past(20)},{datetime.now(UTC).isoformat()}",
    )
    before = count_changes()
    for _ in range(2):
        assert gateway("prices", "import", "prices.csv") == 0
        assert "2 prices imported" in capsys.readouterr().out
        assert read_history() == [(1200, None), (900, 1200)]
    assert count_changes() == before + 2


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("shop,t,GBP,1.00,,2026-01-10T00:00:00Z,2026-01-11T00:00:00Z", "there is no channel shop"),
        ("till,none,GBP,1.00,,2026-01-10T00:00:00Z,2026-01-11T00:00:00Z", "channel till has no listing none"),
        ("till,t,GBP,1.001,,2026-01-10T00:00:00Z,2026-01-11T00:00:00Z", "more digits"),
        ("till,t,GBP,-1.00,,2026-01-10T00:00:00Z,2026-01-11T00:00:00Z", "is negative"),
        ("till,t,GBP,1.00,-2.00,2026-01-10T00:00:00Z,2026-01-11T00:00:00Z", "is negative"),
        ("till,t,euro,1.00,,2026-01-10T00:00:00Z,2026-01-11T00:00:00Z", "is not a currency code"),
        ("till,t,GBP,1e99999999,,2026-01-10T00:00:00Z,2026-01-11T00:00:00Z", "line 3"),
        ("till,t,GBP,1.00,,2026-01-11T00:00:00Z,2026-01-10T00:00:00Z", "after `from`"),
        ("till,t,GBP,1.00,,2026-01-10T00:00:00Z,2999-01-01T00:00:00Z", "in the future"),
        ("till,t,GBP,1.00,,2026-01-01,2026-01-02", "has no offset"),
        ("till,t,GBP,1.00,,yesterday,2026-01-10T00:00:00Z", "is not a time"),
        ("till,t,GBP", "expected 7 cells"),
        ("till,t,GBP,1.00,,2026-01-10T00:00:00Z,2026-01-11T00:00:00Z,more", "expected 7 cells"),
    ],
)
def test_an_invalid_line_is_named_and_nothing_is_imported(
    shop: Path, gateway: Gateway, capsys: pytest.CaptureFixture[str], line: str, problem: str
) -> None:
    assert gateway("migrate") == gateway("sync") == 0
    write_file(shop, f"till,t,GBP,12.00,,{format_past(40)},{format_past(20)}", line)
    assert gateway("prices", "import", "prices.csv") == 2
    said = capsys.readouterr().err
    assert problem in said and "line 3" in said
    assert read_history() == []


@pytest.mark.parametrize("content", [b"\xff\xfe", b"", b"price,currency\n1,2\n", b'channel,"external_id\n'])
def test_a_file_that_is_no_such_table_is_refused(
    shop: Path, gateway: Gateway, capsys: pytest.CaptureFixture[str], content: bytes
) -> None:
    (shop / "prices.csv").write_bytes(content)
    assert gateway("prices", "import", "prices.csv") == 2
    assert json.dumps("prices.csv")[1:-1] in capsys.readouterr().err
