"""What caches keep takes no more memory than they count, whatever serializers and compressors allocate."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/statm").exists(), reason="only Linux tells the memory of a process"
)

ROOT = Path(__file__).parents[2]


def find_excess(*arguments: str) -> set[str]:
    """Return the caches that have grown by more than they should."""
    command = [sys.executable, "-m", "tests.execution.cache_memory", *arguments]
    printed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return {name for name, (grown, most) in json.loads(printed).items() if grown > most}


def test_caches_take_no_more_memory_than_they_count() -> None:
    assert find_excess() == set()


def test_the_proof_what_is_kept_without_a_copy_takes_more() -> None:
    assert find_excess("uncopied") == {"rendered", "responses"}
