"""The servers of Node.js that the gateway is compared with, installed at their first use."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

FOLDER = Path(__file__).parent / "node"
NODE_SERVERS = {"mercurius": "Mercurius with JIT", "apollo": "Apollo Server", "yoga": "GraphQL Yoga"}
"""Names of the scripts in `bench/node`, and of what they run."""

_READY = FOLDER / "node_modules" / "ready"
"""Exists once all packages of the lock file are installed."""


class NodeMissingError(Exception):
    """Node.js or its packages are not there; the message says what to do."""


def prepare_node() -> str:
    """Install the packages unless they are installed, and return the path of Node.js."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None:
        raise NodeMissingError("Node.js is not on the path; install version 20 or later")
    if not _is_installed():
        if npm is None:
            raise NodeMissingError("npm is not on the path; it installs the packages of bench/node")
        _install_packages(npm)
    return node


def _is_installed() -> bool:
    return _READY.exists() and _READY.stat().st_mtime >= (FOLDER / "package-lock.json").stat().st_mtime


def _install_packages(npm: str) -> None:
    done = subprocess.run(
        [npm, "ci", "--silent", "--no-audit", "--no-fund"], cwd=FOLDER, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise NodeMissingError(f"npm could not install the packages of bench/node: {done.stderr.strip()[-300:]}")
    _READY.touch()
