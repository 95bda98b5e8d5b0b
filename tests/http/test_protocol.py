"""GraphQL over HTTP, as the audit of the specification requires, and other requests that a server receives."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from gateway.app import create_app
from gateway.http import request_parsing
from gateway.settings.schema import TokenTable
from tests.databases import create_sqlite_database
from tests.graphql.world import STAFF, World, get_schema, open_world
from tests.http.raw_client import ANSWER, EMPTY, GRAPHQL, JSON, QUERY, get_media_type, list_error_codes, post
from tests.http.server import serve

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def database_kind() -> str:
    return "sqlite"


# ------------------------------------------------------------------------------------------------ media types


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (GRAPHQL, GRAPHQL),
        (JSON, JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        (f"{GRAPHQL}, {JSON}", GRAPHQL),
        (f"{JSON}, {GRAPHQL}", GRAPHQL),
        (f"{GRAPHQL};q=0.5, {JSON}", JSON),
        (f"{GRAPHQL}; charset=utf-8, {JSON}; charset=utf-8", GRAPHQL),
        (f"{GRAPHQL}, {JSON}, text/event-stream, multipart/mixed", GRAPHQL),
        (f"text/html, {JSON}", JSON),
        (f"{JSON};q=0, */*", GRAPHQL),
        (f"{JSON};q=0.1, application/*;q=0.5", GRAPHQL),
        (f"{GRAPHQL};q=0, */*", JSON),
        (f"{GRAPHQL};q=nan, {GRAPHQL};q=7, {JSON};q=0.001", JSON),
        ("text/html, */*;q=0.1", JSON),
    ],
)
async def test_the_answer_has_the_type_that_the_client_prefers(
    http: httpx2.AsyncClient, accept: str, expected: str
) -> None:
    for response in (
        await post(http, QUERY, accept),
        await http.get("/graphql", params=QUERY, headers={"accept": accept}),
    ):
        assert (response.status_code, get_media_type(response), response.json()) == (200, expected, ANSWER)
        assert response.headers["content-type"].endswith("charset=utf-8")


@pytest.mark.parametrize("accept", ["text/plain", "image/png, text/event-stream", f"{JSON};q=0"])
async def test_what_cannot_be_answered_is_406(http: httpx2.AsyncClient, accept: str) -> None:
    response = await post(http, QUERY, accept)
    assert (response.status_code, list_error_codes(response)) == (406, ["NOT_ACCEPTABLE"])


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=utf-16", ""]
)
async def test_another_body_than_json_is_415(http: httpx2.AsyncClient, kind: str) -> None:
    response = await post(http, QUERY, **{"content-type": kind})
    assert (response.status_code, list_error_codes(response)) == (415, ["UNSUPPORTED_MEDIA_TYPE"])


@pytest.mark.parametrize("encoding", ["zstd", "br", "deflate, gzip"])
async def test_a_body_in_another_encoding_than_gzip_is_415_with_the_supported_encodings(
    http: httpx2.AsyncClient, encoding: str
) -> None:
    response = await post(http, QUERY, **{"content-encoding": encoding})
    assert (response.status_code, response.headers["accept-encoding"]) == (415, "gzip, identity")
    assert (await post(http, QUERY, **{"content-encoding": "identity"})).json() == ANSWER


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_other_methods_are_405_with_the_allowed_methods(http: httpx2.AsyncClient, method: str) -> None:
    response = await http.request(method, "/graphql", headers={"accept": GRAPHQL})
    assert (response.status_code, response.headers["allow"]) == (405, "GET, HEAD, POST")


async def test_head_is_get_without_the_body(http: httpx2.AsyncClient) -> None:
    for query, status in (("{ __typename }", 200), ("mutation { __typename }", 405)):
        got, head = [await http.request(method, "/graphql", params={"query": query}) for method in ("GET", "HEAD")]
        assert (got.status_code, head.status_code) == (status, status)
        assert head.headers["content-length"] == got.headers["content-length"]


async def test_an_address_beyond_the_cap_of_a_body_is_414(database_url: str) -> None:
    async with open_world(database_url, {}, **EMPTY, limits={"body_bytes": 1_000}) as world:
        response = await world.client.http.get("/graphql", params={**QUERY, "extensions": "{" * 1_000})
    assert (response.status_code, list_error_codes(response)) == (414, ["URI_TOO_LONG"])


async def test_only_queries_can_be_sent_with_get(http: httpx2.AsyncClient) -> None:
    response = await http.get("/graphql", params={"query": "mutation { __typename }"}, headers={"accept": GRAPHQL})
    assert (response.status_code, response.headers["allow"]) == (405, "POST")


# ------------------------------------------------------------------------------------------------ bodies


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"3",
        b'"x"',
        b"[]",
        b'[{"query":"{__typename}"}]',
        b"\xff\xfe",
        b'{"query":"\xc3\x28"}',
        b'{"query":"\\ud800"}',
        b"[" * 50_000,
        b'{"a":' * 20_000,
        b"1" * 100_000,
        b'{"query": NaN}',
        b"{}",
        b'{"query": null}',
        b'{"query": {}}',
        b'{"query": "{__typename}", "variables": "x"}',
        b'{"query": "{__typename}", "variables": []}',
        b'{"query": "{__typename}", "variables": 1}',
        b'{"query": "{__typename}", "operationName": 7}',
        b'{"query": "{__typename}", "operationName": {}}',
        b'{"query": "{__typename}", "extensions": "x"}',
    ],
)
@pytest.mark.parametrize("accept", [GRAPHQL, JSON])
async def test_a_body_that_is_no_request_is_400(http: httpx2.AsyncClient, body: bytes, accept: str) -> None:
    response = await post(http, body, accept)
    assert (response.status_code, get_media_type(response), list_error_codes(response)) == (
        400,
        accept,
        ["BAD_REQUEST"],
    )
    assert "data" not in response.json()


@pytest.mark.parametrize(
    "extra", [{"variables": None}, {"operationName": None}, {"extensions": {"a": 1}}, {"operationName": ""}]
)
async def test_what_may_be_null_or_extra_may_be(http: httpx2.AsyncClient, extra: dict[str, Any]) -> None:
    assert (await post(http, QUERY | extra)).json() == ANSWER


async def test_parameters_of_a_get_are_read_as_json(http: httpx2.AsyncClient) -> None:
    query = {"query": "query Q($a: Boolean!) { __typename @include(if: $a) }", "operationName": "Q"}
    good = await http.get("/graphql", params=query | {"variables": '{"a":true}'}, headers={"accept": GRAPHQL})
    bad = await http.get("/graphql", params=query | {"variables": "{"}, headers={"accept": GRAPHQL})
    missing = await http.get("/graphql", headers={"accept": GRAPHQL})
    assert (good.status_code, good.json(), bad.status_code, missing.status_code) == (200, ANSWER, 400, 400)


async def test_a_body_beyond_the_cap_is_413_before_it_is_read_whole(http: httpx2.AsyncClient) -> None:
    sent = 0

    async def stream_endlessly() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(1_000):
            sent += 10_000
            yield b" " * 10_000

    response = await http.post(
        "/graphql", content=stream_endlessly(), headers={"content-type": JSON, "accept": GRAPHQL}
    )
    assert response.status_code == 413


async def run_application(messages: list[Any], tmp_path: Path) -> list[Any]:
    """Return the messages that the application sends in response to these messages of a server."""
    sent: list[Any] = []
    waiting = iter(messages)

    async def receive() -> Any:
        message = next(waiting, None)
        if message is None:
            await asyncio.Event().wait()
        return message

    async def send(message: Any) -> None:
        sent.append(message)

    async with open_world(create_sqlite_database(tmp_path / "gateway.db"), {}, **EMPTY) as world:
        headers = [(b"content-type", b"application/json"), (b"accept", GRAPHQL.encode())]
        scope = {"type": "http", "method": "POST", "path": "/graphql", "query_string": b"", "headers": headers}
        await create_app(world.gateway, get_schema())(scope, receive, send)
    return sent


BEGUN = {"type": "http.request", "body": b'{"query":', "more_body": True}


async def test_a_client_that_leaves_while_it_sends_is_no_failure_of_ours(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    sent = await run_application([BEGUN, {"type": "http.disconnect"}], tmp_path)
    assert sent[0]["status"] == 400
    assert caplog.records == []


async def test_a_body_that_does_not_come_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_parsing, "BODY_TIMEOUT", 0.05)
    sent = await run_application([BEGUN], tmp_path)
    assert sent[0]["status"] == 408
    assert (b"connection", b"close") in sent[0]["headers"]


# ------------------------------------------------------------------------------------------------ documents


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"query": "{"}, "GRAPHQL_PARSE_FAILED"),
        ({"query": ""}, "GRAPHQL_PARSE_FAILED"),
        ({"query": "{ nothing }"}, "GRAPHQL_VALIDATION_FAILED"),
        ({"query": "subscription { a }"}, "GRAPHQL_VALIDATION_FAILED"),
        ({"query": "query A { __typename } query B { __typename }"}, "OPERATION_RESOLUTION_FAILURE"),
        ({"query": "query A { __typename }", "operationName": "B"}, "OPERATION_RESOLUTION_FAILURE"),
        ({"query": "fragment A on Query { __typename }"}, "GRAPHQL_VALIDATION_FAILED"),
        ({"query": "query ($k: String!) { channel(key: $k) { key } }"}, "BAD_USER_INPUT"),
        ({"query": "query ($k: String!) { channel(key: $k) { key } }", "variables": {"k": 7}}, "BAD_USER_INPUT"),
        (
            {"query": "query ($n: Int) { products(first: $n) { totalCount } }", "variables": {"n": 2**60}},
            "BAD_USER_INPUT",
        ),
        ({"query": "{ products(first: 99999999999) { totalCount } }"}, "GRAPHQL_VALIDATION_FAILED"),
        ({"query": "{ product(by: {}) { id } }"}, "GRAPHQL_VALIDATION_FAILED"),
        ({"query": '{ product(by: {id: "a", handle: "b"}) { id } }'}, "GRAPHQL_VALIDATION_FAILED"),
    ],
)
async def test_a_request_that_cannot_be_run_says_why(http: httpx2.AsyncClient, body: dict[str, Any], code: str) -> None:
    strict, lenient = await post(http, body, GRAPHQL), await post(http, body, JSON)
    assert (strict.status_code, lenient.status_code) == (400, 200)
    for response in (strict, lenient):
        assert set(list_error_codes(response)) == {code}
        assert "data" not in response.json()


async def test_one_operation_of_several_is_run_by_its_name(http: httpx2.AsyncClient) -> None:
    query = "query A { a: __typename } query B { b: __typename }"
    assert (await post(http, {"query": query, "operationName": "B"})).json() == {"data": {"b": "Query"}}


def build_nested(levels: int) -> str:
    return "{ node(id: 1) " + "{ ... on Category { parent " * levels + "{ id }" + " } }" * levels + " }"


HEAVY = {
    "a thousand equal fields": "{" + " __typename" * 1_000 + "}",
    "fragments that repeat each other": "{"
    + " ".join(f"...F{n}" for n in range(400))
    + "} "
    + " ".join(f"fragment F{n} on Query {{ viewer {{ kind }} }}" for n in range(400)),
    "fragments that unfold": " ".join(
        f"fragment F{n} on Query {{ a{n}: viewer {{ kind }} ...F{n + 1} b{n}: nodes(ids: []) {{ id }} }}"
        for n in range(150)
    )
    + " fragment F150 on Query { __typename } { ...F0 }",
    "deep nesting": build_nested(1_000),
    "moderate nesting": build_nested(60),
    "far too many braces": "{" * 3_900,
    "a fragment inside itself": "fragment A on Query { ...A } { ...A }",
    "too many tokens": "{" + " a" * 90_000 + "}",
    "comments": "#\n" * 60_000 + "{ __typename }",
    "aliases of fields with subfields": "{"
    + " ".join(f"a: channels {{ a: locations {{ a: nodes {{ a{n}: id }} }} }}" for n in range(200))
    + "}",
}


@pytest.mark.parametrize("name", sorted(HEAVY))
async def test_a_document_that_would_cost_too_much_is_refused_at_once(http: httpx2.AsyncClient, name: str) -> None:
    response = await post(http, {"query": HEAVY[name]})
    assert response.status_code == 400
    assert set(list_error_codes(response)) <= {
        *("GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED", "MAX_DEPTH_LIMIT", "MAX_HEIGHT_LIMIT"),
        *("MAX_ALIASES_LIMIT", "MAX_REPETITIONS_LIMIT"),
    }
    assert len(response.content) < 50_000


# ------------------------------------------------------------------------------------------------ errors and tokens


@pytest.mark.parametrize("header", ["Bearer wrong", "Bearer ", "Basic c3RhZmY6eA==", "Bearer \u00e9".encode("latin-1")])
async def test_a_token_that_is_not_known_is_401(http: httpx2.AsyncClient, header: str | bytes) -> None:
    response = await http.post(
        "/graphql", json=QUERY, headers={b"authorization": header.encode() if isinstance(header, str) else header}
    )
    assert (response.status_code, list_error_codes(response)) == (401, ["UNAUTHENTICATED"])
    assert response.headers["www-authenticate"].startswith("Bearer")


async def test_another_scheme_than_bearer_gets_the_supported_scheme(http: httpx2.AsyncClient) -> None:
    response = await http.post("/graphql", json=QUERY, headers={"authorization": STAFF})
    assert "Bearer" in response.json()["errors"][0]["message"]
    assert (response.status_code, response.headers["www-authenticate"]) == (401, "Bearer")


async def test_two_authorization_headers_are_one_too_many(http: httpx2.AsyncClient) -> None:
    headers = [("accept", GRAPHQL), ("authorization", f"Bearer {STAFF}"), ("authorization", "Bearer other")]
    response = await http.post("/graphql", json=QUERY, headers=headers)
    assert (response.status_code, list_error_codes(response)) == (400, ["BAD_REQUEST"])


@pytest.mark.parametrize("token", ["", " "])
def test_a_token_that_is_empty_in_the_configuration_opens_nothing(token: str) -> None:
    assert TokenTable.model_validate({"token": token, "scopes": ["*"]}).hashes == ()


async def test_a_known_token_identifies_the_caller(database_url: str) -> None:
    async with open_world(database_url, {}, locations={}, catalogue={}, stock={}, tokens=ONE) as world:
        query = "{ viewer { kind scopes } }"
        assert await world.client.fetch_data(query, STAFF) == {"viewer": {"kind": "STAFF", "scopes": ["stock:read"]}}
        assert await world.client.fetch_data(query) == {"viewer": {"kind": "ANONYMOUS", "scopes": []}}


ONE = {"one": {"token": STAFF, "scopes": ["stock:read"]}}


# ------------------------------------------------------------------------------------------------ the rest


async def test_a_browser_gets_the_query_editor_which_loads_nothing_from_elsewhere(http: httpx2.AsyncClient) -> None:
    response = await http.get("/graphql", headers={"accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    assert (response.status_code, get_media_type(response)) == (200, "text/html")
    assert "GraphiQL" in response.text and "//" not in response.text
    assert "default-src 'none'" in response.headers["content-security-policy"]


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
async def test_the_query_editor_is_no_answer_to_other_methods(http: httpx2.AsyncClient, method: str) -> None:
    response = await http.request(method, "/graphql", headers={"accept": "text/html"})
    assert (response.status_code, list_error_codes(response)) == (406, ["NOT_ACCEPTABLE"])


async def test_the_query_editor_can_be_turned_off(database_url: str) -> None:
    async with open_world(database_url, {}, **EMPTY, server={"graphiql": False}) as world:
        response = await world.client.http.get("/graphql", headers={"accept": "text/html"})
        assert response.status_code == 406


async def test_health(world: World) -> None:
    live, ready = await world.client.http.get("/health/live"), await world.client.http.get("/health/ready")
    assert (live.status_code, live.json()) == (200, {"status": "live"})
    assert (ready.status_code, ready.json()) == (200, {"status": "ready"})


@pytest.mark.parametrize("path", ["/elsewhere", "/graphql/", "/", "/gra%00phql", "/%2e%2e/etc/passwd"])
async def test_an_unknown_address_is_404_and_redirects_nowhere(http: httpx2.AsyncClient, path: str) -> None:
    response = await http.get(path, headers={"accept": GRAPHQL})
    assert (response.status_code, list_error_codes(response), get_media_type(response)) == (404, ["NOT_FOUND"], GRAPHQL)


# ------------------------------------------------------------------------------------------------ the Host header

BODY = b'{"query":"{ __typename }"}'


def build_request(version: bytes, *hosts: bytes) -> bytes:
    lines = [b"POST /graphql HTTP/" + version, b"content-type: application/json", b"content-length: %d" % len(BODY)]
    return b"\r\n".join([*lines, *(b"host: " + host for host in hosts), b"", BODY])


@pytest.mark.parametrize(
    ("version", "hosts", "status"),
    [
        (b"1.1", (b"api.example.com",), 200),
        (b"1.1", (), 400),
        (b"1.1", (b"api.example.com", b"api.example.com"), 400),
        (b"1.0", (), 200),
        (b"1.0", (b"a", b"b"), 400),
    ],
)
async def test_a_request_names_its_host_once(
    shared_database_url: str, version: bytes, hosts: tuple[bytes, ...], status: int
) -> None:
    async with (
        open_world(shared_database_url, {}, **EMPTY) as world,
        serve(world.gateway) as server,
        server.connect() as line,
    ):
        await line.send(build_request(version, *hosts))
        assert (await line.answer())[0] == status
