"""Whatever is thrown at it, the gateway says what is wrong with it: with a code, and never with a 5xx."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx2
import pytest

from gateway.execution.codes import Code
from tests.graphql.world import World, small_world
from tests.http.corpus import CORPUS

pytestmark = pytest.mark.anyio

LONGEST = 20_000
"""Bytes of a refusal: it must not send back what was sent."""


@pytest.fixture(scope="module")
async def retailer(shared_database_url: str) -> AsyncIterator[World]:
    async with small_world(shared_database_url) as world:
        yield world


@pytest.fixture
def shop(retailer: World) -> httpx2.AsyncClient:
    return retailer.client.http


def problems(response: httpx2.Response, *, fine: bool) -> list[str]:
    """What is wrong with how a request was refused."""
    if response.request.method == "HEAD":
        return [] if response.is_client_error else [f"status {response.status_code}"]
    body = response.json()
    errors = body.get("errors", [])
    codes = {error["extensions"]["code"] for error in errors}
    ids = {error["extensions"]["requestId"] for error in errors}
    told = [f"status {response.status_code}"] if response.status_code >= 500 else []
    told += [f"unknown code {code}" for code in codes - set(Code.__members__)]
    told += ["something is broken"] if Code.INTERNAL_SERVER_ERROR.name in codes else []
    told += ["another id than the header's"] if ids - {response.headers["x-request-id"]} else []
    told += ["long"] if errors and len(response.content) > LONGEST else []
    told += ["answered"] if not errors and not fine else []
    told += ["kept"] if errors and response.headers["cache-control"] != "private, no-store" else []
    return told


@pytest.mark.parametrize("name", sorted(CORPUS))
async def test_a_hostile_request_is_refused_with_a_code(
    shop: httpx2.AsyncClient, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    response = await CORPUS[name].send(shop)
    assert problems(response, fine=CORPUS[name].fine) == []
    assert caplog.records == []
