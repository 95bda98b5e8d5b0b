"""What the builds of apps type: push what an app asks for, see what is used, check a new schema, retire a version."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gateway.cli import main
from gateway.execution.names import id_of
from gateway.graphql.schema import printed
from gateway.storage import documents
from gateway.storage.database import Database
from gateway.storage.documents import Uses
from tests.cli.test_commands import Gateway, gateway

__all__ = ["gateway", "main"]

LIST = "query ProductList($n: Int) { products(first: $n) { nodes { id title } } }"
PAGE = "query ProductPage($handle: String!) { product(by: { handle: $handle }) { id ...Texts } } " + (
    "fragment Texts on Product { title description }"
)
AT = datetime(2026, 1, 5, 9, 30, tzinfo=UTC)

Told = Callable[[], list[str]]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a configuration, and a manifest of each tool."""
    (tmp_path / "gateway.toml").write_text('database = "sqlite:///gateway.db"\n')
    manifests: dict[str, Any] = {
        "apollo": {
            "format": "apollo-persisted-query-manifest",
            "version": 1,
            "operations": [{"id": id_of(LIST)[7:], "name": "ProductList", "type": "query", "body": LIST}],
        },
        "relay": {"page": PAGE, "list": LIST},
        "codegen": {id_of(PAGE): PAGE},
    }
    for name, manifest in manifests.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(manifest))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "60")
    return tmp_path


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Told:
    """The lines that were said on stdout since it was asked last."""
    return lambda: capsys.readouterr().out.splitlines()


def push(gateway: Gateway, manifest: str, app: str, version: str, *more: str) -> int:
    return gateway("documents", "push", f"{manifest}.json", "--app", app, "--version", version, *more)


async def used(text: str) -> None:
    """It was used, the last time at half past nine."""
    database = Database("sqlite:///gateway.db")
    await database.write(documents.add_uses, [Uses(id_of(text), 3, AT, AT)])
    await database.close()


def test_the_manifests_of_three_tools_are_pushed_and_listed(place: Path, gateway: Gateway, told: Told) -> None:
    assert push(gateway, "apollo", "ios", "3.0", "--owner", "mobile@example.com") == 0
    assert push(gateway, "relay", "web", "1.0") == 0
    assert push(gateway, "codegen", "android", "1.1") == 0
    assert told() == ["ios 3.0: 1 document", "web 1.0: 2 documents", "android 1.1: 1 document"]
    asyncio.run(used(LIST))
    assert gateway("documents", "list") == 0
    rows = [line.split() for line in told()[1:]]
    assert [row[:2] for row in rows] == [["android", "1.1"], ["ios", "3.0"], ["web", "1.0"]]
    assert rows[1][2] == "mobile@example.com" and rows[1][-5:] == ["3", "2026-01-05", "09:30", "2026-01-05", "09:30"]
    assert gateway("documents", "list", "--app", "web") == 0
    shown = {row[1]: row[2:4] for row in (line.split() for line in told()[1:])}
    assert shown == {"list": ["ProductList", "3"], "page": ["ProductPage", "0"]}


def test_a_manifest_with_one_document_that_is_wrong_leaves_nothing(place: Path, gateway: Gateway, told: Told) -> None:
    wrong = PAGE.replace("description", "summary")
    deep = "query Deep { categories { nodes " + "{ parent " * 40 + "{ id }" + "} " * 40 + "} }"
    (place / "wrong.json").write_text(json.dumps({"list": LIST, "page": wrong, "deep": deep, "half": "{ viewer"}))
    assert push(gateway, "wrong", "web", "1.0") == 1
    assert told() == [
        "wrong.json: page: ProductPage, fragment Texts: summary: Cannot query field 'summary' on type 'Product'.",
        "wrong.json: deep: At most 20 levels; this is nested deeper.",
        "wrong.json: half: Syntax Error: Expected Name, found <EOF>.",
    ]
    assert gateway("documents", "list") == 0
    assert told() == ["nothing was pushed"]


def test_a_name_that_stands_for_another_text_already_is_refused(place: Path, gateway: Gateway, told: Told) -> None:
    assert push(gateway, "relay", "web", "1.0") == 0
    (place / "next.json").write_text(json.dumps({"page": PAGE + " ", "list": LIST}))
    told()
    assert push(gateway, "next", "web", "2.0") == 1
    assert told() == ["next.json: page: stands for another text since an earlier push"]


def test_a_schema_that_breaks_a_shipped_document_is_known_before_it_is_deployed(
    place: Path, gateway: Gateway, told: Told
) -> None:
    """The line says whose it is, which field, and whether anybody uses it still."""
    push(gateway, "relay", "web", "1.0", "--owner", "web@example.com")
    push(gateway, "apollo", "ios", "3.0")
    asyncio.run(used(PAGE))
    told()
    assert gateway("documents", "check") == 0
    assert told() == ["3 documents, all of them good"]
    (place / "next.graphql").write_text(printed().replace("  description: String!\n", "  summary: String!\n"))
    assert gateway("documents", "check", "--schema", "next.graphql") == 1
    assert told() == [
        "web 1.0 of web@example.com: ProductPage, fragment Texts: description: Cannot query field 'description' on "
        "type 'Product'. (used 3 times, last on 2026-01-05 09:30)"
    ]
    (place / "none.graphql").write_text("type")
    assert gateway("documents", "check", "--schema", "none.graphql") == 2


def test_a_retired_version_is_kept_no_longer(place: Path, gateway: Gateway, told: Told) -> None:
    push(gateway, "relay", "web", "1.0")
    push(gateway, "apollo", "ios", "3.0")
    told()
    assert gateway("documents", "retire", "--app", "web", "--version", "1.0") == 0
    assert told() == ["web 1.0 is retired; 1 document that no other version has"]
    assert gateway("documents", "retire", "--app", "web", "--version", "1.0") == 2
    assert gateway("documents", "list", "--app", "web") == 0
    assert told() == ["nothing was pushed"]
    assert gateway("documents", "check") == 0
    assert told() == ["1 document, all of them good"]


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("push", "none.json", "--app", "a", "--version", "1"), "error: none.json: cannot be read (No such file"),
        (("push", "relay.json", "--app", " ", "--version", "1"), "error: --app: expected a name of at most 100"),
        (("retire", "--app", "a", "--version", "1"), "error: there is no version 1 of a; see `gateway documents list`"),
        (("list", "--version", "1"), "error: --version needs --app"),
        (("check", "--schema", "relay.json"), "error: relay.json: is no schema: Syntax Error"),
    ],
)
def test_what_cannot_be_done_is_one_line_on_stderr(
    place: Path, gateway: Gateway, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], line: str
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


def test_the_commands_of_the_page_about_documents_work(place: Path, gateway: Gateway) -> None:
    house = Path(__file__).parents[2]
    page = (house / "docs" / "documents.md").read_text(encoding="utf-8")
    commands = [line.split()[1:] for line in page.splitlines() if line.startswith("gateway ")]
    (place / "relay.json").rename("manifest.json")
    (place / "schema").symlink_to(house / "schema")
    assert [gateway(*command) for command in commands] == [0] * 6
