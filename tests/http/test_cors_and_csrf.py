"""Access of pages of other origins (CORS and CSRF), by configuration."""

from __future__ import annotations

import contextlib
import re
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import httpx2
import pytest

from gateway.http.cors import EXPOSED_HEADERS
from gateway.http.graphql import csrf
from gateway.http.origins import AllowedOrigins
from gateway.settings.loading import parse
from gateway.settings.problems import SettingsError
from gateway.settings.schema import ServerTable
from tests.graphql.world import PRODUCTION, open_small_world, open_world
from tests.http.raw_client import ANSWER, EMPTY, GRAPHQL, JSON, QUERY, get, list_error_codes, post

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def database_kind() -> str:
    return "sqlite"


PAGE = Path(__file__).parents[2] / "docs" / "http.md"
SHOP, OTHER = "https://shop.example.com", "https://evil.example"
LOCAL = ("http://localhost:5173", "http://127.0.0.1:3000", "http://localhost")
CROSS = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"}
PREFLIGHT = {"access-control-request-method": "POST", "access-control-request-headers": "authorization,content-type"}


@contextlib.asynccontextmanager
async def open_with_cors(url: str, **cors: Any) -> AsyncIterator[httpx2.AsyncClient]:
    async with open_world(url, {}, **EMPTY, server={"cors": cors}) as world:
        yield world.client.http


def list_cors_headers(response: httpx2.Response) -> dict[str, str]:
    """List the CORS headers of the response, without their prefix."""
    return {
        name.removeprefix("access-control-"): value
        for name, value in response.headers.items()
        if name.startswith("access-control-")
    }


# ------------------------------------------------------------------------------------------------ CSRF


@pytest.mark.parametrize(
    "headers",
    [
        CROSS,
        CROSS | {"sec-fetch-site": "same-site"},
        CROSS | {"sec-fetch-mode": "cors"},
        {"origin": OTHER},
        {"origin": "null"},
    ],
)
async def test_a_get_that_another_page_causes_is_refused(http: httpx2.AsyncClient, headers: Mapping[str, str]) -> None:
    response = await http.get("/graphql", params=QUERY, headers={"accept": GRAPHQL, **headers})
    assert (response.status_code, list_error_codes(response)) == (403, ["CROSS_SITE_REQUEST"])
    assert response.headers["cache-control"] == "private, no-store"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"sec-fetch-site": "same-origin", "sec-fetch-mode": "cors"},
        {"sec-fetch-site": "none", "sec-fetch-mode": "navigate"},
        {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"},
        {"origin": "http://gateway"},
        *({**CROSS, sign: "true"} for sign in csrf.PREFLIGHT_HEADERS),
        {**CROSS, "content-type": JSON},
    ],
)
async def test_a_same_origin_or_deliberate_get_is_answered(
    http: httpx2.AsyncClient, headers: Mapping[str, str]
) -> None:
    response = await http.get("/graphql", params=QUERY, headers={"accept": GRAPHQL, **headers})
    assert (response.status_code, response.json()) == (200, ANSWER)


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
async def test_a_post_that_a_form_could_send_is_never_read(http: httpx2.AsyncClient, kind: str) -> None:
    response = await post(http, QUERY, **{"content-type": kind})
    assert (response.status_code, list_error_codes(response)) == (415, ["UNSUPPORTED_MEDIA_TYPE"])


async def test_the_proof_without_the_guard_a_page_can_cause_a_get(
    http: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csrf, "_is_cross_origin", lambda *_: False)
    assert (await get(http, "{ __typename }", **CROSS)).json() == ANSWER


# ------------------------------------------------------------------------------------------------ CORS


@pytest.mark.parametrize("origin", [SHOP, *LOCAL])
async def test_in_production_no_page_may_read_anything_by_default(database_url: str, origin: str) -> None:
    async with open_small_world(database_url, **PRODUCTION) as world:
        http = world.client.http
        preflight = await http.options("/graphql", headers={"origin": origin, **PREFLIGHT})
        assert (preflight.status_code, list_cors_headers(preflight)) == (405, {})
        response = await post(http, QUERY, origin=origin)
        assert (list_cors_headers(response), "Origin" in response.headers["vary"]) == ({}, False)
        assert list_error_codes(await get(http, "{ __typename }", origin=origin)) == ["CROSS_SITE_REQUEST"]


@pytest.mark.parametrize("origin", LOCAL)
async def test_in_development_a_local_page_is_allowed(http: httpx2.AsyncClient, origin: str) -> None:
    preflight = await http.options("/graphql", headers={"origin": origin, **PREFLIGHT})
    assert (preflight.status_code, list_cors_headers(preflight)["allow-origin"]) == (204, origin)
    assert list_cors_headers(preflight)["allow-headers"] == PREFLIGHT["access-control-request-headers"]
    for response in (await post(http, QUERY, origin=origin), await get(http, "{ __typename }", origin=origin, **CROSS)):
        assert (response.json(), list_cors_headers(response)["allow-origin"]) == (ANSWER, origin)


NOT_LOCAL = (
    SHOP,
    "null",
    "https://localhost:3000",
    "http://localhost.evil.example",
    "http://localhost:3000.evil.example",
    "http://evil.example/http://localhost",
    "http://127.0.0.1.evil.example",
    "http://localhost:3000\n",
    "http://127.0.0.2",
)


def test_only_the_two_names_of_this_machine_are_local() -> None:
    development = AllowedOrigins.read(ServerTable())
    assert [origin for origin in NOT_LOCAL if origin in development] == []
    assert all(origin in development for origin in LOCAL)
    assert not AllowedOrigins.read(ServerTable(mode="production"))


async def test_in_development_a_blocked_page_learns_how_to_be_allowed_and_is_logged_once(
    database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_world(database_url, {}, **EMPTY) as world:
        for _ in range(2):
            preflight = await world.client.http.options("/graphql", headers={"origin": OTHER, **PREFLIGHT})
            assert (preflight.status_code, list_cors_headers(preflight)) == (403, {})
            assert "server.cors.origins" in preflight.json()["errors"][0]["message"]
            assert "Origin" in preflight.headers["vary"]
        blocked = [record.getMessage() for record in caplog.records if record.name == "gateway.http.origins"]
    assert len(blocked) == 1 and OTHER in blocked[0] and "[server.cors] origins" in blocked[0]


async def test_cookies_are_never_for_local_pages(database_url: str) -> None:
    async with open_with_cors(database_url, origins=[SHOP], credentials=True) as http:
        headers = list_cors_headers(await post(http, QUERY, origin=LOCAL[0]))
        assert (headers["allow-origin"], headers.get("allow-credentials")) == (LOCAL[0], None)


async def test_an_allowed_origin_gets_cors_headers_and_another_does_not(database_url: str) -> None:
    async with open_with_cors(database_url, origins=[SHOP], max_age="10m") as http:
        allowed = await http.options("/graphql", headers={"origin": SHOP, **PREFLIGHT})
        assert allowed.status_code == 204
        assert list_cors_headers(allowed) == {
            "allow-origin": SHOP,
            "allow-methods": "GET, POST",
            "allow-headers": "authorization,content-type",
            "max-age": "600",
            "expose-headers": "ETag, GraphQL-Cost, Retry-After, RateLimit, RateLimit-Policy, X-Request-ID",
        }
        assert list_cors_headers(await http.options("/graphql", headers={"origin": OTHER, **PREFLIGHT})) == {}
        for response in (await post(http, QUERY, origin=SHOP), await get(http, "{ __typename }", origin=SHOP, **CROSS)):
            assert (response.json(), list_cors_headers(response)["allow-origin"]) == (ANSWER, SHOP)
        assert list_cors_headers(await post(http, QUERY, origin=OTHER)) == {}


async def test_every_answer_depends_on_the_origin_or_a_cache_would_give_one_pages_to_another(database_url: str) -> None:
    async with open_with_cors(database_url, origins=[SHOP]) as http:
        for headers in ({}, {"origin": SHOP}, {"origin": OTHER}):
            assert "Origin" in (await post(http, QUERY, **headers)).headers["vary"]
        assert "Origin" in (await http.get("/nowhere")).headers["vary"]


async def test_a_refusal_can_be_read_by_a_page_that_may_ask(database_url: str) -> None:
    async with open_with_cors(database_url, origins=[SHOP]) as http:
        for response in (await post(http, b"{", origin=SHOP), await http.get("/nowhere", headers={"origin": SHOP})):
            assert (response.is_client_error, list_cors_headers(response)["allow-origin"]) == (True, SHOP)


async def test_any_origin_is_allowed_without_cookies(database_url: str) -> None:
    async with open_with_cors(database_url, origins=["*"]) as http:
        response = await get(http, "{ __typename }", origin=OTHER, **CROSS)
        assert (response.json(), list_cors_headers(response)["allow-origin"]) == (ANSWER, "*")
        assert "allow-credentials" not in list_cors_headers(response)
        assert "Origin" not in response.headers["vary"]
    for table in (
        {"origins": ["*"], "credentials": True},
        {"origins": ["shop.example.com"]},
        {"origins": [SHOP + "/"]},
    ):
        with pytest.raises(SettingsError, match=r"server\.cors"):
            parse({"server": {"cors": table}})


async def test_cookies_are_for_named_origins_alone(database_url: str) -> None:
    async with open_with_cors(database_url, origins=[SHOP], credentials=True) as http:
        assert list_cors_headers(await post(http, QUERY, origin=SHOP))["allow-credentials"] == "true"
        assert list_cors_headers(await post(http, QUERY, origin=OTHER)) == {}


@pytest.mark.parametrize("names", ["", "a\tb", "x" * 3_000, "caf\u00e9".encode("latin-1")])
async def test_headers_that_are_no_names_are_not_repeated(database_url: str, names: str | bytes) -> None:
    async with open_with_cors(database_url, origins=[SHOP]) as http:
        raw = names if isinstance(names, bytes) else names.encode()
        headers = {
            b"origin": SHOP.encode(),
            b"access-control-request-method": b"GET",
            b"access-control-request-headers": raw,
        }
        assert "allow-headers" not in list_cors_headers(await http.options("/graphql", headers=headers))


def test_the_page_names_every_header_that_scripts_may_read() -> None:
    sentence = re.search(r"An allowed page .*?\.", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert sentence is not None
    assert set(re.findall("`([A-Z][A-Za-z-]+)`", sentence[0])) == set(EXPOSED_HEADERS.split(", "))
