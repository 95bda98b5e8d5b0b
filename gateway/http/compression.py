"""Answers made smaller on their way, and bodies that came smaller made whole again."""

from __future__ import annotations

import asyncio
import gzip
import zlib

import zstandard

from gateway.http.negotiation import accepted

IDENTITY, GZIP, ZSTD = "identity", "gzip", "zstd"
SMALLEST = 1_000
"""Bytes from which on it is worth it."""

LONG = 50_000
"""Bytes from which on it takes more than a millisecond, and is done beside the event loop."""

GZIP_LEVEL, ZSTD_LEVEL = 4, 3


class BombError(Exception):
    """There is more in it than is allowed."""


class DamagedError(Exception):
    """It is not gzip, or not whole."""


def encoding_for(header: str | None) -> str:
    """How to send an answer to a client with this Accept-Encoding header; zstd where it likes both as much."""
    weights = dict(reversed(accepted(header))) if header else {}
    best = max((ZSTD, GZIP), key=lambda name: weights.get(name, weights.get("*", 0.0)))
    weight = weights.get(best, weights.get("*", 0.0))
    return best if weight > 0 and weight >= weights.get(IDENTITY, 0.0) else IDENTITY


async def compressed(body: bytes, encoding: str) -> bytes:
    """The body in this encoding."""
    if encoding == IDENTITY:
        return body
    if len(body) > LONG:
        return await asyncio.to_thread(_compress, body, encoding)
    return _compress(body, encoding)


def _compress(body: bytes, encoding: str) -> bytes:
    if encoding == ZSTD:
        return zstandard.compress(body, ZSTD_LEVEL)
    return gzip.compress(body, GZIP_LEVEL, mtime=0)


class Inflating:
    """A gzip body as it comes in, of which never more than allowed is made whole."""

    def __init__(self, most: int) -> None:
        self._left = most
        self._inflate = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)

    def feed(self, chunk: bytes) -> bytes:
        """What comes out of the next bytes.

        Raises:
            BombError, DamagedError
        """
        if self._inflate.eof and chunk:
            raise DamagedError
        try:
            made = self._inflate.decompress(chunk, self._left + 1)
        except zlib.error as error:
            raise DamagedError from error
        self._left -= len(made)
        if self._left < 0:
            raise BombError
        if self._inflate.unused_data:
            raise DamagedError
        return made

    def check_whole(self) -> None:
        """Raises: DamagedError: something is missing at the end."""
        if not self._inflate.eof:
            raise DamagedError
