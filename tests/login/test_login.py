"""A shopper's token at the gateway: who the client is, what is cached, and what is refused (rule C8)."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
import sqlalchemy as sa

from gateway.execution.error_codes import Code
from gateway.settings.loading import parse
from gateway.settings.problems import SettingsError
from gateway.storage.database import Connection
from gateway.storage.tables import identities
from tests.gateways import Clock
from tests.graphql.world import ACCEPT, STAFF, World, forbid_changes, open_small_world
from tests.login.issuer_server import AUDIENCE, IssuerServer, run_issuer

pytestmark = [pytest.mark.anyio, pytest.mark.any_database]

VIEWER = "{ viewer { kind scopes name channels { key } defaultChannel { key } expiresAt } }"
PRODUCTS = "{ products(first: 2) { nodes { title } } }"


@contextlib.asynccontextmanager
async def open_shop(url: str, **changes: Any) -> AsyncIterator[tuple[World, IssuerServer]]:
    """Open a small retailer with an issuer of logins."""
    async with (
        run_issuer(Clock()) as issuer,
        open_small_world(url, login={"main": issuer.build_table(**changes)}) as world,
    ):
        issuer.issuer.clock = world.clock
        yield world, issuer


@pytest.fixture
async def login_world(database_url: str) -> AsyncIterator[tuple[World, IssuerServer]]:
    async with open_shop(database_url) as pair:
        yield pair


async def test_a_shopper_is_a_client_of_its_own_without_scopes(login_world: tuple[World, IssuerServer]) -> None:
    world, issuer = login_world
    viewer = (await world.client.fetch_data(VIEWER, issuer.issue_token()))["viewer"]
    assert (viewer["kind"], viewer["scopes"], viewer["name"]) == ("SHOPPER", [], None)
    assert viewer["expiresAt"] == "2026-01-05T10:00:00Z"
    assert [channel["key"] for channel in viewer["channels"]]


async def test_a_subject_has_one_identity_whatever_its_tokens_say(login_world: tuple[World, IssuerServer]) -> None:
    world, issuer = login_world
    tokens = [
        issuer.issue_token(email=email, given_name=name)
        for email in ("a@example.com", "b@example.com")
        for name in ("A", "B")
    ]
    for token in [*tokens, issuer.issue_token("PERSON-1"), issuer.issue_token("person-2")]:
        await world.client.fetch_data(VIEWER, token)

    def list_subjects(conn: Connection) -> list[str]:
        rows = conn.execute(sa.select(identities.c.external_id).where(identities.c.channel == "account:main"))
        return sorted(row.external_id for row in rows)

    assert await world.gateway.database.read(list_subjects) == ["PERSON-1", "person-1", "person-2"]


async def test_a_subject_that_appears_many_times_at_once_has_one_identity(
    login_world: tuple[World, IssuerServer],
) -> None:
    world, issuer = login_world
    tokens = [issuer.issue_token(jti=str(number)) for number in range(4)]
    query = "{ me { id } }"
    asked = [world.client.fetch_data(query, token) for token in tokens for _ in range(4)]
    found = {answer["me"]["id"] for answer in await asyncio.gather(*asked)}
    assert len(found) == 1


async def test_a_cached_response_is_sent_to_a_shopper_without_the_framework(
    login_world: tuple[World, IssuerServer],
) -> None:
    world, issuer = login_world
    token = issuer.issue_token()
    app: Any = world.client.http._transport.app  # type: ignore[attr-defined]
    for _ in range(3):
        await world.client.fetch_data(PRODUCTS, token)
    answered = app.answered
    await world.client.fetch_data(PRODUCTS, token)
    if world.gateway.database.dialect == "sqlite":  # a database server tells of changes to the background tasks only
        assert app.answered == answered + 1
    assert (await world.client.ask(PRODUCTS, issuer.issue_token(aud="x"))).codes == ["UNAUTHENTICATED"]
    world.clock.forward(hours=2)
    assert (await world.client.ask(PRODUCTS, token)).codes == ["TOKEN_EXPIRED"]


async def test_an_address_holds_until_a_later_token_says_otherwise(database_url: str) -> None:
    query = "{ me { emails { value verified } } }"
    async with open_shop(database_url, asserts_email=True) as (world, issuer):

        async def list_emails(token: str) -> list[str]:
            data = await world.client.fetch_data(query, token)
            return [one["value"] for one in data["me"]["emails"] if one["verified"]]

        first = issuer.issue_token()
        assert await list_emails(first) == ["ivy.jackson@example.com"]
        world.clock.forward(seconds=10)
        assert await list_emails(issuer.issue_token(email=None, email_verified=None)) == ["ivy.jackson@example.com"]
        assert await list_emails(issuer.issue_token(email="new@example.com")) == ["new@example.com"]
        world.clock.forward(seconds=10)
        assert await list_emails(issuer.issue_token(email_verified=False)) == []
        assert await list_emails(first) == []
        assert await list_emails(issuer.issue_token(iat=int(world.clock().timestamp()) - 15, jti="older")) == []


async def test_a_new_token_of_a_known_subject_writes_nothing(login_world: tuple[World, IssuerServer]) -> None:
    world, issuer = login_world
    await world.client.fetch_data(VIEWER, issuer.issue_token())
    with forbid_changes(world):
        await world.client.fetch_data(VIEWER, issuer.issue_token(jti="another"))


async def test_an_invalid_token_is_no_guest(login_world: tuple[World, IssuerServer]) -> None:
    world, issuer = login_world
    expired = issuer.issue_token(exp=1)
    answers = [await world.client.ask(VIEWER, token) for token in (issuer.issue_token(aud="x"), expired, "a.b.c")]
    assert [(answer.status, answer.codes) for answer in answers] == [
        (401, ["UNAUTHENTICATED"]),
        (401, ["TOKEN_EXPIRED"]),
        (401, ["UNAUTHENTICATED"]),
    ]


async def test_an_issuer_that_is_down_differs_from_a_wrong_token(login_world: tuple[World, IssuerServer]) -> None:
    world, issuer = login_world
    issuer.app.fault = "error"
    headers = {**ACCEPT, "authorization": f"Bearer {issuer.issue_token()}"}
    response = await world.client.http.post("/graphql", json={"query": VIEWER}, headers=headers)
    assert (response.status_code, response.headers["retry-after"]) == (503, "30")
    assert response.json()["errors"][0]["extensions"]["code"] == Code.ISSUER_UNAVAILABLE.name
    assert (await world.client.ask(VIEWER, STAFF)).status == 200


async def test_two_authorization_headers_are_refused(login_world: tuple[World, IssuerServer]) -> None:
    world, issuer = login_world
    token = issuer.issue_token()
    await world.client.fetch_data(VIEWER, token)
    pairs = [*ACCEPT.items(), ("authorization", f"Bearer {token}"), ("authorization", f"Bearer {STAFF}")]
    response = await world.client.http.post("/graphql", json={"query": VIEWER}, headers=pairs)
    assert response.status_code == 400


async def test_a_verified_token_is_not_verified_again_until_it_ends_or_its_key_is_gone(
    login_world: tuple[World, IssuerServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    world, issuer = login_world
    token = issuer.issue_token()
    await world.client.fetch_data(VIEWER, token)
    verifier = world.gateway.logins._verifier
    with monkeypatch.context() as patch:
        patch.setattr(verifier, "verify", None)
        world.clock.forward(seconds=90)
        await world.client.fetch_data(VIEWER, token)
    issuer.issuer.add_key("ES256")
    issuer.issuer.remove_first_key()
    world.clock.forward(seconds=31)
    await world.client.fetch_data(VIEWER, issuer.issue_token())
    assert (await world.client.ask(VIEWER, token)).codes == ["UNAUTHENTICATED"]
    world.clock.forward(hours=2)
    assert (await world.client.ask(VIEWER, issuer.issue_token(exp=1))).codes == ["TOKEN_EXPIRED"]


async def test_a_token_from_before_an_erase_is_refused_and_a_later_one_is_not(
    login_world: tuple[World, IssuerServer],
) -> None:
    world, issuer = login_world
    token, unused = issuer.issue_token(), issuer.issue_token(jti="2")
    await world.client.fetch_data(VIEWER, token)
    world.clock.forward(seconds=10)

    def erase(conn: Connection) -> None:
        conn.execute(
            sa.update(identities).where(identities.c.external_id == "person-1").values(erased_at=world.clock())
        )

    await world.gateway.database.write(erase)
    assert [(await world.client.ask(VIEWER, one)).codes for one in (token, unused)] == [["UNAUTHENTICATED"]] * 2
    world.clock.forward(seconds=1)
    assert (await world.client.ask(VIEWER, issuer.issue_token())).codes == []


async def test_responses_to_shoppers_are_private_and_cached_by_what_they_may_see(
    login_world: tuple[World, IssuerServer],
) -> None:
    world, issuer = login_world
    http = world.client.http

    async def get(token: str | None) -> httpx2.Response:
        headers = ACCEPT if token is None else {**ACCEPT, "authorization": f"Bearer {token}"}
        return await http.get("/graphql", params={"query": PRODUCTS}, headers=headers)

    first, second = issuer.issue_token(), issuer.issue_token("person-2")
    plain = await get(None)
    answers = [await get(token) for token in (first, second, first)]
    assert "public" in plain.headers["cache-control"]
    assert {answer.headers["cache-control"] for answer in answers} == {"private, no-store"}
    assert {answer.content for answer in answers} == {plain.content}


async def test_limits_of_clients_without_a_token_hold_for_each_shopper(database_url: str) -> None:
    clock = Clock()
    limits = {"anonymous": {"rate": 2_000}, "known": {"rate": 100_000}, "queue_timeout": "5m"}
    async with (
        run_issuer(clock) as issuer,
        open_small_world(database_url, login={"main": issuer.build_table()}, limits=limits) as world,
    ):
        tokens = [issuer.issue_token(), issuer.issue_token("person-2")]
        used = [(await world.client.ask(VIEWER, tokens[0])).status for _ in range(4)]
        assert used == [200, 200, 200, 429]
        assert (await world.client.ask(VIEWER, tokens[1])).status == 200


async def test_no_log_line_contains_a_token_or_a_claim(
    login_world: tuple[World, IssuerServer], caplog: pytest.LogCaptureFixture
) -> None:
    world, issuer = login_world
    caplog.set_level(logging.DEBUG)
    good, bad = issuer.issue_token(), issuer.issue_token(aud="x")
    for token in (good, bad):
        await world.client.ask(VIEWER, token)
    issuer.app.fault = "garbage"
    world.clock.forward(minutes=11)
    await world.client.ask(VIEWER, good)
    assert not any(secret in caplog.text for secret in (good, bad, "Jackson", "person-1"))


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"algorithms": ["HS256"]}, "login.main.algorithms"),
        ({"algorithms": ["none"]}, "login.main.algorithms"),
        ({"audiences": []}, "login.main.audiences"),
        ({"jwks_url": "http://login.example/keys"}, "expected https"),
        ({"leeway": "6m"}, "login.main.leeway"),
        ({"channel": "nowhere"}, "there is no channel nowhere"),
        ({"scopes": ["*"]}, "login.main.scopes"),
    ],
)
def test_a_configuration_that_is_not_safe_is_refused(changes: dict[str, Any], problem: str) -> None:
    table = {"issuer": "https://login.example", "audiences": [AUDIENCE], "jwks_url": "https://login.example/keys"}
    with pytest.raises(SettingsError, match=problem):
        parse({"login": {"main": {**table, **changes}}}, {})


def test_one_issuer_has_one_table() -> None:
    table = {"issuer": "https://login.example", "audiences": [AUDIENCE], "jwks_url": "https://login.example/keys"}
    with pytest.raises(SettingsError, match="another table"):
        parse({"login": {"main": table, "copy": table}}, {})
