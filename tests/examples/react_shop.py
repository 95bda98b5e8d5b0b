"""The React example, built against a demo of its own with some more products, and served beside it."""

from __future__ import annotations

import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.examples.conftest import ROOT, Demo
from tests.plugins.test_demo_run import free_ports

REACT = ROOT / "examples" / "react"
AXE = REACT / "node_modules" / "axe-core" / "axe.min.js"
GROUPS = ("84997A", "84997B", "84997C", "84997D", "85135A", "85135B", "85135C", "35916A", "35916B", "35916C")
"""Products in several colors."""


@dataclass(frozen=True)
class ReactShop:
    """The served example. `address`: of its page."""

    demo: Demo
    address: str


def copy_project(folder: Path) -> Path:
    """Copy the example without what is generated."""
    left_out = shutil.ignore_patterns("node_modules", "generated", "dist")
    copy = Path(shutil.copytree(REACT, folder / "react", ignore=left_out))
    (copy / "node_modules").symlink_to(REACT / "node_modules")
    return copy


@contextmanager
def serve_react(demo: Demo, folder: Path) -> Iterator[ReactShop]:
    """Build the example against the demo, and serve it."""
    project, port = copy_project(folder), free_ports()
    built = subprocess.run(("npm", "run", "build"), cwd=project, env=demo.environment, capture_output=True, text=True)
    assert built.returncode == 0, built.stdout + built.stderr
    vite = (str(project / "node_modules" / ".bin" / "vite"), "preview", "--port", str(port))
    with subprocess.Popen(vite, cwd=project, env=demo.environment, stdout=subprocess.DEVNULL) as server:
        address = f"http://127.0.0.1:{port}"
        try:
            wait_for(address)
            yield ReactShop(demo, address)
        finally:
            server.terminate()


def wait_for(address: str) -> None:
    """Wait until a server responds."""
    deadline = time.monotonic() + 30
    while True:
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
