"""Bytes that a cache keeps: copies that take no more memory than their length."""

from __future__ import annotations


def copy_exactly(content: bytes) -> bytes:
    """Copy bytes into memory of their own size.

    Serializers and compressors allocate more than they need and then cut it off, which the allocator cannot use again:
    a short JSON text of orjson takes 4 KB, and a text compressed by zstandard as much as it did before.
    """
    return bytes(memoryview(content))
