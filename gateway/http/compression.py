"""Compression of response bodies, and decompression of request bodies with a size limit."""

from __future__ import annotations

import asyncio
import gzip
import zlib

import zstandard

IDENTITY, GZIP, ZSTD = "identity", "gzip", "zstd"

MIN_COMPRESSED_SIZE = 1_000
"""Bytes. Smaller bodies are not compressed."""

MIN_THREADED_SIZE = 50_000
"""Bytes. Larger bodies take more than a millisecond and are compressed in a thread."""

GZIP_LEVEL, ZSTD_LEVEL = 4, 3


class DecompressedSizeError(Exception):
    """The decompressed body is larger than allowed."""


class CorruptBodyError(Exception):
    """The body is not gzip, or is incomplete."""


async def compress(body: bytes, encoding: str) -> bytes:
    """Compress the body."""
    if encoding == IDENTITY:
        return body
    if len(body) > MIN_THREADED_SIZE:
        return await asyncio.to_thread(compress_now, body, encoding)
    return compress_now(body, encoding)


def compress_now(body: bytes, encoding: str) -> bytes:
    """Compress a short body."""
    if encoding == ZSTD:
        return zstandard.compress(body, ZSTD_LEVEL)
    return gzip.compress(body, GZIP_LEVEL, mtime=0)


class BodyInflater:
    """Decompresses a gzip body chunk by chunk, never to more than `limit` bytes."""

    def __init__(self, limit: int) -> None:
        self._left = limit
        self._inflate = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)

    def feed(self, chunk: bytes) -> bytes:
        """Decompress the next chunk.

        Raises:
            DecompressedSizeError: the body is larger than allowed.
            CorruptBodyError: the body is not gzip.
        """
        if self._inflate.eof and chunk:
            raise CorruptBodyError
        try:
            data = self._inflate.decompress(chunk, self._left + 1)
        except zlib.error as error:
            raise CorruptBodyError from error
        self._left -= len(data)
        if self._left < 0:
            raise DecompressedSizeError
        if self._inflate.unused_data:
            raise CorruptBodyError
        return data

    def check_complete(self) -> None:
        """Check that the body has ended.

        Raises:
            CorruptBodyError: the end of the body is missing.
        """
        if not self._inflate.eof:
            raise CorruptBodyError
