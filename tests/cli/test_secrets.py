"""`gateway secret` and `gateway pickup`, and what `check-config` says about secrets and files."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.cli.test_commands import CONFIG, Gateway, folder, gateway

__all__ = ["folder", "gateway"]

HASHED = "sha256:" + "0" * 64
PRODUCTION = CONFIG.replace('"secret"', f'"{HASHED}"') + '\n[server]\nmode = "production"\n'


def test_production_needs_a_secret_and_the_message_says_how_to_get_one(
    folder: Path, gateway: Gateway, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "gateway.toml").write_text(PRODUCTION)
    assert gateway("check-config") == 1
    assert "`gateway secret new`" in capsys.readouterr().out
    assert gateway("sync") == 2
    assert gateway("secret", "new") == 0
    secret = capsys.readouterr().out.strip().splitlines()[-1]
    assert re.fullmatch(r"[0-9a-f]{64}", secret)
    (folder / "gateway.toml").write_text(f'{PRODUCTION}\n[selling]\nsecret = "{secret}"\n')
    assert gateway("check-config") == 0


def test_the_secret_in_the_database_can_be_forgotten_once_it_is_replaced(
    folder: Path, gateway: Gateway, capsys: pytest.CaptureFixture[str]
) -> None:
    gateway("sync")
    capsys.readouterr()
    assert gateway("secret", "forget") == 2
    assert "the secret in the database is in use" in capsys.readouterr().err
    (folder / "gateway.toml").write_text(f'{CONFIG}\n[selling]\nsecret = "{"s" * 40}"\n')
    assert gateway("secret", "forget") == 0
    assert gateway("secret", "forget") == 0
    assert capsys.readouterr().out.splitlines() == ["the secret was deleted", "the database has no secret"]


def test_files_that_others_may_read_and_short_secrets_are_noticed(
    folder: Path, gateway: Gateway, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "gateway.toml").write_text(f'{PRODUCTION}\n[selling]\nsecret = "short"\n')
    (folder / "gateway.db").write_bytes(b"")
    (folder / "gateway.db").chmod(0o644)
    assert gateway("check-config") == 0
    notices = [line for line in capsys.readouterr().out.splitlines() if line.startswith("notice: ")]
    assert [re.split(r"[:.]", line)[1].strip() for line in notices] == ["selling", "database"]


@pytest.mark.parametrize("id_", ["nonsense", "T3JkZXI6MA"])
def test_only_a_fulfillment_gets_a_new_pickup_code(
    folder: Path, gateway: Gateway, capsys: pytest.CaptureFixture[str], id_: str
) -> None:
    assert gateway("pickup", "renew-code", id_) == 2
    assert id_ in capsys.readouterr().err
