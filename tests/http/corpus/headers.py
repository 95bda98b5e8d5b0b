"""Headers that are invalid, duplicated or excessive."""

from __future__ import annotations

from tests.http.corpus.hostile import PLAIN, HostileRequest


def build_with_header(name: bytes, *values: bytes, fine: bool = False) -> HostileRequest:
    return HostileRequest(headers=(*PLAIN, *((name, value) for value in values)), fine=fine)


def build_typed(value: bytes) -> HostileRequest:
    return HostileRequest(headers=((b"content-type", value), PLAIN[1]))


def build_accepting(value: bytes, *, fine: bool = False) -> HostileRequest:
    return HostileRequest(headers=(PLAIN[0], (b"accept", value)), fine=fine)


REQUESTS = {
    "no type": HostileRequest(headers=PLAIN[1:]),
    "an empty type": build_typed(b""),
    "a type that is none": build_typed(b"\xff/\xfe;;;="),
    "a type with another charset": build_typed(b"application/json; charset=utf-7"),
    "a type with many parameters": build_typed(b"text/plain" + b"; a=b" * 5_000),
    "a type that only begins like ours": build_typed(b"application/jsonp"),
    "accepts nothing": build_accepting(b"*/*;q=0"),
    "accepts what is no type": build_accepting(b",,;;q=;q=\xff,/"),
    "accepts with weights that are none": build_accepting(
        b"application/json;q=nan, application/json;q=1e999", fine=True
    ),
    "accepts very much": build_accepting(b"a/b;q=0.1," * 3_000 + b"*/*", fine=True),
    "accepts a stream only": build_accepting(b"text/event-stream"),
    "encodings that are none": build_with_header(b"accept-encoding", b"gzip;q=\xff,;=,*;q=x", fine=True),
    "an unknown token": build_with_header(b"authorization", b"Bearer x"),
    "a token in Latin-1": build_with_header(b"authorization", b"Bearer \xe9\xff"),
    "a token that is very long": build_with_header(b"authorization", b"Bearer " + b"a" * 50_000),
    "another scheme": build_with_header(b"authorization", b"Negotiate YII="),
    "an empty scheme": build_with_header(b"authorization", b""),
    "two tokens": build_with_header(b"authorization", b"Bearer a", b"Bearer b"),
    "an id that breaks lines": build_with_header(b"x-request-id", b"abcdefgh%0d%0aset-cookie:a=b", fine=True),
    "an id in another alphabet": build_with_header(b"x-request-id", "ünïcödé-id".encode(), fine=True),
    "an id that is very long": build_with_header(b"x-request-id", b"a" * 50_000, fine=True),
    "a tag that is none": build_with_header(b"if-none-match", b'"""W/,*,\xff', fine=True),
    "an origin that is none": HostileRequest(
        b"", (PLAIN[1], (b"origin", b"http://[::")), "GET", "/graphql?query=%7B__typename%7D"
    ),
    "fetch metadata that is none": build_with_header(b"sec-fetch-site", b"\xff" * 100, fine=True),
    "a method that is not ours": HostileRequest(method="PATCH"),
    "an unknown method": HostileRequest(method="PROPFIND"),
    "HEAD": HostileRequest(b"", PLAIN[1:], "HEAD", "/graphql?query=%7B"),
    "another address": HostileRequest(path="/graphql/../../etc/passwd"),
    "an address in another alphabet": HostileRequest(path="/%ff%fe"),
    "an address with a NUL": HostileRequest(path="/graphql%00"),
    "an address with a line break": HostileRequest(path="/graphql%0A"),
    "a very long header of encodings": build_with_header(b"accept-encoding", b"a," * 30_000, fine=True),
}
