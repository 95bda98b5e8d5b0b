"""The dependency rules of the architecture, checked against the imports in the source."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

MAY_IMPORT = {
    "model": {"model"},
    "sdk": {"model", "sdk"},
    "settings": {"model", "settings"},
    "storage": {"model", "sdk", "storage"},
    "commerce": {"model", "sdk", "storage", "commerce"},
    "channels": {"model", "sdk", "storage", "settings", "channels"},
    "sync": {"model", "sdk", "storage", "settings", "commerce", "channels", "sync"},
    "execution": {"model", "sdk", "storage", "settings", "execution"},
    "graphql": {"model", "sdk", "storage", "settings", "commerce", "sync", "execution", "runtime", "graphql"},
    "http": {"model", "sdk", "storage", "settings", "commerce", "sync", "execution", "graphql", "http"},
    "app": {"settings", "storage", "execution", "graphql", "http"},
    "runtime": {
        *("model", "sdk", "storage", "settings", "commerce", "channels", "sync", "execution", "runtime"),
    },
    "server": {"settings", "runtime", "app", "server"},
    "cli": {
        *("model", "sdk", "storage", "settings", "commerce", "channels", "sync", "execution", "graphql", "http", "app"),
        *("runtime", "server", "cli"),
    },
}
"""The parts that each part of the gateway may import."""

ONLY_IN = {
    "sqlalchemy": ("gateway/storage/",),
    "alembic": ("gateway/storage/",),
    "strawberry": ("gateway/graphql/", "gateway/execution/"),
    "graphql": ("gateway/graphql/", "gateway/execution/", "gateway/http/", "gateway/app.py"),
    "starlette": ("gateway/http/", "gateway/app.py", "gateway/sdk/testing/"),
    "uvicorn": ("gateway/server/", "gateway/sdk/testing/"),
    "typer": ("gateway/cli/",),
    "phonenumbers": ("gateway/commerce/customers/recognition/",),
    "pluggy": ("gateway/sdk/", "gateway/channels/"),
}
"""Libraries, and the modules that may import them."""

VENDORS = (
    *("shopify", "amazon", "openbravo", "unicenta", "chromis", "magento", "woocommerce", "ebay", "etsy"),
    *("lightspeed", "bigcommerce", "prestashop", "shopware", "salesforce", "zalando", "walmart"),
)


@dataclass(frozen=True)
class Import:
    """An imported module, with file and line."""

    file: str
    line: int
    module: str


def list_imports(root: Path, *folders: str) -> Iterator[Import]:
    """List the imports of the Python files in these folders."""
    for path in sorted(file for folder in folders for file in (root / folder).rglob("*.py")):
        name = path.relative_to(root).as_posix()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                yield from (Import(name, node.lineno, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                module = f"{'.' * node.level}{node.module or ''}"
                yield from (Import(name, node.lineno, f"{module}.{alias.name}") for alias in node.names)


def get_part(name: str) -> str:
    """Return the part of the gateway that owns a module or file: `gateway.sync.webhook_inbox`, `gateway/app.py`."""
    return re.split(r"[./]", name)[1]


def list_forbidden_imports(root: Path) -> list[str]:
    """List imports inside the gateway that break the dependency rules, or are relative."""
    return [
        f"{found.file}:{found.line} imports {found.module}"
        for found in list_imports(root, "gateway")
        if found.module.startswith(".")
        or (
            found.module.startswith("gateway.")
            and get_part(found.file) != "__init__"
            and get_part(found.module) not in MAY_IMPORT[get_part(found.file)]
        )
    ]


def list_misplaced_libraries(root: Path) -> list[str]:
    """List imports of a library outside its allowed modules."""
    return [
        f"{found.file}:{found.line} imports {found.module}"
        for found in list_imports(root, "gateway")
        for library in [found.module.split(".")[0]]
        if library in ONLY_IN and not found.file.startswith(ONLY_IN[library])
    ]


def list_own_packages(file: str) -> set[str]:
    """List the import packages of the plugin that owns a file; a sandbox may import both."""
    folder = next(part for part in file.split("/") if part.startswith("gateway_"))
    return {folder, folder.removesuffix("_sandbox")}


def list_plugin_violations(root: Path) -> list[str]:
    """List imports of plugins that bypass the SDK or reach into another plugin."""
    return [
        f"{found.file}:{found.line} imports {found.module}"
        for found in list_imports(root, "plugins")
        if re.match(r"gateway(?!\.sdk\b)\b", found.module)
        or (found.module.startswith("gateway_") and found.module.split(".")[0] not in list_own_packages(found.file))
    ]


def list_named_vendors(root: Path) -> list[str]:
    """List lines of the gateway that name a vendor or a bundled plugin."""
    bundled = [folder.name.removeprefix("gateway_") for folder in (root / "plugins").glob("gateway_*")]
    names = re.compile("|".join((*VENDORS, *bundled)), re.IGNORECASE)
    return [
        f"{path.relative_to(root).as_posix()}:{number} names {found[0]}"
        for path in sorted((root / "gateway").rglob("*.py"))
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if (found := names.search(line))
    ]


def test_the_arrows_of_the_architecture_hold() -> None:
    assert list_forbidden_imports(ROOT) == []


def test_each_library_stays_in_its_place() -> None:
    assert list_misplaced_libraries(ROOT) == []


def test_plugins_import_the_sdk_and_their_own_libraries_alone() -> None:
    assert list_plugin_violations(ROOT) == []


def test_nothing_in_the_gateway_names_a_vendor_or_a_bundled_plugin() -> None:
    assert list_named_vendors(ROOT) == []


def test_the_model_needs_the_standard_library_alone() -> None:
    foreign = [
        found
        for found in list_imports(ROOT, "gateway/model")
        if found.module.split(".")[0] not in (*sys.stdlib_module_names, "gateway")
    ]
    assert foreign == []


def test_every_bundled_plugin_comes_in_by_its_entry_point() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    points = project["project"]["entry-points"]["commerce_gateway.channels"]
    bundled = {folder.name for folder in (ROOT / "plugins").glob("gateway_*")}
    assert {module.split(":")[0].split(".")[0] for module in points.values()} == bundled


@pytest.mark.parametrize(
    ("check", "file", "source", "line"),
    [
        (
            list_forbidden_imports,
            "gateway/model/a.py",
            "from gateway.sdk import Ref",
            "gateway/model/a.py:1 imports gateway.sdk.Ref",
        ),
        (
            list_forbidden_imports,
            "gateway/sync/a.py",
            "import gateway.graphql",
            "gateway/sync/a.py:1 imports gateway.graphql",
        ),
        (list_forbidden_imports, "gateway/sync/a.py", "from . import b", "gateway/sync/a.py:1 imports ..b"),
        (
            list_forbidden_imports,
            "gateway/commerce/a.py",
            "def f():\n    from gateway.channels.open_channel import OpenChannel",
            "gateway/commerce/a.py:2 imports gateway.channels.open_channel.OpenChannel",
        ),
        (
            list_forbidden_imports,
            "gateway/runtime/gateway.py",
            "from gateway import http",
            "gateway/runtime/gateway.py:1 imports gateway.http",
        ),
        (
            list_misplaced_libraries,
            "gateway/sync/a.py",
            "import sqlalchemy as sa",
            "gateway/sync/a.py:1 imports sqlalchemy",
        ),
        (list_misplaced_libraries, "gateway/app.py", "import strawberry", "gateway/app.py:1 imports strawberry"),
        (
            list_plugin_violations,
            "plugins/gateway_odd/a.py",
            "from gateway.storage.sql import bulk",
            "plugins/gateway_odd/a.py:1 imports gateway.storage.sql.bulk",
        ),
        (
            list_plugin_violations,
            "plugins/gateway_odd/a.py",
            "import gateway_other.rows",
            "plugins/gateway_odd/a.py:1 imports gateway_other.rows",
        ),
        (list_named_vendors, "gateway/sync/a.py", "x = 'Shopify'", "gateway/sync/a.py:1 names Shopify"),
    ],
)
def test_the_proof_a_wrong_line_is_found(tmp_path: Path, check: object, file: str, source: str, line: str) -> None:
    (tmp_path / "plugins").mkdir()
    path = tmp_path / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source)
    assert callable(check)
    assert check(tmp_path) == [line]
