"""Bytes that a cache keeps: copies that take no more memory than their length."""

from __future__ import annotations


def copy_exactly(content: bytes) -> bytes:
    """Copy bytes into memory of their own size.

    Serializers and compressors allocate a large block and shrink it to the result. The allocator can hardly use the
    rest again: a short JSON text of orjson occupies 4 KB, and what zstandard has compressed as much as the original.
    """
    return bytes(memoryview(content))
