"""Compression of responses and decompression of bodies, within their size limits."""

from __future__ import annotations

import gzip
import json
import tracemalloc
import zlib
from collections.abc import AsyncIterator

import httpx2
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from gateway.http import compression
from gateway.http.compression import BodyInflater, CorruptBodyError, DecompressedSizeError
from gateway.http.responses import choose_encoding
from tests.http.raw_client import ANSWER, GRAPHQL, JSON, QUERY, list_error_codes, post

pytestmark = [pytest.mark.anyio, pytest.mark.any_database]


@pytest.fixture(scope="module")
def database_kind() -> str:
    return "sqlite"


LARGE = {"query": "{" + " ".join(f"alias_number_{n}: __typename" for n in range(100)) + "}"}


# ------------------------------------------------------------------------------------------------ responses


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        ("gzip", "gzip"),
        ("zstd", "zstd"),
        ("gzip, deflate, br, zstd", "gzip"),
        ("zstd, gzip", "gzip"),
        ("gzip;q=0.5, zstd;q=0.9", "zstd"),
        ("gzip;q=1.0, zstd;q=0.5", "gzip"),
        ("GZIP", "gzip"),
        ("*", "gzip"),
        ("zstd;q=0, *;q=0.5", "gzip"),
        ("gzip;q=0, zstd;q=0", "identity"),
        ("gzip;q=0.2, identity;q=0.9", "identity"),
        ("identity", "identity"),
        ("br", "identity"),
        ("", "identity"),
        (None, "identity"),
        ("gzip;q=nonsense", "identity"),
        (",,;;q=,*;q=", "identity"),
    ],
)
def test_the_encoding_is_one_that_the_client_takes(accepted: str | None, encoding: str) -> None:
    assert choose_encoding(accepted) == encoding


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
async def test_a_large_answer_is_compressed_and_a_small_one_is_not(http: httpx2.AsyncClient, encoding: str) -> None:
    plain = await post(http, LARGE, **{"accept-encoding": "identity"})
    async with http.stream(
        "POST", "/graphql", json=LARGE, headers={"accept": GRAPHQL, "accept-encoding": encoding}
    ) as raw:
        body = b"".join([chunk async for chunk in raw.aiter_raw()])
    unpacked = gzip.decompress(body) if encoding == "gzip" else zstandard.decompress(body)
    assert (raw.headers["content-encoding"], unpacked) == (encoding, plain.content)
    assert len(body) < len(plain.content) / 3
    assert "Accept-Encoding" in raw.headers["vary"]
    assert "content-encoding" not in (await post(http, QUERY, **{"accept-encoding": encoding})).headers


async def test_a_very_large_answer_is_compressed_beside_the_event_loop(
    http: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compression, "MIN_THREADED_SIZE", 1_500)
    raw = await post(http, LARGE, **{"accept-encoding": "zstd"})
    assert json.loads(zstandard.decompress(raw.content))["data"]["alias_number_99"] == "Query"


# ------------------------------------------------------------------------------------------------ bodies


@pytest.mark.parametrize("name", ["gzip", "x-gzip", "GZIP"])
async def test_a_gzip_body_is_read(http: httpx2.AsyncClient, name: str) -> None:
    body = gzip.compress(json.dumps(QUERY).encode())
    assert (await post(http, body, **{"content-encoding": name})).json() == ANSWER


PACKED = gzip.compress(b"{}", mtime=0)
DAMAGED = {
    "nothing": b"",
    "plain": b"{}",
    "cut off": PACKED[:-1],
    "with something after it": PACKED + b"more",
    "twice": PACKED * 2,
    "another format": zlib.compress(b"{}"),
    "a wrong checksum": PACKED[:-8] + b"\0" * 8,
}


@pytest.mark.parametrize("name", DAMAGED)
async def test_a_body_that_is_not_gzip_or_not_whole_is_400(http: httpx2.AsyncClient, name: str) -> None:
    response = await post(http, DAMAGED[name], **{"content-encoding": "gzip"})
    assert (response.status_code, list_error_codes(response)) == (400, ["BAD_REQUEST"])


async def test_a_bomb_is_413_and_never_unfolded(http: httpx2.AsyncClient) -> None:
    bomb = gzip.compress(b" " * 100_000_000)
    assert len(bomb) < 200_000
    tracemalloc.start()
    try:
        response = await post(http, bomb, **{"content-encoding": "gzip"})
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (response.status_code, list_error_codes(response)) == (413, ["BODY_TOO_LARGE"])
    assert most < 5_000_000


async def test_a_body_that_is_too_large_as_it_is_sent_is_413_whatever_it_unfolds_to(http: httpx2.AsyncClient) -> None:
    async def stream_endlessly() -> AsyncIterator[bytes]:
        packed = gzip.compress(b"", mtime=0)
        yield packed[:3] + b"\x08" + packed[4:10]  # the header announces a file name that never ends
        for _ in range(1_000):
            yield b"a" * 10_000

    headers = {"content-type": JSON, "accept": GRAPHQL, "content-encoding": "gzip"}
    response = await http.post("/graphql", content=stream_endlessly(), headers=headers)
    assert (response.status_code, list_error_codes(response)) == (413, ["BODY_TOO_LARGE"])


@given(st.binary(max_size=3_000), st.integers(1, 400), st.integers(0, 3_000))
def test_what_comes_out_is_what_went_in_or_it_is_refused(body: bytes, step: int, most: int) -> None:
    packed, inflating, made = gzip.compress(body), BodyInflater(most), b""
    try:
        for start in range(0, len(packed), step):
            made += inflating.feed(packed[start : start + step])
            assert len(made) <= most
        inflating.check_complete()
    except DecompressedSizeError:
        assert len(body) > most
    else:
        assert made == body


@given(st.binary(max_size=300))
def test_nonsense_is_damaged_and_nothing_else(body: bytes) -> None:
    inflating = BodyInflater(1_000)
    try:
        inflating.feed(body)
        inflating.check_complete()
    except (DecompressedSizeError, CorruptBodyError):
        return
    assert body.startswith(b"\x1f\x8b")
