"""The built wheels: typed for plugins from outside, and without sandboxes unless the extra asks for them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PLUGIN = Path(__file__).parent / "plugin_project"
CONSTRAINTS = ROOT / "constraints.txt"

LIST_MODULES = "import pkgutil; print(*(module.name for module in pkgutil.iter_modules()))"

pytestmark = pytest.mark.long


def run(*command: str | Path, cwd: Path = ROOT) -> str:
    """Run a command that must succeed, and return its output."""
    environment = {**os.environ, "PYRIGHT_PYTHON_GLOBAL_NODE": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    finished = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The Python of a fresh environment with the gateway's wheel and a plugin from outside."""
    folder = tmp_path_factory.mktemp("wheels")
    python = folder / "venv" / "bin" / "python"
    venv.create(folder / "venv", with_pip=True)
    pip: list[str | Path] = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--wheel-dir",
        folder / "dist",
    ]
    for project in (ROOT, PLUGIN):
        source = folder / f"source-{project.name}"
        shutil.copytree(
            project, source, ignore=shutil.ignore_patterns(".*", "node_modules", "site", "tests", "__pycache__")
        )
        run(*pip, source)
    wheels = sorted((folder / "dist").glob("*.whl"))
    run(python, "-m", "pip", "install", "--quiet", "--constraint", CONSTRAINTS, *wheels, "mypy", "pyright==1.1.414")
    yield python


def test_a_production_install_has_no_sandbox(installed: Path) -> None:
    names = run(installed, "-c", LIST_MODULES, cwd=installed.parent).split()
    assert {"gateway", "gateway_shopify", "acme_filedrop"} <= set(names)
    assert [name for name in names if name.endswith("_sandbox") or name in ("tests", "examples", "bench")] == []


def test_a_missing_sandbox_is_an_error_that_says_what_to_install(installed: Path) -> None:
    command = [str(installed.parent / "gateway"), "sandbox", "sqlpos"]
    finished = subprocess.run(command, cwd=installed.parent, capture_output=True, text=True, check=False)
    assert (finished.returncode, finished.stdout) == (2, "")
    assert finished.stderr.startswith("error: the sandbox of sqlpos is not installed;")


def test_a_plugin_from_outside_is_found(installed: Path) -> None:
    assert "filedrop" in run(installed.parent / "gateway", "plugins")


def test_a_plugin_from_outside_passes_mypy_strict(installed: Path, tmp_path: Path) -> None:
    shutil.copytree(PLUGIN / "acme_filedrop", tmp_path / "acme_filedrop")
    output = run(installed, "-m", "mypy", "--strict", "--cache-dir", tmp_path / "cache", "acme_filedrop", cwd=tmp_path)
    assert "Success: no issues found" in output


@pytest.mark.skipif(shutil.which("node") is None, reason="pyright needs Node.js")
def test_a_plugin_from_outside_passes_pyright(installed: Path, tmp_path: Path) -> None:
    shutil.copytree(PLUGIN / "acme_filedrop", tmp_path / "acme_filedrop")
    (tmp_path / "pyrightconfig.json").write_text('{"typeCheckingMode": "strict"}')
    output = run(installed, "-m", "pyright", "--pythonpath", installed, "acme_filedrop", cwd=tmp_path)
    assert "0 errors" in output


def test_old_paths_of_the_sdk_stay_importable(installed: Path) -> None:
    output = run(installed, "-W", "ignore::DeprecationWarning", PLUGIN / "uses_old_paths.py")
    assert output.split() == ["Budget", "get_text", "MemoryStore", "build_product"]  # the new functions
