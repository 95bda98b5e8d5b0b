"""The head of an answer and its body leave together, and nothing stays behind."""

from __future__ import annotations

import asyncio

import pytest

from gateway.cli.writing import Gathered

pytestmark = pytest.mark.anyio


class Noting(asyncio.Transport):
    """A transport that notes what it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[bytes | str] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.told.append(bytes(data))

    def close(self) -> None:
        self.told.append("closed")

    def abort(self) -> None:
        self.told.append("aborted")

    def get_write_buffer_size(self) -> int:
        return 5

    def is_closing(self) -> bool:
        return "closed" in self.told


@pytest.fixture
async def below() -> Noting:
    return Noting()


@pytest.fixture
async def gathered(below: Noting) -> Gathered:
    return Gathered(below, asyncio.get_running_loop())


async def test_head_and_body_leave_together(below: Noting, gathered: Gathered) -> None:
    gathered.write(b"head ")
    assert (below.told, gathered.get_write_buffer_size()) == ([], 10)
    gathered.write(b"body")
    assert (below.told, gathered.get_write_buffer_size()) == ([b"head body"], 5)


async def test_what_stays_alone_leaves_with_the_turn_of_the_loop(below: Noting, gathered: Gathered) -> None:
    gathered.write(b"head")
    await asyncio.sleep(0)
    assert below.told == [b"head"]
    gathered.write(b"")
    await asyncio.sleep(0)
    assert below.told == [b"head"]


async def test_it_is_closed_after_what_was_written(below: Noting, gathered: Gathered) -> None:
    gathered.write(b"head")
    gathered.close()
    await asyncio.sleep(0)
    assert below.told == [b"head", "closed"]
    assert gathered.is_closing()


async def test_what_is_aborted_is_not_written_any_more(below: Noting, gathered: Gathered) -> None:
    gathered.write(b"head")
    gathered.abort()
    await asyncio.sleep(0)
    assert below.told == ["aborted"]
