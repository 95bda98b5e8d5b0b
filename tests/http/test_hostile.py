"""The gateway answers every hostile request with an error code and never with a 5xx."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.execution.error_codes import Code
from tests.graphql.world import World, open_small_world
from tests.http.corpus import CORPUS
from tests.http.corpus.hostile import PLAIN, HostileRequest
from tests.http.raw_client import ANSWER, QUERY, post

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def database_kind() -> str:
    return "sqlite"


LONGEST = 20_000
"""Maximum size of an error response in bytes: it must not echo the request."""


@pytest.fixture(scope="module")
async def retailer(shared_database_url: str) -> AsyncIterator[World]:
    async with open_small_world(shared_database_url) as world:
        yield world


@pytest.fixture(scope="module")
def shop(retailer: World) -> httpx2.AsyncClient:
    return retailer.client.http


def list_problems(response: httpx2.Response, *, fine: bool) -> list[str]:
    """List what is wrong with the response to a hostile request."""
    if response.request.method == "HEAD":
        return [] if response.is_client_error else [f"status {response.status_code}"]
    body = response.json()
    errors = body.get("errors", [])
    codes = {error["extensions"]["code"] for error in errors}
    ids = {error["extensions"]["requestId"] for error in errors}
    problems = [f"status {response.status_code}"] if response.status_code >= 500 else []
    problems += [f"unknown code {code}" for code in codes - set(Code.__members__)]
    problems += ["something is broken"] if Code.INTERNAL_SERVER_ERROR.name in codes else []
    problems += ["another id than the header's"] if ids - {response.headers["x-request-id"]} else []
    problems += ["long"] if errors and len(response.content) > LONGEST else []
    problems += ["answered"] if not errors and not fine else []
    problems += ["kept"] if errors and response.headers["cache-control"] != "private, no-store" else []
    return problems


@pytest.mark.parametrize("name", sorted(CORPUS))
async def test_a_hostile_request_is_refused_with_a_code(
    shop: httpx2.AsyncClient, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    response = await CORPUS[name].send(shop)
    assert list_problems(response, fine=CORPUS[name].fine) == []
    assert caplog.records == []


async def test_it_lives_on(shop: httpx2.AsyncClient) -> None:
    for request in CORPUS.values():
        await request.send(shop)
    assert (await post(shop, QUERY)).json() == ANSWER


@pytest.mark.parametrize("wrong", [RuntimeError("broken"), UnicodeError("broken"), RecursionError("broken")])
async def test_the_proof_what_breaks_is_seen(
    shop: httpx2.AsyncClient, wrong: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def raise_error(*_: object) -> None:
        raise wrong

    monkeypatch.setattr("gateway.http.graphql.endpoint.read_request", raise_error)
    response = await HostileRequest().send(shop)
    assert list_problems(response, fine=True) == ["status 500", "something is broken"]


# ------------------------------------------------------------------------------------------------ at random

LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
JSON_VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
)
KEYS = ("query", "variables", "operationName", "extensions", "documentId")
PIECES = st.sampled_from(
    [*'{}()[]:,$!@=|&#"\\\n', "...", "query", "mutation", "fragment", "on", "node", "id", "1", "products"]
)
HEADERS = st.sampled_from(
    [
        *(b"accept", b"accept-encoding", b"authorization", b"content-type", b"content-encoding", b"if-none-match"),
        *(b"origin", b"sec-fetch-site", b"x-request-id", b"x-forwarded-for", b"cookie", b"host"),
    ]
)
VISIBLE = st.binary(max_size=40).map(lambda value: bytes(byte for byte in value if byte > 31 and byte != 127))


@given(st.binary(max_size=200))
async def test_bytes_at_random_are_refused(shop: httpx2.AsyncClient, body: bytes) -> None:
    assert list_problems(await HostileRequest(body).send(shop), fine=False) == []


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(KEYS, JSON_VALUES)))
async def test_values_at_random_are_refused(shop: httpx2.AsyncClient, body: dict[str, Any]) -> None:
    assert list_problems(await HostileRequest(json.dumps(body).encode(errors="replace")).send(shop), fine=False) == []


@given(st.lists(PIECES, max_size=40))
async def test_documents_at_random_are_refused_or_answered(shop: httpx2.AsyncClient, pieces: list[str]) -> None:
    body = json.dumps({"query": "{" + " ".join(pieces)}).encode()
    assert list_problems(await HostileRequest(body).send(shop), fine=True) == []


@given(st.lists(st.tuples(HEADERS, VISIBLE), max_size=5), st.sampled_from(["GET", "POST"]))
async def test_headers_at_random_are_refused_or_ignored(
    shop: httpx2.AsyncClient, headers: list[tuple[bytes, bytes]], method: str
) -> None:
    request = HostileRequest(headers=(*headers, *PLAIN), method=method, path="/graphql?query=%7B__typename%7D")
    assert list_problems(await request.send(shop), fine=True) == []
