"""One demo for all examples: the real program with some of the real receipts."""

from __future__ import annotations

import csv
import gzip
import os
import subprocess
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from examples.demo.__main__ import DATA
from examples.demo.queries import SHOWN
from tests.plugins.test_demo_run import free_ports

ROOT = Path(__file__).parents[2]
SOME = {*SHOWN, "84029E", "85123A", "84879", "22632", "22633", "21730", "22745", "22748", "84969", "48187", "21756"}
"""Number of products in the demo; the full data has thousands."""


@dataclass(frozen=True)
class Demo:
    """A running demo. `folder`: for files of this test run."""

    port: int
    folder: Path

    @property
    def gateway(self) -> str:
        return f"http://127.0.0.1:{self.port}/graphql"

    @property
    def storefront(self) -> str:
        return f"http://127.0.0.1:{self.port + 1}/storefront/"

    @property
    def environment(self) -> dict[str, str]:
        """Environment variables for commands beside the demo."""
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        return {**os.environ, "PATH": path, "PORT": str(self.port)}


def write_receipts(target: Path, codes: Collection[str]) -> Path:
    """Write the receipts of a few products."""
    with gzip.open(DATA, "rt", encoding="utf-8", newline="") as source:
        head, *lines = csv.reader(source)
    code = head.index("StockCode")
    with gzip.open(target, "wt", encoding="utf-8", newline="") as chosen:
        csv.writer(chosen).writerows([head, *(line for line in lines if line[code] in codes)])
    return target


@contextmanager
def run_demo(folder: Path, codes: Collection[str]) -> Iterator[Demo]:
    """Run a demo with a few products."""
    port, data = free_ports(), write_receipts(folder / "data.csv.gz", codes)
    environment = {**os.environ, "PORT": str(port), "DATA": str(data), "DEMO_STATE": str(folder / "state")}
    command = (sys.executable, "-m", "examples.demo")
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            output = ""
            while "Ctrl-C ends" not in output and (line := process.stdout.readline()):
                output += line
            assert "Ctrl-C ends" in output, output
            yield Demo(port, folder)
        finally:
            process.terminate()


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    with run_demo(tmp_path_factory.mktemp("demo"), SOME) as running:
        yield running
