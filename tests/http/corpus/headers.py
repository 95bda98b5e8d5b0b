"""Headers that are wrong, doubled, or too much."""

from __future__ import annotations

from tests.http.corpus.hostile import PLAIN, Hostile


def with_header(name: bytes, *values: bytes, fine: bool = False) -> Hostile:
    return Hostile(headers=(*PLAIN, *((name, value) for value in values)), fine=fine)


def typed(value: bytes) -> Hostile:
    return Hostile(headers=((b"content-type", value), PLAIN[1]))


def accepting(value: bytes, *, fine: bool = False) -> Hostile:
    return Hostile(headers=(PLAIN[0], (b"accept", value)), fine=fine)


REQUESTS = {
    "no type": Hostile(headers=PLAIN[1:]),
    "an empty type": typed(b""),
    "a type that is none": typed(b"\xff/\xfe;;;="),
    "a type with another charset": typed(b"application/json; charset=utf-7"),
    "a type with many parameters": typed(b"text/plain" + b"; a=b" * 5_000),
    "a type that only begins like ours": typed(b"application/jsonp"),
    "accepts nothing": accepting(b"*/*;q=0"),
    "accepts what is no type": accepting(b",,;;q=;q=\xff,/"),
    "accepts with weights that are none": accepting(b"application/json;q=nan, application/json;q=1e999", fine=True),
    "accepts very much": accepting(b"a/b;q=0.1," * 3_000 + b"*/*", fine=True),
    "accepts a stream only": accepting(b"text/event-stream"),
    "encodings that are none": with_header(b"accept-encoding", b"gzip;q=\xff,;=,*;q=x", fine=True),
    "an unknown token": with_header(b"authorization", b"Bearer x"),
    "a token in Latin-1": with_header(b"authorization", b"Bearer \xe9\xff"),
    "a token that is very long": with_header(b"authorization", b"Bearer " + b"a" * 50_000),
    "another scheme": with_header(b"authorization", b"Negotiate YII="),
    "an empty scheme": with_header(b"authorization", b""),
    "two tokens": with_header(b"authorization", b"Bearer a", b"Bearer b"),
    "an id that breaks lines": with_header(b"x-request-id", b"abcdefgh%0d%0aset-cookie:a=b", fine=True),
    "an id in another alphabet": with_header(b"x-request-id", "ünïcödé-id".encode(), fine=True),
    "an id that is very long": with_header(b"x-request-id", b"a" * 50_000, fine=True),
    "a tag that is none": with_header(b"if-none-match", b'"""W/,*,\xff', fine=True),
    "an origin that is none": Hostile(
        b"", (PLAIN[1], (b"origin", b"http://[::")), "GET", "/graphql?query=%7B__typename%7D"
    ),
    "fetch metadata that is none": with_header(b"sec-fetch-site", b"\xff" * 100, fine=True),
    "a method that is not ours": Hostile(method="PATCH"),
    "a method that nobody knows": Hostile(method="PROPFIND"),
    "HEAD": Hostile(b"", PLAIN[1:], "HEAD", "/graphql?query=%7B"),
    "another address": Hostile(path="/graphql/../../etc/passwd"),
    "an address in another alphabet": Hostile(path="/%ff%fe"),
    "an address with a NUL": Hostile(path="/graphql%00"),
    "an address with a line break": Hostile(path="/graphql%0A"),
    "a very long header of encodings": with_header(b"accept-encoding", b"a," * 30_000, fine=True),
}
