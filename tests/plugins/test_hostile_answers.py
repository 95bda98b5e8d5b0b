"""Responses that no server should send, byte by byte: each is a named fault, nothing is lost, and no other channel is
affected.

The store and the marketplace send them; the till beside them is in use meanwhile.
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
from tests.plugins.tampering_proxy import ResponseStream, build_chunk, reply
from tests.plugins.three_channels import AMAZON, SOON, TILL, WEB, open_retail

pytestmark = [pytest.mark.anyio, pytest.mark.torture]

MEGABYTE = 1_000_000
BOMB = gzip.compress(bytes(200 * MEGABYTE), compresslevel=1)
DEEP = b"[" * 200_000 + b"]" * 200_000
CHUNKED = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"

LATE = {"TIMEOUT", "UNAVAILABLE"}
"""The call or its request, whichever ends first at the deadline."""

BROKEN, REFUSED, GONE = {"CONTRACT_VIOLATION"}, {"AUTH_FAILED"}, {"UNAVAILABLE"}


def build_stream(*pieces: bytes) -> ResponseStream:
    """Build a response of these bytes."""

    async def stream_pieces() -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece

    return stream_pieces


def build_endless_stream(head: bytes, piece: bytes, pause: float = 0.0) -> ResponseStream:
    """Build a response that repeats a piece endlessly after its head."""

    async def stream_endlessly() -> AsyncIterator[bytes]:
        yield head
        while True:
            yield piece
            await asyncio.sleep(pause)

    return stream_endlessly


def build_head(length: int, body: bytes) -> bytes:
    """Build the beginning of a response with this content length."""
    return f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n".encode() + body


async def stream_nothing() -> AsyncIterator[bytes]:
    await asyncio.Event().wait()
    yield b""


LIES: dict[str, tuple[ResponseStream, set[str]]] = {
    "a page for people": (build_stream(reply(b"<!doctype html><h1>Moved</h1>", content_type="text/html")), BROKEN),
    "nothing": (build_stream(reply()), BROKEN),
    "no content": (build_stream(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n"), BROKEN),
    "200,000 levels": (build_stream(reply(b'{"data": ' + DEEP + b"}")), BROKEN),
    "900 levels": (build_stream(reply(b'{"data": ' + b"[" * 900 + b"]" * 900 + b', "items": 1, "orders": 1}')), BROKEN),
    "NaN": (build_stream(reply(b'{"data": NaN, "items": NaN, "orders": NaN, "payload": NaN}')), BROKEN),
    "a number of 5,000 digits": (build_stream(reply(b'{"data": ' + b"9" * 5_000 + b"}")), BROKEN),
    "a key twice": (build_stream(reply(b'{"data": {"shop": {}}, "data": null, "items": [], "items": null}')), BROKEN),
    "not UTF-8": (build_stream(reply(b'{"data": "\xff\xfe"}')), BROKEN),
    "200 MB at once": (build_stream(build_head(200 * MEGABYTE, b""), *[b" " * MEGABYTE] * 200), BROKEN),
    "200 MB without an end": (build_endless_stream(CHUNKED, build_chunk(b" " * MEGABYTE)), BROKEN),
    "200 MB in 200 kB": (build_stream(reply(BOMB, content_encoding="gzip")), BROKEN),
    "zeros in zeros": (build_stream(reply(gzip.compress(BOMB), content_encoding="gzip, gzip")), BROKEN),
    "packed 100 times": (build_stream(reply(BOMB, content_encoding=", ".join(["gzip"] * 100))), BROKEN),
    "packed as nothing can be": (build_stream(reply(b"{}", content_encoding="gzip")), BROKEN),
    "a redirect into the network": (build_stream(reply(status=302, location="http://169.254.169.254/")), BROKEN),
    "a redirect to itself": (build_stream(reply(status=308, location="/")), BROKEN),
    "not modified": (build_stream(b"HTTP/1.1 304 Not Modified\r\nconnection: close\r\n\r\n"), BROKEN),
    "401": (build_stream(reply(b"{}", status=401)), REFUSED),
    "403": (build_stream(reply(b"<html>", status=403)), REFUSED),
    "500": (build_stream(reply(b"<html>", status=500)), GONE),
    "half": (build_stream(build_head(10_000, b'{"data": {')), GONE),
    "half of what is packed": (build_stream(build_head(len(BOMB), BOMB[: len(BOMB) // 2])), BROKEN | GONE),
    "the door in the face": (build_stream(), GONE),
    "no HTTP": (build_stream(b"220 mail.example.com ESMTP\r\n"), GONE),
    "a header without an end": (build_endless_stream(b"HTTP/1.1 200 OK\r\nx-header: ", b"x" * 65_536), GONE),
    "100,000 headers": (build_stream(b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 100_000 + b"\r\n{}"), GONE),
    "two lengths": (build_stream(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}"), GONE),
    "a length below nothing": (build_stream(b"HTTP/1.1 200 OK\r\ncontent-length: -2\r\n\r\n{}"), GONE),
    "silence": (stream_nothing, LATE),
    "a byte now and then": (build_endless_stream(build_head(MEGABYTE, b""), b" ", 0.05), LATE),
    "endless early hints": (build_endless_stream(b"", b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n" * 100), LATE),
    "come back in 3,000 years": (build_stream(reply(b"{}", status=429, retry_after="99999999999")), {"RATE_LIMITED"}),
    "come back never": (build_stream(reply(b"{}", status=429, retry_after="9" * 400)), {"RATE_LIMITED"}),
    "come back in the year 9999": (
        build_stream(
            reply(
                b"{}",
                status=429,
                date="Mon, 05 Jan 2026 09:00:00 GMT",
                retry_after="Fri, 31 Dec 9999 23:59:59 GMT",
            )
        ),
        {"RATE_LIMITED"},
    ),
    "come back yesterday": (build_stream(reply(b"{}", status=429, retry_after="-86400")), {"RATE_LIMITED"}),
}


@pytest.mark.parametrize("key", [WEB, AMAZON])
@pytest.mark.parametrize("lie", LIES)
async def test_a_lie_is_a_fault_with_a_name_and_heals_and_no_other_channel_notices(
    tmp_path: Path, key: str, lie: str
) -> None:
    said, codes = LIES[lie]
    async with open_retail(tmp_path, TILL, key, call_deadline="2s" if codes & LATE == LATE else "10s") as shop:
        await shop.pass_on()
        before = await shop.read_channel_state(key)
        wire = shop.wires[key]
        wire.tampered_response = said
        await shop.get_sandbox(TILL).sell("TEA-1", 2, "leeds")
        await shop.pass_on(minutes=15)
        assert wire.asked, "no tampered response was sent"
        assert set((await shop.read_faults(key)).values()) <= codes
        assert await shop.read_faults(key)
        assert await shop.read_channel_state(key) == before, "the known state changed"
        assert (await shop.read_faults(TILL), await shop.fetch_available(TILL)) == ({}, 10)
        await shop.get_sandbox(key).product("TEA-1", title="Evening tea")
        wire.tampered_response = None
        await shop.pass_on(minutes=16)
        assert await shop.read_faults(key) == {}
        assert "Evening tea" in {row[2] for row in (await shop.read_channel_state(key))["listings"].values()}


@pytest.mark.parametrize("lie", ["200 MB at once", "200 MB without an end", "200 MB in 200 kB", "zeros in zeros"])
async def test_an_answer_without_measure_is_read_no_further_than_ten_megabytes(tmp_path: Path, lie: str) -> None:
    async with open_retail(tmp_path, WEB) as shop:
        wire = shop.wires[WEB]
        wire.tampered_response = LIES[lie][0]
        tracemalloc.start()
        try:
            with pytest.raises(ContractError, match="more than 10,000,000 bytes"):
                await shop.get_channel(WEB).page("products", None, None, SOON)
            _, most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert most < 60 * MEGABYTE
    assert wire.sent < 40 * MEGABYTE, "what is not read is not sent"


async def test_cookies_are_not_kept(tmp_path: Path) -> None:
    async with open_retail(tmp_path, WEB) as shop:
        wire = shop.wires[WEB]
        wire.respond_with(reply(b"{}", set_cookie="session=" + "x" * 4_000))
        for _ in range(3):
            with pytest.raises(ContractError):
                await shop.get_channel(WEB).page("products", None, None, SOON)
        wire.tampered_response = None
        assert len(await shop.read_items(WEB, "products")) == 3
    assert not any(b"cookie" in head.lower() for head in wire.heads)


@pytest.mark.parametrize("key", [WEB, AMAZON])
async def test_error_messages_contain_no_secret(tmp_path: Path, key: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="gateway")
    async with open_retail(tmp_path, key, call_deadline="1s") as shop:
        secrets = shop.list_secrets()
        joined = " ".join(secrets).encode()
        echo = b'{"errors": [{"message": "%b", "code": "%b", "extensions": {"code": "%b"}}]}' % (joined, joined, joined)
        wire = shop.wires[key]
        others = [said for said, codes in LIES.values() if codes in (REFUSED, GONE)]
        for lie in (build_stream(reply(echo)), build_stream(reply(echo, status=400)), *others):
            wire.tampered_response = lie
            await shop.pass_on(minutes=16)
            for secret in secrets:
                assert secret not in await shop.read_fault_messages()
        await shop.get_sandbox(key).fault("auth")
        wire.tampered_response = None
        await shop.pass_on(minutes=16)
        assert "AUTH_FAILED" in (await shop.read_faults(key)).values()
        shown = (
            caplog.text + await shop.read_fault_messages() + repr(shop.gateway.settings) + repr(shop.get_channel(key))
        )
        sources = repr(await shop.fetch_sources())
    for secret in secrets:
        assert secret not in shown + sources
