"""Bodies that are compressed, or say so."""

from __future__ import annotations

import gzip
import zlib

import zstandard

from tests.http.corpus.hostile import PLAIN, Hostile

BODY = b'{"query": "{ __typename }"}'


def packed(body: bytes, encoding: bytes = b"gzip", *, fine: bool = False) -> Hostile:
    return Hostile(body, (*PLAIN, (b"content-encoding", encoding)), fine=fine)


REQUESTS = {
    "plain, but said to be gzip": packed(BODY),
    "gzip, but not said to be": Hostile(gzip.compress(BODY)),
    "nothing, said to be gzip": packed(b""),
    "only the header of gzip": packed(gzip.compress(BODY)[:10]),
    "gzip without its end": packed(gzip.compress(BODY)[:-4]),
    "gzip with a wrong checksum": packed(gzip.compress(BODY)[:-8] + b"\xff" * 8),
    "gzip with something after it": packed(gzip.compress(BODY) + b"x"),
    "gzip twice in a row": packed(gzip.compress(b"{") + gzip.compress(b"}")),
    "gzip in gzip": packed(gzip.compress(gzip.compress(BODY))),
    "a bomb": packed(gzip.compress(b" " * 50_000_000)),
    "a bomb in a bomb": packed(gzip.compress(gzip.compress(b"\0" * 50_000_000))),
    "a bomb of empty blocks": packed(gzip.compress(b"")[:10] + b"\0\0\0\xff\xff" * 30_000),
    "deflate": packed(zlib.compress(BODY), b"deflate"),
    "zstd": packed(zstandard.compress(BODY), b"zstd"),
    "br": packed(b"\x0b\x02\x80abc\x03", b"br"),
    "two encodings": packed(gzip.compress(gzip.compress(BODY)), b"gzip, gzip"),
    "an encoding that is none": packed(BODY, b"\xff\xff"),
    "an encoding in capitals": packed(gzip.compress(BODY), b"GZip", fine=True),
}
