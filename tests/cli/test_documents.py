"""Commands for the build of an app: publish documents, list their use, check a new schema, retire a version."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gateway.cli import main
from gateway.execution.persisted.ids import compute_id
from gateway.graphql.schema import print_sdl
from gateway.storage import persisted_documents
from gateway.storage.database import Database
from gateway.storage.persisted_documents import DocumentUsage
from tests.cli.test_commands import Gateway, gateway
from tests.databases import create_sqlite_database

__all__ = ["gateway", "main"]

LIST = "query ProductList($n: Int) { products(first: $n) { nodes { id title } } }"
PAGE = "query ProductPage($handle: String!) { product(by: { handle: $handle }) { id ...Texts } } " + (
    "fragment Texts on Product { title description }"
)
AT = datetime(2026, 1, 5, 9, 30, tzinfo=UTC)

ReadLines = Callable[[], list[str]]


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with a configuration, an empty database and a manifest of each tool."""
    create_sqlite_database(tmp_path / "gateway.db")
    (tmp_path / "gateway.toml").write_text('database = "sqlite:///gateway.db"\n')
    manifests: dict[str, Any] = {
        "apollo": {
            "format": "apollo-persisted-query-manifest",
            "version": 1,
            "operations": [{"id": compute_id(LIST)[7:], "name": "ProductList", "type": "query", "body": LIST}],
        },
        "relay": {"page": PAGE, "list": LIST},
        "codegen": {compute_id(PAGE): PAGE},
    }
    for name, manifest in manifests.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(manifest))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "60")
    return tmp_path


@pytest.fixture
def read_lines(capsys: pytest.CaptureFixture[str]) -> ReadLines:
    """Returns the lines written to stdout since the last call."""
    return lambda: capsys.readouterr().out.splitlines()


def push(gateway: Gateway, manifest: str, app: str, version: str, *more: str) -> int:
    return gateway("documents", "push", f"{manifest}.json", "--app", app, "--version", version, *more)


async def record_use(text: str) -> None:
    """Record a use of the document at half past nine."""
    database = Database("sqlite:///gateway.db")
    await database.write(persisted_documents.add_uses, [DocumentUsage(compute_id(text), 3, AT, AT)])
    await database.close()


def test_the_manifests_of_three_tools_are_pushed_and_listed(
    directory: Path, gateway: Gateway, read_lines: ReadLines
) -> None:
    assert push(gateway, "apollo", "ios", "3.0", "--owner", "mobile@example.com") == 0
    assert push(gateway, "relay", "web", "1.0") == 0
    assert push(gateway, "codegen", "android", "1.1") == 0
    assert read_lines() == ["ios 3.0: 1 document", "web 1.0: 2 documents", "android 1.1: 1 document"]
    asyncio.run(record_use(LIST))
    assert gateway("documents", "list") == 0
    rows = [line.split() for line in read_lines()[1:]]
    assert [row[:2] for row in rows] == [["android", "1.1"], ["ios", "3.0"], ["web", "1.0"]]
    assert rows[1][2] == "mobile@example.com" and rows[1][-5:] == ["3", "2026-01-05", "09:30", "2026-01-05", "09:30"]
    assert gateway("documents", "list", "--app", "web") == 0
    shown = {row[1]: row[2:4] for row in (line.split() for line in read_lines()[1:])}
    assert shown == {"list": ["ProductList", "3"], "page": ["ProductPage", "0"]}


def test_a_document_is_explained(directory: Path, gateway: Gateway, capsys: pytest.CaptureFixture[str]) -> None:
    push(gateway, "relay", "web", "1.0")
    capsys.readouterr()
    assert gateway("documents", "explain", "page", "--operation", "ProductPage") == 0
    assert "async def execute(run):" in capsys.readouterr().out
    assert gateway("documents", "explain", "other") != 0
    assert "gateway documents list" in capsys.readouterr().err


def test_a_manifest_with_one_document_that_is_wrong_leaves_nothing(
    directory: Path, gateway: Gateway, read_lines: ReadLines
) -> None:
    wrong = PAGE.replace("description", "summary")
    deep = "query Deep { categories { nodes " + "{ parent " * 40 + "{ id }" + "} " * 40 + "} }"
    (directory / "wrong.json").write_text(json.dumps({"list": LIST, "page": wrong, "deep": deep, "half": "{ viewer"}))
    assert push(gateway, "wrong", "web", "1.0") == 1
    assert read_lines() == [
        "wrong.json: page: ProductPage, fragment Texts: summary: Cannot query field 'summary' on type 'Product'.",
        "wrong.json: deep: At most 20 levels. This document is nested deeper.",
        "wrong.json: half: Syntax Error: Expected Name, found <EOF>.",
    ]
    assert gateway("documents", "list") == 0
    assert read_lines() == ["no published documents"]


def test_a_name_that_stands_for_another_text_already_is_refused(
    directory: Path, gateway: Gateway, read_lines: ReadLines
) -> None:
    assert push(gateway, "relay", "web", "1.0") == 0
    (directory / "next.json").write_text(json.dumps({"page": PAGE + " ", "list": LIST}))
    read_lines()
    assert push(gateway, "next", "web", "2.0") == 1
    assert read_lines() == ["next.json: page: identifies another text since an earlier push"]


def test_a_schema_that_breaks_a_shipped_document_is_known_before_it_is_deployed(
    directory: Path, gateway: Gateway, read_lines: ReadLines
) -> None:
    """The line names the document, its app, the field, and the last use."""
    push(gateway, "relay", "web", "1.0", "--owner", "web@example.com")
    push(gateway, "apollo", "ios", "3.0")
    asyncio.run(record_use(PAGE))
    read_lines()
    assert gateway("documents", "check") == 0
    assert read_lines() == ["3 documents, all valid"]
    (directory / "next.graphql").write_text(print_sdl().replace("  description: String!\n", "  summary: String!\n"))
    assert gateway("documents", "check", "--schema", "next.graphql") == 1
    assert read_lines() == [
        "web 1.0 of web@example.com: ProductPage, fragment Texts: description: Cannot query field 'description' on "
        "type 'Product'. (used 3 times, last on 2026-01-05 09:30)"
    ]
    (directory / "none.graphql").write_text("type")
    assert gateway("documents", "check", "--schema", "none.graphql") == 2


def test_a_retired_version_is_kept_no_longer(directory: Path, gateway: Gateway, read_lines: ReadLines) -> None:
    push(gateway, "relay", "web", "1.0")
    push(gateway, "apollo", "ios", "3.0")
    read_lines()
    assert gateway("documents", "retire", "--app", "web", "--version", "1.0") == 0
    assert read_lines() == ["web 1.0 is retired; 1 document removed"]
    assert gateway("documents", "retire", "--app", "web", "--version", "1.0") == 2
    assert gateway("documents", "list", "--app", "web") == 0
    assert read_lines() == ["no published documents"]
    assert gateway("documents", "check") == 0
    assert read_lines() == ["1 document, all valid"]


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("push", "none.json", "--app", "a", "--version", "1"), "error: none.json: cannot be read (No such file"),
        (("push", "relay.json", "--app", " ", "--version", "1"), "error: --app: expected a name of at most 100"),
        (
            ("retire", "--app", "a", "--version", "1"),
            "error: version 1 of a does not exist; see `gateway documents list`",
        ),
        (("list", "--version", "1"), "error: --version requires --app"),
        (("check", "--schema", "relay.json"), "error: relay.json: is not a valid schema: Syntax Error"),
    ],
)
def test_what_cannot_be_done_is_one_line_on_stderr(
    directory: Path, gateway: Gateway, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], line: str
) -> None:
    assert gateway("documents", *arguments) == 2
    said = capsys.readouterr()
    assert said.out == "" and said.err.startswith(line) and said.err.count("\n") == 1


@pytest.mark.parametrize("command", ["push", "list", "check", "retire"])
def test_every_command_about_documents_explains_itself(
    gateway: Gateway, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    assert gateway("documents", command, "--help") == 0
    assert f"gateway documents {command}" in capsys.readouterr().out


def test_the_commands_of_the_page_about_documents_work(directory: Path, gateway: Gateway) -> None:
    root = Path(__file__).parents[2]
    page = (root / "docs" / "documents.md").read_text(encoding="utf-8")
    commands = [line.split()[1:] for line in page.splitlines() if line.startswith("gateway ")]
    (directory / "relay.json").rename("manifest.json")
    (directory / "schema").symlink_to(root / "schema")
    assert [gateway(*command) for command in commands] == [0] * 7
