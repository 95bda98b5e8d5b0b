"""Errors: one table of codes, an id for every request, and no internal detail in messages."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest

from gateway.execution.error_codes import Code
from tests.databases import create_sqlite_database
from tests.graphql.world import open_world
from tests.http.raw_client import EMPTY, GRAPHQL, JSON, QUERY, list_error_codes, post

pytestmark = [pytest.mark.anyio, pytest.mark.any_database]


@pytest.fixture(scope="module")
def database_kind() -> str:
    return "sqlite"


ROOT = Path(__file__).parents[2]
ROW = re.compile(r"^\| `(\w+)` \| (\d+) \| (\d+) \| (\d+) \| (yes|no) \| (.+) \|$", re.MULTILINE)


# ------------------------------------------------------------------------------------------------ the table


def parse_rows(text: str) -> dict[str, tuple[str, ...]]:
    return {name: tuple(rest) for name, *rest in ROW.findall(text)}


def list_expected_rows() -> dict[str, tuple[str, ...]]:
    return {
        code.name: (
            str(code.status),
            str(200 if code.value.lenient else code.status),
            str(code.draft_status),
            "yes" if code.retryable else "no",
            code.value.text,
        )
        for code in Code
    }


def test_the_docs_say_of_every_code_what_the_gateway_does() -> None:
    rows = parse_rows((ROOT / "docs" / "errors.md").read_text(encoding="utf-8"))
    assert rows == list_expected_rows()
    assert list(rows) == list(Code.__members__)


def list_unused(names: set[str], sources: str) -> set[str]:
    return {name for name in names if f"Code.{name}" not in sources}


def test_every_code_is_given_somewhere_and_no_other() -> None:
    """No other: a code is an attribute of the table, which the type checker verifies."""
    files = [path for path in (ROOT / "gateway").rglob("*.py") if path.name != "codes.py"]
    sources = "\n".join(path.read_text(encoding="utf-8") for path in files)
    assert list_unused(set(Code.__members__), sources) == set()
    assert list_unused({"SOMETHING_ELSE"}, sources) == {"SOMETHING_ELSE"}
    assert re.findall(r'["\']code["\']: ["\']', sources) == []


def test_no_status_says_that_it_worked_but_where_clients_wait_for_that() -> None:
    """Clients that send hashes expect PERSISTED_QUERY_NOT_FOUND in the body of a 200."""
    asking = {Code.PERSISTED_QUERY_NOT_FOUND, Code.PERSISTED_QUERY_NOT_SUPPORTED}
    assert {code for code in Code if not 400 <= code.status < 600} == asking
    assert all(400 <= code.draft_status < 600 for code in Code)


# ------------------------------------------------------------------------------------------------ ids


@pytest.mark.parametrize("sent", ["0af7651916cd43dd8448eb211c80319c", "order-4711", "a" * 64])
async def test_a_request_keeps_the_id_that_it_came_with(http: httpx2.AsyncClient, sent: str) -> None:
    response = await post(http, {"query": "{ a b }"}, **{"x-request-id": sent})
    assert response.headers["x-request-id"] == sent
    assert {error["extensions"]["requestId"] for error in response.json()["errors"]} == {sent}


@pytest.mark.parametrize("sent", ["", "short", "a" * 65, "with space", "line\\nbreak", "<script>", "semi;colon;list"])
async def test_an_id_of_another_form_is_replaced(http: httpx2.AsyncClient, sent: str) -> None:
    found = (await post(http, QUERY, **{"x-request-id": sent})).headers["x-request-id"]
    assert re.fullmatch("[0-9a-f]{16}", found)


async def test_two_ids_are_none_and_no_two_requests_share_one(http: httpx2.AsyncClient) -> None:
    headers = [("x-request-id", "request-one"), ("x-request-id", "request-two")]
    found = {(await http.get("/nowhere", headers=headers)).headers["x-request-id"] for _ in range(3)}
    assert len(found) == 3
    assert found.isdisjoint({"request-one", "request-two"})


@pytest.mark.parametrize(
    ("method", "path", "headers", "body"),
    [
        ("POST", "/graphql", {"content-type": JSON}, b"{"),
        ("POST", "/graphql", {"content-type": JSON}, b'{"query": "{ nothing }"}'),
        ("POST", "/graphql", {"content-type": JSON}, b'{"query": "{ orders { totalCount } }"}'),
        ("POST", "/graphql", {"content-type": JSON, "authorization": "Bearer x"}, b'{"query": "{ a }"}'),
        ("POST", "/graphql", {"content-type": "text/plain"}, b""),
        ("POST", "/graphql", {"content-type": JSON, "accept": "text/html"}, b"{}"),
        ("PUT", "/graphql", {}, b""),
        ("GET", "/nowhere", {}, b""),
    ],
)
async def test_every_error_has_a_code_and_the_requests_id(
    http: httpx2.AsyncClient, method: str, path: str, headers: dict[str, str], body: bytes
) -> None:
    response = await http.request(method, path, headers=headers, content=body)
    for error in response.json()["errors"]:
        assert error["extensions"]["code"] in Code.__members__
        assert error["extensions"]["requestId"] == response.headers["x-request-id"]


async def test_an_internal_error_is_described_in_the_log_alone_under_the_requests_id(
    http: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("gateway.http.graphql.endpoint.execute_operation", _raise_error)
    response = await post(http, QUERY, **{"x-request-id": "request-4711"})
    assert (response.status_code, list_error_codes(response)) == (500, ["INTERNAL_SERVER_ERROR"])
    assert "hunter2" not in response.text
    assert "request request-4711 failed" in caplog.text


async def _raise_error(*_: object) -> None:
    raise RuntimeError("the password is hunter2")


async def test_a_document_that_does_not_validate_gets_the_reason(
    http: httpx2.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    response = await post(http, {"query": "{ chanels { key } }"})
    assert "chanels" in response.json()["errors"][0]["message"]
    assert caplog.records == []


# ------------------------------------------------------------------------------------------------ status codes


async def test_by_the_draft_what_is_no_json_is_400_and_what_is_no_request_is_422(drafting: httpx2.AsyncClient) -> None:
    assert [(await post(drafting, body)).status_code for body in (b"{", b"\xff", b"3", b"{}")] == [400, 400, 422, 422]


@pytest.fixture(scope="module")
async def drafting(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of a gateway that follows the newest draft of the specification."""
    url = create_sqlite_database(tmp_path_factory.mktemp("drafting") / "gateway.db")
    async with open_world(url, {}, **EMPTY, server={"draft_status_codes": True}) as world:
        yield world.client.http


@pytest.mark.parametrize(
    ("query", "default", "lenient", "draft"),
    [
        ("{", 400, 200, 400),
        ("{ nothing }", 400, 200, 422),
        ("query A { __typename } query B { __typename }", 400, 200, 422),
        ("query ($k: String!) { channel(key: $k) { key } }", 400, 200, 422),
        (None, 400, 400, 422),
        ("{ orders { totalCount } __typename }", 200, 200, 294),
        ("{ orders { totalCount } }", 200, 200, 294),
        ("{ __typename }", 200, 200, 200),
    ],
)
async def test_the_newest_drafts_status_codes_are_an_option(
    http: httpx2.AsyncClient, drafting: httpx2.AsyncClient, query: str | None, default: int, lenient: int, draft: int
) -> None:
    body = {"query": query}
    assert (await post(http, body, GRAPHQL)).status_code == default
    assert (await post(http, body, JSON)).status_code == lenient
    assert (await post(drafting, body, GRAPHQL)).status_code == draft
    older = await post(drafting, body, JSON)
    kind = GRAPHQL if draft >= 400 else JSON
    assert (older.status_code, older.headers["content-type"]) == (
        200 if draft == 294 else draft,
        f"{kind}; charset=utf-8",
    )
