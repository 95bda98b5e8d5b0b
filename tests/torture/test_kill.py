"""kill -9 at any moment of a sync: nothing is lost, and the next start reaches the same final state."""

from __future__ import annotations

import itertools
import multiprocessing
import random
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.torture import syncing_process

KILLS = 50


@pytest.fixture(scope="module")
def processes() -> multiprocessing.context.ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(
        ["tests.torture.syncing_process"]
    )  # otherwise each process would take seconds to import
    return context


@pytest.fixture
def late() -> Iterator[int]:
    return itertools.count(1)


def build_paths(folder: Path, name: str) -> tuple[Path, str]:
    path = folder / f"{name}.db"
    return path, f"sqlite:///{path}"


@pytest.mark.parametrize("start", ["empty", "synced before"])
def test_a_sync_that_is_killed_at_any_moment_ends_as_an_undisturbed_one(
    tmp_path: Path, processes: multiprocessing.context.ForkServerContext, late: Iterator[int], start: str
) -> None:
    seed = random.randrange(2**32)
    chance = random.Random(seed)
    before, before_url = build_paths(tmp_path, "before")
    first = syncing_process.sync_and_read(before_url, 1, 0) if start == "synced before" else None
    _, clean_url = build_paths(tmp_path, "clean")
    expected = syncing_process.sync_and_read(clean_url, 2, 0)
    assert expected != first
    unfinished = 0
    for n in range(KILLS // 2):
        path, url = build_paths(tmp_path, f"run{n}")
        if first is not None:
            shutil.copy(before, path)
        for _ in range(chance.choice((1, 1, 2))):
            kill_amid(processes, url, next(late), chance)
            unfinished += syncing_process.read_known(url) != expected
        assert syncing_process.sync_and_read(url, 2, next(late)) == expected, f"seed {seed}, run {n}"
        assert sqlite3.connect(path).execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        path.unlink()
    assert unfinished > KILLS // 8, "most syncs were over before they were killed: nothing was tried"


def kill_amid(
    processes: multiprocessing.context.ForkServerContext, url: str, hours: int, chance: random.Random
) -> None:
    """Kill a sync after a random share of the duration of a complete one."""
    process = processes.Process(target=syncing_process.sync, args=(url, 2, hours))
    process.start()
    process.join(chance.uniform(0.05, 2.5))
    process.kill()
    process.join()
    process.close()
