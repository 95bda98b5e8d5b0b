"""The head and the body of a response are written together, and nothing stays in the buffer."""

from __future__ import annotations

import asyncio

import pytest

from gateway.server.buffered_transport import BufferedTransport

pytestmark = pytest.mark.anyio


class RecordingTransport(asyncio.Transport):
    """A transport that records its calls."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[bytes | str] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.events.append(bytes(data))

    def close(self) -> None:
        self.events.append("closed")

    def abort(self) -> None:
        self.events.append("aborted")

    def get_write_buffer_size(self) -> int:
        return 5

    def is_closing(self) -> bool:
        return "closed" in self.events


@pytest.fixture
async def below() -> RecordingTransport:
    return RecordingTransport()


@pytest.fixture
async def gathered(below: RecordingTransport) -> BufferedTransport:
    return BufferedTransport(below, asyncio.get_running_loop())


async def test_head_and_body_leave_together(below: RecordingTransport, gathered: BufferedTransport) -> None:
    gathered.write(b"head ")
    assert (below.events, gathered.get_write_buffer_size()) == ([], 10)
    gathered.write(b"body")
    assert (below.events, gathered.get_write_buffer_size()) == ([b"head body"], 5)


async def test_what_stays_alone_leaves_with_the_turn_of_the_loop(
    below: RecordingTransport, gathered: BufferedTransport
) -> None:
    gathered.write(b"head")
    await asyncio.sleep(0)
    assert below.events == [b"head"]
    gathered.write(b"")
    await asyncio.sleep(0)
    assert below.events == [b"head"]


async def test_it_is_closed_after_what_was_written(below: RecordingTransport, gathered: BufferedTransport) -> None:
    gathered.write(b"head")
    gathered.close()
    await asyncio.sleep(0)
    assert below.events == [b"head", "closed"]
    assert gathered.is_closing()


async def test_what_is_aborted_is_not_written_any_more(below: RecordingTransport, gathered: BufferedTransport) -> None:
    gathered.write(b"head")
    gathered.abort()
    await asyncio.sleep(0)
    assert below.events == ["aborted"]
