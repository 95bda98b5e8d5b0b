"""The example issuer: the authorization code flow with PKCE, from the login page to a response of the gateway."""

from __future__ import annotations

from collections.abc import AsyncIterator
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from examples.oidc.issuer import compute_challenge
from tests.login.issuer_server import AUDIENCE, REDIRECT_URI
from tests.login.world import LoginWorld, open_login_world

pytestmark = [pytest.mark.anyio, pytest.mark.any_database]

VERIFIER = "v" * 43
FLOW = {
    "response_type": "code",
    "client_id": AUDIENCE,
    "redirect_uri": REDIRECT_URI,
    "code_challenge_method": "S256",
    "code_challenge": compute_challenge(VERIFIER),
    "state": "s1",
}


@pytest.fixture
async def login(database_url: str) -> AsyncIterator[LoginWorld]:
    async with open_login_world(database_url) as login:
        yield login


@pytest.fixture
async def browser(login: LoginWorld) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{login.issuer.server.port}", trust_env=False) as client:
        yield client


async def log_in(browser: httpx2.AsyncClient, **changes: str) -> str:
    """Log in on the page of the issuer, and return the code."""
    answer = await browser.get("/authorize", params={**FLOW, "login_as": "person-1", **changes})
    assert answer.status_code == 303
    given = parse_qs(urlsplit(answer.headers["location"]).query)
    assert given["state"] == ["s1"]
    return given["code"][0]


async def send_code(browser: httpx2.AsyncClient, code: str, **changes: str) -> httpx2.Response:
    form = {"code": code, "client_id": AUDIENCE, "redirect_uri": REDIRECT_URI, "code_verifier": VERIFIER, **changes}
    return await browser.post("/token", data={"grant_type": "authorization_code", **form})


async def test_who_logs_in_at_the_issuer_is_the_customer_of_the_gateway(
    login: LoginWorld, browser: httpx2.AsyncClient
) -> None:
    page = await browser.get("/authorize", params=FLOW)
    assert "Ivy" in page.text
    token = (await send_code(browser, await log_in(browser))).json()["id_token"]
    assert (await login.fetch_data("{ me { givenName } }", token))["me"] == {"givenName": "Ivy"}


@pytest.mark.parametrize(
    "changes",
    [{"code_verifier": "w" * 43}, {"redirect_uri": "https://elsewhere.example"}, {"client_id": "another"}],
)
async def test_a_stolen_code_is_worth_nothing(browser: httpx2.AsyncClient, changes: dict[str, str]) -> None:
    code = await log_in(browser)
    assert (await send_code(browser, code, **changes)).status_code == 400
    assert (await send_code(browser, code)).status_code == 400  # it was used


async def test_a_code_lasts_a_minute(login: LoginWorld, browser: httpx2.AsyncClient) -> None:
    code = await log_in(browser)
    login.world.clock.forward(seconds=60)
    assert (await send_code(browser, code)).status_code == 400


async def test_the_issuer_redirects_to_its_clients_only(browser: httpx2.AsyncClient) -> None:
    answer = await browser.get("/authorize", params={**FLOW, "redirect_uri": "https://elsewhere.example"})
    assert answer.status_code == 400


async def test_the_metadata_lead_to_the_keys(browser: httpx2.AsyncClient) -> None:
    metadata = (await browser.get("/.well-known/openid-configuration")).json()
    keys = (await browser.get(urlsplit(metadata["jwks_uri"]).path)).json()["keys"]
    assert [key["alg"] for key in keys] == metadata["id_token_signing_alg_values_supported"]
    assert not any("d" in key for key in keys)
