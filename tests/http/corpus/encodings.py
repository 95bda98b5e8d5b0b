"""Bodies with a content encoding, real or claimed."""

from __future__ import annotations

import gzip
import zlib

import zstandard

from tests.http.corpus.hostile import PLAIN, HostileRequest

BODY = b'{"query": "{ __typename }"}'


def build_packed(body: bytes, encoding: bytes = b"gzip", *, fine: bool = False) -> HostileRequest:
    return HostileRequest(body, (*PLAIN, (b"content-encoding", encoding)), fine=fine)


REQUESTS = {
    "plain, but said to be gzip": build_packed(BODY),
    "gzip, but not said to be": HostileRequest(gzip.compress(BODY)),
    "nothing, said to be gzip": build_packed(b""),
    "only the header of gzip": build_packed(gzip.compress(BODY)[:10]),
    "gzip without its end": build_packed(gzip.compress(BODY)[:-4]),
    "gzip with a wrong checksum": build_packed(gzip.compress(BODY)[:-8] + b"\xff" * 8),
    "gzip with something after it": build_packed(gzip.compress(BODY) + b"x"),
    "gzip twice in a row": build_packed(gzip.compress(b"{") + gzip.compress(b"}")),
    "gzip in gzip": build_packed(gzip.compress(gzip.compress(BODY))),
    "a bomb": build_packed(gzip.compress(b" " * 50_000_000)),
    "a bomb in a bomb": build_packed(gzip.compress(gzip.compress(b"\0" * 50_000_000))),
    "a bomb of empty blocks": build_packed(gzip.compress(b"")[:10] + b"\0\0\0\xff\xff" * 30_000),
    "deflate": build_packed(zlib.compress(BODY), b"deflate"),
    "zstd": build_packed(zstandard.compress(BODY), b"zstd"),
    "br": build_packed(b"\x0b\x02\x80abc\x03", b"br"),
    "two encodings": build_packed(gzip.compress(gzip.compress(BODY)), b"gzip, gzip"),
    "an encoding that is none": build_packed(BODY, b"\xff\xff"),
    "an encoding in capitals": build_packed(gzip.compress(BODY), b"GZip", fine=True),
}
