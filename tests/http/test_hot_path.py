"""The hot path answers as the ordinary path does, byte for byte and header for header, and answers what it should."""

from __future__ import annotations

import asyncio
import gzip
import json
import random
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any

import pytest
from starlette.types import Scope

from gateway.execution.caching.lru_cache import WeightedLRU
from gateway.http.admission.fair_queue import AdmissionQueue
from gateway.http.admission.middleware import Admission
from gateway.http.auth import Client, ClientIdentifier
from gateway.http.graphql import request_head
from gateway.http.graphql.hot_path import HotPath
from gateway.http.graphql.ready_responses import ReadyResponses
from gateway.http.rate_limit.limiter import REQUEST_COST
from gateway.http.request_state import RequestState
from tests.graphql.world import ADMIN, CLERK, PRODUCTION, STAFF, TOKENS, World, open_small_world
from tests.http.path_comparison import Comparison, Exchange, build_get, build_post, send
from tests.http.raw_client import GRAPHQL, JSON
from tests.http.test_persisted_documents import build_hash_request, build_id_request, push

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def database_kind() -> str:
    return "sqlite"


CATALOG = "{ products(first: 3) { nodes { title variants { nodes { sku title listings { title url } } } } } }"
ASKED = "query Asked($first: Int!) { products(first: $first) { nodes { title } } }"
TWO = "query One { products { nodes { title } } } query Two { products { nodes { id } } }"
HIDDEN = '{ productVariants(first: 2) { nodes { sku price(channelKey: "till") { amount } } } }'
PUBLISHED = "query Published { products(first: 2) { nodes { id } } }"
REGISTERED = "query Registered { products(first: 1) { nodes { id title } } }"
COSTLY = "{ products(first: 100) { nodes { variants(first: 100) { nodes { id sku } } } } }"
EXPIRED, NARROW = "expired-secret", "narrow-secret"
SHOP, EVIL, LOCAL = "https://shop.example.com", "https://evil.example", "http://localhost:3000"
POST, GET = build_post("POST", {"query": CATALOG}, is_hot=True), build_get("GET", {"query": CATALOG}, is_hot=True)
PRIVATE: Mapping[str, Any] = {
    **TOKENS,
    "expired": {"token": EXPIRED, "scopes": [], "expires": "2020-01-01T00:00:00Z"},
    "narrow": {"token": NARROW, "scopes": [], "channels": ["web"]},
}
CONFIGURATIONS: Mapping[str, Mapping[str, Any]] = {
    "development": {"tokens": PRIVATE},
    "rates": {
        "tokens": PRIVATE,
        "limits": {
            "anonymous": {"rate": 3_000_000, "cost": 10_000},
            "known": {"rate": 4_000_000},
            "variables": 2,
            "body_bytes": 5_000,
            "trusted_proxies": ["192.0.2.0/24"],
        },
        "server": {"draft_status_codes": True, "batching": 2, "cors": {"origins": [SHOP], "credentials": True}},
    },
    "production": {**PRODUCTION, "server": {"mode": "production", "cors": {"origins": ["*"]}}},
    "no pages": {**PRODUCTION, "server": {"mode": "production"}},
    "ids only": {"tokens": PRIVATE, "documents": {"anonymous": "ids", "known": "safelist"}},
    "nothing cached": {"server": {"caching": {"response_megabytes": 0}}},
}


def authorize(token: str) -> Mapping[str, Sequence[str]]:
    return {"authorization": [f"Bearer {token}"]}


def list_accepted() -> list[Exchange]:
    """List requests that the hot path answers, where a configuration allows any document."""
    encoded = [{"accept-encoding": [name]} for name in ("gzip", "zstd", "identity", "br, *;q=0.5")]
    return [
        POST,
        GET,
        GET.change("HEAD", method="HEAD"),
        *(one.change(str(headers), headers) for one in (POST, GET) for headers in encoded),
        *(one.change(token, authorize(token)) for one in (POST, GET) for token in (STAFF, CLERK, ADMIN)),
        *(one.change(f"accept {accept}", {"accept": [accept]}) for one in (POST, GET) for accept in (JSON, "*/*")),
        *(one.change("no accept", {"accept": []}) for one in (POST, GET)),
        *(POST.change(origin, {"origin": [origin]}) for origin in (SHOP, EVIL, LOCAL)),
        POST.change("no request id", {"x-request-id": []}),
        POST.change("an unsafe request id", {"x-request-id": ["x y"]}),
        POST.change("two request ids", {"x-request-id": ["a" * 8, "b" * 8]}),
        POST.change("UTF-8", {"content-type": [f"{JSON}; charset=utf-8"]}),
        POST.change("a plain body", {"content-encoding": ["identity"]}),
        POST.change("forwarded", {"x-forwarded-for": ["203.0.113.7, 192.0.2.9"]}),
        POST.change("IPv6", {"x-forwarded-for": ["2001:db8::7"]}),
        POST.change("HTTP/1.0 without a host", {"host": []}, version="1.0"),
        POST.change("two chunks", chunks=(POST.chunks[0][:9], POST.chunks[0][9:])),
        GET.change("after a preflight", {"origin": [EVIL], "apollo-require-preflight": ["true"]}),
        GET.change("of this host", {"origin": ["http://gateway"]}),
        GET.change("a link", {"sec-fetch-site": ["cross-site"], "sec-fetch-mode": ["navigate"]}),
        GET.change("another parameter", parameters={"query": CATALOG, "utm": "x"}),
        GET.change("another tag", {"if-none-match": ['"other"']}),
        GET.change("any tag", {"if-none-match": ["*"]}),
        GET.change("any tag, but fresh", {"if-none-match": ["*"], "cache-control": ["no-cache"]}),
        build_post("variables", {"query": ASKED, "variables": {"first": 2}}, is_hot=True),
        build_post("an operation", {"query": TWO, "operationName": "Two"}, is_hot=True),
        build_post("hidden", {"query": HIDDEN}, is_hot=True),
    ]


def list_refused() -> list[Exchange]:
    """List requests that an application refuses."""
    post, get = (one.change("", is_hot=None) for one in (POST, GET))
    return [
        post.change("an unknown token", authorize("other"), is_hot=False),
        get.change("an unknown token", authorize("other"), is_hot=False),
        post.change("an expired token", authorize(EXPIRED), is_hot=False),
        post.change("another scheme", {"authorization": ["Basic eA=="]}, is_hot=False),
        post.change("two tokens", {"authorization": [f"Bearer {STAFF}", f"Bearer {CLERK}"]}, is_hot=False),
        post.change("no host", {"host": []}, is_hot=False),
        post.change("two hosts", {"host": ["gateway", "other"]}, is_hot=False),
        post.change("no such media type", {"accept": ["text/plain"]}, is_hot=False),
        post.change("a page", {"accept": ["text/html"]}, is_hot=False),
        get.change("a page", {"accept": ["text/html"]}, is_hot=False),
        post.change("no content type", {"content-type": []}, is_hot=False),
        post.change("a form", {"content-type": ["text/plain"]}, is_hot=False),
        post.change("Latin-1", {"content-type": [f"{JSON}; charset=latin-1"]}, is_hot=False),
        post.change("gzip", {"content-encoding": ["gzip"]}, chunks=(gzip.compress(POST.chunks[0]),), is_hot=False),
        post.change("not gzip", {"content-encoding": ["gzip"]}, is_hot=False),
        post.change("br", {"content-encoding": ["br"]}, is_hot=False),
        post.change("too large", chunks=(POST.chunks[0] + b" " * 300_000,), is_hot=False),
        post.change("too large in parts", chunks=(POST.chunks[0], b" " * 300_000), is_hot=False),
        post.change("incomplete", chunks=(POST.chunks[0][:9],), is_broken=True),
        post.change("no JSON", chunks=(b"{",), is_hot=False),
        post.change("no object", chunks=(b"1",), is_hot=False),
        post.change("a batch", chunks=(b"[%s]" % POST.chunks[0],), is_hot=False),
        post.change("long", chunks=(POST.chunks[0] + b" " * 30_000,)),
        post.change("PUT", method="PUT", is_hot=False),
        post.change("long headers", {"accept": [GRAPHQL + " " * 3_000]}, is_hot=False),
        *(get.change("a page of another origin", {"origin": [origin]}) for origin in (EVIL, SHOP, LOCAL)),
        get.change("another site", {"sec-fetch-site": ["cross-site"], "sec-fetch-mode": ["cors"]}),
        get.change("nothing", parameters={}, is_hot=False),
        get.change("a repeated parameter", parameters={"query": CATALOG, "variables": "[]"}, is_hot=False),
        build_get("a mutation", {"query": "mutation { cartDelete { x } }"}, is_hot=False),
        build_post("nothing", {}, is_hot=False),
        build_post("of the wrong type", {"query": 1}, is_hot=False),
        build_post("a syntax error", {"query": "{"}, is_hot=False),
        build_post("an unknown field", {"query": "{ nothing }"}, is_hot=False),
        build_post("two operations", {"query": TWO}, is_hot=False),
        build_post("personal data", {"query": "{ orders { nodes { number } } }"}, is_hot=False),
        build_post("introspection", {"query": "{ __schema { queryType { name } } }"}, is_hot=False),
        build_post("many variables", {"query": CATALOG, "variables": dict.fromkeys("abc", 1)}),
        build_post("a dear operation", {"query": COSTLY}),
        build_post("a hidden channel", {"query": HIDDEN}).change("narrow", authorize(NARROW)),
        build_post("an unknown id", {"documentId": f"sha256:{0:064}"}, is_hot=False),
        build_post("an invalid id", {"documentId": "?"}, is_hot=False),
    ]


def list_persisted() -> list[Exchange]:
    """List requests by id and by hash."""
    return [
        build_post("an id", build_id_request(PUBLISHED), is_hot=True),
        build_get("an id", build_id_request(PUBLISHED), is_hot=True),
        build_get("an id", build_id_request(PUBLISHED), is_hot=True).change("with a token", authorize(STAFF)),
        build_post("a text with its hash", build_hash_request(REGISTERED, query=REGISTERED)),
        build_post("a hash", build_hash_request(REGISTERED)),
        build_get("a hash", {"extensions": json.dumps(build_hash_request(REGISTERED)["extensions"])}),
        build_post("another version", {"extensions": {"persistedQuery": {"version": 2}}}, is_hot=False),
        build_post("two ids", {**build_hash_request(REGISTERED), **build_id_request(PUBLISHED)}, is_hot=False),
    ]


def forget_path(exchanges: Sequence[Exchange]) -> list[Exchange]:
    """Leave open which path answers."""
    return [exchange.change("", is_hot=None) for exchange in exchanges]


@pytest.fixture(params=CONFIGURATIONS)
async def configured(request: pytest.FixtureRequest, database_url: str) -> AsyncIterator[World]:
    async with open_small_world(database_url, **CONFIGURATIONS[request.param]) as world:
        yield world


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with open_small_world(database_url, **CONFIGURATIONS["development"]) as world:
        yield world


# ------------------------------------------------------------------------------------------------ equal answers


async def test_both_paths_answer_alike_in_any_configuration(configured: World) -> None:
    await push(configured, PUBLISHED)
    exchanges = forget_path([*list_accepted(), *list_refused(), *list_persisted()])
    assert await Comparison(configured).find_differences(exchanges) == []


async def test_the_hot_path_answers_what_it_should_and_nothing_else(world: World) -> None:
    await push(world, PUBLISHED)
    assert await Comparison(world).find_differences([*list_accepted(), *list_refused(), *list_persisted()]) == []


@pytest.mark.parametrize("seed", range(4))
async def test_both_paths_answer_alike_whatever_headers_are_combined(configured: World, seed: int) -> None:
    choose = random.Random(seed)
    sources = [*list_accepted(), *list_refused(), *list_persisted()]
    mixed = []
    for number in range(60):
        body, *heads = choose.sample(sources, 3)
        extra = {key: value for one in heads for key, value in one.headers.items() if choose.random() < 0.3}
        mixed.append(body.change(f"mixed {number}", extra, is_hot=None))
    assert await Comparison(configured).find_differences(mixed, 3) == []


async def test_a_client_over_its_rate_is_refused_alike(database_url: str) -> None:
    limits = {"anonymous": {"rate": 5 * REQUEST_COST}, "known": {"rate": 7 * REQUEST_COST}}
    async with open_small_world(database_url, tokens=PRIVATE, limits=limits) as world:
        compared = Comparison(world)
        for exchange in forget_path((POST, GET, POST.change("with a token", authorize(STAFF)))):
            assert await compared.find_differences([exchange], 9) == []
        assert (await send(compared.hot, POST)).status == 429
        world.clock.forward(seconds=90)
        assert await compared.find_differences(forget_path([POST]), 9) == []


async def test_responses_are_not_sent_after_a_change_and_tags_expire_alike(world: World) -> None:
    compared = Comparison(world)
    assert await compared.find_differences([POST, GET]) == []
    tag = dict((await send(compared.hot, GET)).headers)[b"etag"].decode()
    tagged = GET.change("tagged", {"if-none-match": [f"W/{tag}"]})
    assert (await send(compared.hot, tagged)).status == 304
    for seconds in (0, 30, 40, 600):
        world.clock.forward(seconds=seconds)
        assert await compared.find_differences([tagged, POST]) == []
    world.stores["web"].change("products", "w-mug", title="Another mug")
    await world.gateway.run_due()
    world.clock.forward(hours=1)
    await world.gateway.run_due()
    assert await compared.find_differences([tagged, POST]) == []
    assert b"Another mug" in (await send(compared.hot, POST)).body


async def test_what_fails_on_the_hot_path_is_logged_and_answered_on_the_ordinary_one(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    compared = Comparison(world)
    assert await compared.find_differences([POST, GET]) == []

    def fail(*_: object, **__: object) -> None:
        raise ArithmeticError

    monkeypatch.setattr(ReadyResponses, "look_up_at_once", fail)
    assert (await compared.find_differences([POST.change("", is_hot=False)])) == []
    assert {record.message for record in caplog.records} == {"the hot path failed"}


async def test_requests_are_parsed_once_and_only_if_a_cached_response_was_sent(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared = Comparison(world)
    assert await compared.find_differences([*list_accepted(), *list_refused()]) == []
    posted = compared.hot._posted.requests
    assert posted.get(POST.chunks[0].decode()) is not None
    assert all(len(text) < 500 and "nothing" not in text for text, _ in posted.list_items())

    def fail(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr("gateway.http.graphql.hot_path.parse_body", fail)
    monkeypatch.setattr("gateway.http.graphql.hot_path.read_parameters", fail)
    assert await compared.find_differences([POST, GET]) == []


# ------------------------------------------------------------------------------------------------ proofs


def accept_any_host(_hot: HotPath, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(request_head, "has_valid_host", lambda _: True)


def accept_any_origin(_hot: HotPath, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(request_head, "check_csrf", lambda *_: None)


def accept_any_body_type(_hot: HotPath, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(request_head, "is_json", lambda _: True)


def accept_any_body_encoding(_hot: HotPath, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(request_head, "read_content_encoding", lambda _: "")


def accept_any_media_type(_hot: HotPath, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(request_head, "choose_media_type", lambda _: JSON)


def compress_nothing(_hot: HotPath, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(request_head, "choose_encoding", lambda _: "identity")


def answer_instead_of_the_page(_hot: HotPath, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(request_head, "is_page_request", lambda _: False)
    patch.setattr(request_head, "choose_media_type", lambda _: JSON)


def allow_no_page(hot: HotPath, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(hot, "_cors", None)


def accept_any_credentials(hot: HotPath, patch: pytest.MonkeyPatch) -> None:
    class Trusting(ClientIdentifier):
        def identify_at_once(self, scope: Scope) -> Client:
            return super().identify_at_once(scope) or Client("192.0.2.1", network="192.0.2.0/24")

    identifier = hot._admission._identifier
    trusting = Trusting(identifier._tokens, identifier._logins, (), identifier._now)
    patch.setattr(hot, "_admission", Admission(trusting, hot._admission._queue, hot._admission._limiter))


def charge_nothing(hot: HotPath, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(hot._ready._policy, "check_at_once", lambda *_: None)


def admit_the_exhausted(hot: HotPath, patch: pytest.MonkeyPatch) -> None:
    charge_nothing(hot, patch)
    limiter = hot._admission._limiter
    patch.setattr(limiter, "_exhausted", WeightedLRU(0))


def choose_another_id(_hot: HotPath, patch: pytest.MonkeyPatch) -> None:
    def open_unnamed(scope: Scope) -> RequestState:
        state: RequestState = scope["state"].setdefault("request", RequestState("unnamed0"))
        return state

    patch.setattr("gateway.http.graphql.hot_path.open_state", open_unnamed)


def read_any_length(hot: HotPath, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(hot, "_limit", 10**9)
    patch.setattr("gateway.http.graphql.hot_path.MAX_BODY_BYTES", 10**9)


MUTANTS: Sequence[Callable[[HotPath, pytest.MonkeyPatch], None]] = (
    accept_any_host,
    accept_any_origin,
    accept_any_body_type,
    accept_any_body_encoding,
    accept_any_media_type,
    answer_instead_of_the_page,
    compress_nothing,
    allow_no_page,
    accept_any_credentials,
    charge_nothing,
    admit_the_exhausted,
    choose_another_id,
    read_any_length,
)


@pytest.mark.parametrize("mutate", MUTANTS)
async def test_the_proof_a_check_that_is_missing_on_the_hot_path_is_found(
    database_url: str, mutate: Callable[[HotPath, pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = {"anonymous": {"rate": 3_000_000}}
    async with open_small_world(database_url, **CONFIGURATIONS["development"], limits=limits) as world:
        compared = Comparison(world)
        spending = build_post("spending", {"query": COSTLY})
        exchanges = forget_path([*list_accepted(), *list_refused(), *[spending] * 30, POST])
        mutate(compared.hot, monkeypatch)
        assert await compared.find_differences(exchanges) != []


# ------------------------------------------------------------------------------------------------ beside others


async def test_a_ready_response_waits_for_no_other_request(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many requests of another client run, these are not sent to the ordinary path, nor wait there."""
    compared = Comparison(world)
    assert await compared.find_differences([POST, GET]) == []
    monkeypatch.setattr(AdmissionQueue, "_has_free_slot", lambda _: False)
    async with asyncio.timeout(10):
        assert await compared.find_differences([POST, GET]) == []


async def test_requests_are_not_parsed_before_others_that_have_no_slot(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a client could let the gateway parse long bodies that it then rejects."""
    hot = Comparison(world).hot
    parsed: list[object] = []
    for name in ("parse_body", "read_parameters"):
        monkeypatch.setattr(f"gateway.http.graphql.hot_path.{name}", lambda *given: parsed.append(given))
    monkeypatch.setattr(AdmissionQueue, "can_admit", lambda *_: False)
    for is_free in (True, False):
        monkeypatch.setattr(AdmissionQueue, "_has_free_slot", lambda _, is_free=is_free: is_free)
        assert [(await send(hot, one)).status for one in (POST, GET)] == [503, 503]
        assert len(parsed) == 2
