"""Answers that no server should give, byte by byte: a fault with a name, nothing is lost, and no other channel notices.

The store and the marketplace lie; the till beside them is sold from meanwhile.
"""

from __future__ import annotations

import asyncio
import gzip
import logging
import tracemalloc
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.sdk import ContractError

from .retail import AMAZON, SOON, TILL, WEB, retail
from .wire import Said, chunk, reply

pytestmark = [pytest.mark.anyio, pytest.mark.long]

MEGABYTE = 1_000_000
BOMB = gzip.compress(bytes(200 * MEGABYTE), compresslevel=1)
DEEP = b"[" * 200_000 + b"]" * 200_000
CHUNKED = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"

LATE = {"TIMEOUT", "UNAVAILABLE"}
"""Whichever gives up first at the deadline, the call or its request."""

BROKEN, REFUSED, GONE = {"CONTRACT_VIOLATION"}, {"AUTH_FAILED"}, {"UNAVAILABLE"}


def whole(*pieces: bytes) -> Said:
    """Just these bytes."""

    async def said() -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece

    return said


def endless(head: bytes, piece: bytes, pause: float = 0.0) -> Said:
    """The head, and then this again and again."""

    async def said() -> AsyncIterator[bytes]:
        yield head
        while True:
            yield piece
            await asyncio.sleep(pause)

    return said


def announced(length: int, body: bytes) -> bytes:
    """The beginning of an answer of this length."""
    return f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n".encode() + body


async def silence() -> AsyncIterator[bytes]:
    await asyncio.Event().wait()
    yield b""


LIES: dict[str, tuple[Said, set[str]]] = {
    "a page for people": (whole(reply(b"<!doctype html><h1>Moved</h1>", content_type="text/html")), BROKEN),
    "nothing": (whole(reply()), BROKEN),
    "no content": (whole(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n"), BROKEN),
    "200,000 levels": (whole(reply(b'{"data": ' + DEEP + b"}")), BROKEN),
    "900 levels": (whole(reply(b'{"data": ' + b"[" * 900 + b"]" * 900 + b', "items": 1, "orders": 1}')), BROKEN),
    "NaN": (whole(reply(b'{"data": NaN, "items": NaN, "orders": NaN, "payload": NaN}')), BROKEN),
    "a number of 5,000 digits": (whole(reply(b'{"data": ' + b"9" * 5_000 + b"}")), BROKEN),
    "a key twice": (whole(reply(b'{"data": {"shop": {}}, "data": null, "items": [], "items": null}')), BROKEN),
    "not UTF-8": (whole(reply(b'{"data": "\xff\xfe"}')), BROKEN),
    "200 MB at once": (whole(announced(200 * MEGABYTE, b""), *[b" " * MEGABYTE] * 200), BROKEN),
    "200 MB without an end": (endless(CHUNKED, chunk(b" " * MEGABYTE)), BROKEN),
    "200 MB in 200 kB": (whole(reply(BOMB, content_encoding="gzip")), BROKEN),
    "zeros in zeros": (whole(reply(gzip.compress(BOMB), content_encoding="gzip, gzip")), BROKEN),
    "packed 100 times": (whole(reply(BOMB, content_encoding=", ".join(["gzip"] * 100))), BROKEN),
    "packed as nothing can be": (whole(reply(b"{}", content_encoding="gzip")), BROKEN),
    "a redirect into the network": (whole(reply(status=302, location="http://169.254.169.254/")), BROKEN),
    "a redirect to itself": (whole(reply(status=308, location="/")), BROKEN),
    "not modified": (whole(b"HTTP/1.1 304 Not Modified\r\nconnection: close\r\n\r\n"), BROKEN),
    "401": (whole(reply(b"{}", status=401)), REFUSED),
    "403": (whole(reply(b"<html>", status=403)), REFUSED),
    "500": (whole(reply(b"<html>", status=500)), GONE),
    "half": (whole(announced(10_000, b'{"data": {')), GONE),
    "half of what is packed": (whole(announced(len(BOMB), BOMB[: len(BOMB) // 2])), BROKEN | GONE),
    "the door in the face": (whole(), GONE),
    "no HTTP": (whole(b"220 mail.example.com ESMTP\r\n"), GONE),
    "a header without an end": (endless(b"HTTP/1.1 200 OK\r\nx-header: ", b"x" * 65_536), GONE),
    "100,000 headers": (whole(b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 100_000 + b"\r\n{}"), GONE),
    "two lengths": (whole(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}"), GONE),
    "a length below nothing": (whole(b"HTTP/1.1 200 OK\r\ncontent-length: -2\r\n\r\n{}"), GONE),
    "silence": (silence, LATE),
    "a byte now and then": (endless(announced(MEGABYTE, b""), b" ", 0.05), LATE),
    "early hints for ever": (endless(b"", b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n" * 100), LATE),
    "come back in 3,000 years": (whole(reply(b"{}", status=429, retry_after="99999999999")), {"RATE_LIMITED"}),
    "come back never": (whole(reply(b"{}", status=429, retry_after="9" * 400)), {"RATE_LIMITED"}),
    "come back in the year 9999": (
        whole(
            reply(
                b"{}",
                status=429,
                date="Mon, 05 Jan 2026 09:00:00 GMT",
                retry_after="Fri, 31 Dec 9999 23:59:59 GMT",
            )
        ),
        {"RATE_LIMITED"},
    ),
    "come back yesterday": (whole(reply(b"{}", status=429, retry_after="-86400")), {"RATE_LIMITED"}),
}


@pytest.mark.parametrize("key", [WEB, AMAZON])
@pytest.mark.parametrize("lie", LIES)
async def test_a_lie_is_a_fault_with_a_name_and_heals_and_no_other_channel_notices(
    tmp_path: Path, key: str, lie: str
) -> None:
    said, codes = LIES[lie]
    async with retail(tmp_path, TILL, key, call_deadline="2s" if codes & LATE == LATE else "10s") as shop:
        await shop.pass_on()
        before = await shop.known(key)
        wire = shop.wires[key]
        wire.lie = said
        await shop.sandbox(TILL).sell("TEA-1", 2, "leeds")
        await shop.pass_on(minutes=15)
        assert wire.asked, "the lie was told"
        assert set((await shop.faults(key)).values()) <= codes
        assert await shop.faults(key)
        assert await shop.known(key) == before, "what was known is kept"
        assert (await shop.faults(TILL), await shop.available(TILL)) == ({}, 10)
        await shop.sandbox(key).product("TEA-1", title="Evening tea")
        wire.lie = None
        await shop.pass_on(minutes=16)
        assert await shop.faults(key) == {}
        assert "Evening tea" in {row[2] for row in (await shop.known(key))["listings"].values()}


@pytest.mark.parametrize("lie", ["200 MB at once", "200 MB without an end", "200 MB in 200 kB", "zeros in zeros"])
async def test_an_answer_without_measure_is_read_no_further_than_ten_megabytes(tmp_path: Path, lie: str) -> None:
    async with retail(tmp_path, WEB) as shop:
        wire = shop.wires[WEB]
        wire.lie = LIES[lie][0]
        tracemalloc.start()
        try:
            with pytest.raises(ContractError, match="more than 10,000,000 bytes"):
                await shop.channel(WEB).page("products", None, None, SOON)
            _, most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert most < 60 * MEGABYTE
    assert wire.sent < 40 * MEGABYTE, "what is not read is not sent"


async def test_cookies_are_not_kept(tmp_path: Path) -> None:
    async with retail(tmp_path, WEB) as shop:
        wire = shop.wires[WEB]
        wire.says(reply(b"{}", set_cookie="session=" + "x" * 4_000))
        for _ in range(3):
            with pytest.raises(ContractError):
                await shop.channel(WEB).page("products", None, None, SOON)
        wire.lie = None
        assert len(await shop.items(WEB, "products")) == 3
    assert not any(b"cookie" in head.lower() for head in wire.heads)


@pytest.mark.parametrize("key", [WEB, AMAZON])
async def test_no_secret_is_told_to_whoever_looks_at_what_went_wrong(
    tmp_path: Path, key: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="gateway")
    async with retail(tmp_path, key, call_deadline="1s") as shop:
        secrets = shop.secrets()
        told = " ".join(secrets).encode()
        echo = b'{"errors": [{"message": "%b", "code": "%b", "extensions": {"code": "%b"}}]}' % (told, told, told)
        wire = shop.wires[key]
        others = [said for said, codes in LIES.values() if codes in (REFUSED, GONE)]
        for lie in (whole(reply(echo)), whole(reply(echo, status=400)), *others):
            wire.lie = lie
            await shop.pass_on(minutes=16)
            for secret in secrets:
                assert secret not in await shop.messages()
        await shop.sandbox(key).fault("auth")
        wire.lie = None
        await shop.pass_on(minutes=16)
        assert "AUTH_FAILED" in (await shop.faults(key)).values()
        shown = caplog.text + await shop.messages() + repr(shop.gateway.settings) + repr(shop.channel(key))
        sources = repr(await shop.sources())
    for secret in secrets:
        assert secret not in shown + sources
