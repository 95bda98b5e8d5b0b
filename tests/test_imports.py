"""The arrows of the architecture, held over the imports as they stand in the source."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

HOUSE = Path(__file__).parent.parent

MAY_IMPORT = {
    "model": {"model"},
    "sdk": {"model", "sdk"},
    "settings": {"model", "settings"},
    "storage": {"model", "sdk", "storage"},
    "commerce": {"model", "sdk", "storage", "commerce"},
    "channels": {"model", "sdk", "storage", "settings", "channels"},
    "sync": {"model", "sdk", "storage", "settings", "commerce", "channels", "sync"},
    "execution": {"model", "sdk", "storage", "settings", "execution"},
    "graphql": {"model", "sdk", "storage", "settings", "commerce", "sync", "execution", "graphql"},
    "http": {"model", "sdk", "storage", "settings", "commerce", "sync", "execution", "graphql", "http"},
    "app": {"settings", "execution", "graphql", "http"},
    "layout": {"model", "sdk", "settings", "commerce", "channels", "layout"},
    "runtime": {
        *("model", "sdk", "storage", "settings", "commerce", "channels", "sync", "execution", "graphql", "runtime"),
        "layout",
    },
    "cli": {
        *("model", "sdk", "storage", "settings", "commerce", "channels", "sync", "execution", "graphql", "http", "app"),
        *("runtime", "cli"),
    },
}
"""For each part of the gateway the parts that it may import."""

ONLY_IN = {
    "sqlalchemy": ("gateway/storage/",),
    "alembic": ("gateway/storage/",),
    "strawberry": ("gateway/graphql/", "gateway/execution/"),
    "graphql": ("gateway/graphql/", "gateway/execution/", "gateway/http/", "gateway/app.py"),
    "starlette": ("gateway/http/", "gateway/app.py", "gateway/sdk/testing/"),
    "uvicorn": ("gateway/cli/", "gateway/sdk/testing/"),
    "typer": ("gateway/cli/",),
    "pluggy": ("gateway/sdk/", "gateway/channels/"),
}
"""Libraries, and where they may be imported."""

VENDORS = (
    *("shopify", "amazon", "openbravo", "unicenta", "chromis", "magento", "woocommerce", "ebay", "etsy"),
    *("lightspeed", "bigcommerce", "prestashop", "shopware", "salesforce", "zalando", "walmart"),
)


@dataclass(frozen=True)
class Import:
    """One module that a file imports, at a line."""

    file: str
    line: int
    module: str


def imports(root: Path, *folders: str) -> Iterator[Import]:
    """Every import of the Python files in these folders of a tree."""
    for path in sorted(file for folder in folders for file in (root / folder).rglob("*.py")):
        name = path.relative_to(root).as_posix()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                yield from (Import(name, node.lineno, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                module = f"{'.' * node.level}{node.module or ''}"
                yield from (Import(name, node.lineno, f"{module}.{alias.name}") for alias in node.names)


def part(name: str) -> str:
    """The part of the gateway that a module path or file path belongs to: `gateway.sync.inbox`, `gateway/app.py`."""
    return re.split(r"[./]", name)[1]


def wrong_arrows(root: Path) -> list[str]:
    """Imports inside the gateway that go against its arrows, or are relative."""
    return [
        f"{found.file}:{found.line} imports {found.module}"
        for found in imports(root, "gateway")
        if found.module.startswith(".")
        or (
            found.module.startswith("gateway.")
            and part(found.file) != "__init__"
            and part(found.module) not in MAY_IMPORT[part(found.file)]
        )
    ]


def misplaced_libraries(root: Path) -> list[str]:
    """Imports of a library outside its places."""
    return [
        f"{found.file}:{found.line} imports {found.module}"
        for found in imports(root, "gateway")
        for library in [found.module.split(".")[0]]
        if library in ONLY_IN and not found.file.startswith(ONLY_IN[library])
    ]


def curious_plugins(root: Path) -> list[str]:
    """Imports of a plugin that reach into the gateway, past its SDK, or into another plugin."""
    return [
        f"{found.file}:{found.line} imports {found.module}"
        for found in imports(root, "plugins")
        if re.match(r"gateway(?!\.sdk\b)\b", found.module)
        or (found.module.startswith("gateway_") and found.module.split(".")[0] != found.file.split("/")[1])
    ]


def named_vendors(root: Path) -> list[str]:
    """Lines of the gateway that name a vendor, or a plugin that is bundled with it."""
    bundled = [folder.name.removeprefix("gateway_") for folder in (root / "plugins").glob("gateway_*")]
    names = re.compile("|".join((*VENDORS, *bundled)), re.IGNORECASE)
    return [
        f"{path.relative_to(root).as_posix()}:{number} names {found[0]}"
        for path in sorted((root / "gateway").rglob("*.py"))
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if (found := names.search(line))
    ]


def test_the_arrows_of_the_architecture_hold() -> None:
    assert wrong_arrows(HOUSE) == []


def test_each_library_stays_in_its_place() -> None:
    assert misplaced_libraries(HOUSE) == []


def test_plugins_import_the_sdk_and_their_own_libraries_alone() -> None:
    assert curious_plugins(HOUSE) == []


def test_nothing_in_the_gateway_names_a_vendor_or_a_bundled_plugin() -> None:
    assert named_vendors(HOUSE) == []


def test_the_model_needs_the_standard_library_alone() -> None:
    foreign = [
        found
        for found in imports(HOUSE, "gateway/model")
        if found.module.split(".")[0] not in (*sys.stdlib_module_names, "gateway")
    ]
    assert foreign == []


def test_every_bundled_plugin_comes_in_by_its_entry_point() -> None:
    project = tomllib.loads((HOUSE / "pyproject.toml").read_text(encoding="utf-8"))
    points = project["project"]["entry-points"]["commerce_gateway.channels"]
    bundled = {folder.name for folder in (HOUSE / "plugins").glob("gateway_*")}
    assert {module.split(":")[0].split(".")[0] for module in points.values()} == bundled


@pytest.mark.parametrize(
    ("check", "file", "source", "line"),
    [
        (
            wrong_arrows,
            "gateway/model/a.py",
            "from gateway.sdk import Ref",
            "gateway/model/a.py:1 imports gateway.sdk.Ref",
        ),
        (wrong_arrows, "gateway/sync/a.py", "import gateway.graphql", "gateway/sync/a.py:1 imports gateway.graphql"),
        (wrong_arrows, "gateway/sync/a.py", "from . import b", "gateway/sync/a.py:1 imports ..b"),
        (
            wrong_arrows,
            "gateway/commerce/a.py",
            "def f():\n    from gateway.channels.guard import OpenChannel",
            "gateway/commerce/a.py:2 imports gateway.channels.guard.OpenChannel",
        ),
        (wrong_arrows, "gateway/runtime.py", "from gateway import http", "gateway/runtime.py:1 imports gateway.http"),
        (
            misplaced_libraries,
            "gateway/sync/a.py",
            "import sqlalchemy as sa",
            "gateway/sync/a.py:1 imports sqlalchemy",
        ),
        (misplaced_libraries, "gateway/app.py", "import strawberry", "gateway/app.py:1 imports strawberry"),
        (
            curious_plugins,
            "plugins/gateway_odd/a.py",
            "from gateway.storage import rows",
            "plugins/gateway_odd/a.py:1 imports gateway.storage.rows",
        ),
        (
            curious_plugins,
            "plugins/gateway_odd/a.py",
            "import gateway_other.rows",
            "plugins/gateway_odd/a.py:1 imports gateway_other.rows",
        ),
        (named_vendors, "gateway/sync/a.py", "x = 'Shopify'", "gateway/sync/a.py:1 names Shopify"),
    ],
)
def test_the_proof_a_wrong_line_is_found(tmp_path: Path, check: object, file: str, source: str, line: str) -> None:
    (tmp_path / "plugins").mkdir()
    path = tmp_path / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source)
    assert callable(check)
    assert check(tmp_path) == [line]
