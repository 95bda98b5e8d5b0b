"""What pages of other origins can do, in browsers: what the configuration allows them."""

from __future__ import annotations

import contextlib
import re
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import httpx2
import pytest

from gateway.http import crossing
from gateway.http.cors import SHOWN
from gateway.settings import SettingsError, parse
from tests.graphql.world import opened
from tests.http.asking import ANSWER, EMPTY, GRAPHQL, JSON, QUERY, codes, get, post

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def database_kind() -> str:
    return "sqlite"


PAGE = Path(__file__).parents[2] / "docs" / "http.md"
SHOP, OTHER = "https://shop.example.com", "https://evil.example"
CROSS = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"}
PREFLIGHT = {"access-control-request-method": "POST", "access-control-request-headers": "authorization,content-type"}


@contextlib.asynccontextmanager
async def allowing(url: str, **cors: Any) -> AsyncIterator[httpx2.AsyncClient]:
    async with opened(url, {}, **EMPTY, server={"cors": cors}) as world:
        yield world.client.http


def about(response: httpx2.Response) -> dict[str, str]:
    """What the answer says to browsers."""
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
    assert (response.status_code, codes(response)) == (403, ["CROSS_SITE_REQUEST"])
    assert response.headers["cache-control"] == "private, no-store"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"sec-fetch-site": "same-origin", "sec-fetch-mode": "cors"},
        {"sec-fetch-site": "none", "sec-fetch-mode": "navigate"},
        {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"},
        {"origin": "http://gateway"},
        *({**CROSS, sign: "true"} for sign in crossing.SIGNS),
        {**CROSS, "content-type": JSON},
    ],
)
async def test_a_get_of_ones_own_or_a_deliberate_one_is_answered(
    http: httpx2.AsyncClient, headers: Mapping[str, str]
) -> None:
    response = await http.get("/graphql", params=QUERY, headers={"accept": GRAPHQL, **headers})
    assert (response.status_code, response.json()) == (200, ANSWER)


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
async def test_a_post_that_a_form_could_send_is_never_read(http: httpx2.AsyncClient, kind: str) -> None:
    response = await post(http, QUERY, **{"content-type": kind})
    assert (response.status_code, codes(response)) == (415, ["UNSUPPORTED_MEDIA_TYPE"])


async def test_the_proof_without_the_guard_a_page_can_cause_a_get(
    http: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crossing, "_crosses", lambda *_: False)
    assert (await get(http, "{ __typename }", **CROSS)).json() == ANSWER


# ------------------------------------------------------------------------------------------------ CORS


async def test_by_default_no_page_may_read_anything(http: httpx2.AsyncClient) -> None:
    preflight = await http.options("/graphql", headers={"origin": SHOP, **PREFLIGHT})
    assert (preflight.status_code, about(preflight)) == (405, {})
    assert about(await post(http, QUERY, origin=SHOP)) == {}


async def test_a_page_that_may_ask_is_told_so_and_another_is_not(database_url: str) -> None:
    async with allowing(database_url, origins=[SHOP], max_age="10m") as http:
        allowed = await http.options("/graphql", headers={"origin": SHOP, **PREFLIGHT})
        assert allowed.status_code == 204
        assert about(allowed) == {
            "allow-origin": SHOP,
            "allow-methods": "GET, POST",
            "allow-headers": "authorization,content-type",
            "max-age": "600",
            "expose-headers": "ETag, GraphQL-Cost, Retry-After, RateLimit, RateLimit-Policy, X-Request-ID",
        }
        assert about(await http.options("/graphql", headers={"origin": OTHER, **PREFLIGHT})) == {}
        for response in (await post(http, QUERY, origin=SHOP), await get(http, "{ __typename }", origin=SHOP, **CROSS)):
            assert (response.json(), about(response)["allow-origin"]) == (ANSWER, SHOP)
        assert about(await post(http, QUERY, origin=OTHER)) == {}


async def test_every_answer_depends_on_the_origin_or_a_cache_would_give_one_pages_to_another(database_url: str) -> None:
    async with allowing(database_url, origins=[SHOP]) as http:
        for headers in ({}, {"origin": SHOP}, {"origin": OTHER}):
            assert "Origin" in (await post(http, QUERY, **headers)).headers["vary"]
        assert "Origin" in (await http.get("/nowhere")).headers["vary"]


async def test_a_refusal_can_be_read_by_a_page_that_may_ask(database_url: str) -> None:
    async with allowing(database_url, origins=[SHOP]) as http:
        for response in (await post(http, b"{", origin=SHOP), await http.get("/nowhere", headers={"origin": SHOP})):
            assert (response.is_client_error, about(response)["allow-origin"]) == (True, SHOP)


async def test_everybody_is_allowed_alike_and_never_with_cookies(database_url: str) -> None:
    async with allowing(database_url, origins=["*"]) as http:
        response = await get(http, "{ __typename }", origin=OTHER, **CROSS)
        assert (response.json(), about(response)["allow-origin"]) == (ANSWER, "*")
        assert "allow-credentials" not in about(response)
        assert "Origin" not in response.headers["vary"]
    for table in (
        {"origins": ["*"], "credentials": True},
        {"origins": ["shop.example.com"]},
        {"origins": [SHOP + "/"]},
    ):
        with pytest.raises(SettingsError, match=r"server\.cors"):
            parse({"server": {"cors": table}})


async def test_cookies_are_for_named_origins_alone(database_url: str) -> None:
    async with allowing(database_url, origins=[SHOP], credentials=True) as http:
        assert about(await post(http, QUERY, origin=SHOP))["allow-credentials"] == "true"
        assert about(await post(http, QUERY, origin=OTHER)) == {}


@pytest.mark.parametrize("names", ["", "a\tb", "x" * 3_000, "caf\u00e9".encode("latin-1")])
async def test_headers_that_are_no_names_are_not_repeated(database_url: str, names: str | bytes) -> None:
    async with allowing(database_url, origins=[SHOP]) as http:
        raw = names if isinstance(names, bytes) else names.encode()
        headers = {
            b"origin": SHOP.encode(),
            b"access-control-request-method": b"GET",
            b"access-control-request-headers": raw,
        }
        assert "allow-headers" not in about(await http.options("/graphql", headers=headers))


def test_the_page_names_every_header_that_scripts_may_read() -> None:
    told = re.search(r"A page that may ask .*?\.", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert told is not None
    assert set(re.findall("`([A-Z][A-Za-z-]+)`", told[0])) == set(SHOWN.split(", "))
