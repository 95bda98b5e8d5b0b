"""Tokens: stored as hashes, limited, expiring, rotated without an interruption; no caller grants what it lacks."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from gateway.commerce.access import api_tokens
from gateway.model.token_secrets import hash_secret
from gateway.settings.loading import parse
from gateway.settings.problems import SettingsError
from gateway.storage import tables
from tests.abuse.conftest import open_retailer
from tests.gateways import START
from tests.graphql.shopper import Shopper, make_key
from tests.graphql.world import ADMIN, STAFF, World

pytestmark = [pytest.mark.anyio, pytest.mark.any_database]

VIEWER = "{ viewer { kind name scopes channels { key } locations { key } expiresAt } }"
CREATE = """mutation ($input: ApiTokenCreateInput!) {
  apiTokenCreate(input: $input) {
    secret userErrors { code field message }
    token { id name kind state prefix scopes channels { key } locations { key } createdBy expiresAt lastUsedAt }
  }
}"""
ROTATE = """mutation ($input: ApiTokenRotateInput!) {
  apiTokenRotate(input: $input) { secret token { id state rotatesAt prefix } userErrors { code field } }
}"""
REVOKE = """mutation ($input: ApiTokenRevokeInput!) {
  apiTokenRevoke(input: $input) { token { state } userErrors { code } }
}"""
TILL: dict[str, Any] = {
    "name": "till-3",
    "kind": "STAFF",
    "scopes": ["orders:read", "orders:write"],
    "locationKeys": ["london"],
    "expiresAt": (START + timedelta(days=30)).isoformat(),
}


async def create(world: World, by: str = ADMIN, **given: Any) -> dict[str, Any]:
    answer = await world.client.fetch_data(CREATE, by, input={"idempotencyKey": make_key(), **TILL, **given})
    payload: dict[str, Any] = answer["apiTokenCreate"]
    return payload


def list_codes(payload: dict[str, Any]) -> list[str]:
    return [error["code"] for error in payload["userErrors"]]


async def test_a_created_token_works_at_once_and_is_stored_as_a_hash(retailer: World) -> None:
    created = await create(retailer)
    secret, token = created["secret"], created["token"]
    assert (token["state"], token["createdBy"], token["channels"]) == ("ACTIVE", "admin", None)
    assert [location["key"] for location in token["locations"]] == ["london"]
    assert secret.startswith(token["prefix"]) and len(secret) > 40
    viewer = (await retailer.client.fetch_data(VIEWER, secret))["viewer"]
    assert (viewer["name"], viewer["scopes"]) == ("till-3", ["orders:read", "orders:write"])
    assert [location["key"] for location in viewer["locations"]] == ["london"]
    stored = await retailer.gateway.database.read(lambda conn: conn.execute(sa.select(tables.api_tokens)).one())
    assert stored.secret_hash == hash_secret(secret) and secret not in repr(stored)
    results = await retailer.gateway.database.read(
        lambda conn: list(conn.scalars(sa.select(tables.idempotency.c.answer)))
    )
    assert secret not in repr(results)


async def test_a_retry_does_not_show_the_secret_again(retailer: World) -> None:
    key = make_key()
    first, second = [await create(retailer, idempotencyKey=key) for _ in range(2)]
    assert first["token"]["id"] == second["token"]["id"]
    assert first["secret"] is not None and second["secret"] is None


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"name": "staff"}, "CONFLICT"),  # a token of the configuration
        ({"expiresAt": (START - timedelta(seconds=1)).isoformat()}, "INVALID"),
        ({"expiresAt": (START + timedelta(days=400)).isoformat()}, "INVALID"),
        ({"channelKeys": ["web"], "channelKey": "till"}, "INVALID"),
    ],
)
async def test_a_token_that_cannot_be_is_refused(retailer: World, given: dict[str, Any], code: str) -> None:
    assert list_codes(await create(retailer, **given)) == [code]


@pytest.mark.parametrize(
    "given",
    [
        {"scopes": ["everything"]},
        {"scopes": ["orders:read"] * 51},
        {"kind": "ADMIN"},
        {"name": "No Spaces"},
        {"locationKeys": ["nowhere"]},
        {"channelKeys": ["nowhere"]},
    ],
)
async def test_a_malformed_token_is_an_error_of_the_client(retailer: World, given: dict[str, Any]) -> None:
    request = {"idempotencyKey": make_key(), **TILL, **given}
    assert (await retailer.client.ask(CREATE, ADMIN, input=request)).codes == ["BAD_USER_INPUT"]


LIMITED = {
    "admin": {"token": ADMIN, "kind": "ADMIN", "scopes": ["*"]},
    "manager": {
        "token": "manager-secret",
        "scopes": ["tokens:admin", "orders:read"],
        "locations": ["leeds"],
        "channels": ["web"],
    },
}
OWN = {"scopes": ["orders:read"], "locationKeys": None, "channelKeys": None}


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({"scopes": ["orders:read", "orders:write"]}, "the scope orders:write"),
        ({"locationKeys": ["leeds", "london"]}, "the location london"),
    ],
)
async def test_no_caller_creates_a_token_that_may_more(database_url: str, given: dict[str, Any], missing: str) -> None:
    async with open_retailer(database_url, tokens=LIMITED) as world:
        refused = await create(world, "manager-secret", **{**OWN, **given})
        assert list_codes(refused) == ["SCOPE_NOT_HELD"] and missing in refused["userErrors"][0]["message"]
        created = await create(world, "manager-secret", **OWN)
        assert [location["key"] for location in created["token"]["locations"]] == ["leeds"]
        assert [channel["key"] for channel in created["token"]["channels"]] == ["web"]


async def test_no_caller_rotates_a_token_that_may_more(database_url: str) -> None:
    async with open_retailer(database_url, tokens=LIMITED) as world:
        stronger = (await create(world))["token"]["id"]
        request = {"tokenId": stronger, "idempotencyKey": make_key()}
        refused = (await world.client.fetch_data(ROTATE, "manager-secret", input=request))["apiTokenRotate"]
        assert list_codes(refused) == ["SCOPE_NOT_HELD"] and refused["secret"] is None


async def test_the_proof_without_the_guard_a_manager_makes_itself_an_administrator(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_tokens.Grants, "find_missing", lambda _self, _wanted: None)
    async with open_retailer(database_url, tokens=LIMITED) as world:
        created = await create(world, "manager-secret", scopes=["payments:assert"])
        assert created["token"]["scopes"] == ["payments:assert"]


async def test_a_rotated_token_is_accepted_under_both_secrets_for_a_while(retailer: World) -> None:
    created = await create(retailer)
    request = {"tokenId": created["token"]["id"], "overlapSeconds": 3600, "idempotencyKey": make_key()}
    rotated = (await retailer.client.fetch_data(ROTATE, ADMIN, input=request))["apiTokenRotate"]
    assert rotated["token"]["state"] == "ROTATING"
    for secret in (created["secret"], rotated["secret"]):
        assert (await retailer.client.fetch_data(VIEWER, secret))["viewer"]["name"] == "till-3"
    retailer.clock.forward(seconds=3601)
    assert (await retailer.client.ask(VIEWER, created["secret"])).codes == ["UNAUTHENTICATED"]
    assert (await retailer.client.fetch_data(VIEWER, rotated["secret"]))["viewer"]["name"] == "till-3"


async def test_a_rotation_keeps_the_owner_of_idempotency_keys(retailer: World) -> None:
    created = await create(retailer)
    key, shopper = make_key(), Shopper(retailer, created["secret"])
    first = await shopper.ask("cartCreate", channelKey="web", idempotencyKey=key)
    request = {"tokenId": created["token"]["id"], "overlapSeconds": 0, "idempotencyKey": make_key()}
    rotated = (await retailer.client.fetch_data(ROTATE, ADMIN, input=request))["apiTokenRotate"]
    again = await Shopper(retailer, rotated["secret"]).ask("cartCreate", channelKey="web", idempotencyKey=key)
    assert first["cart"]["id"] == again["cart"]["id"]


async def test_a_revoked_token_is_rejected_by_every_process_within_a_second(database_url: str) -> None:
    async with open_retailer(database_url) as world:
        created = await create(world)
        async with open_retailer(database_url) as other:
            assert (await other.client.fetch_data(VIEWER, created["secret"]))["viewer"]["name"] == "till-3"
            request = {"tokenId": created["token"]["id"], "reason": "lost", "idempotencyKey": make_key()}
            revoked = (await world.client.fetch_data(REVOKE, ADMIN, input=request))["apiTokenRevoke"]
            assert revoked["token"]["state"] == "REVOKED"
            assert (await world.client.ask(VIEWER, created["secret"])).codes == ["UNAUTHENTICATED"]
            other.clock.forward(seconds=1)
            assert (await other.client.ask(VIEWER, created["secret"])).codes == ["UNAUTHENTICATED"]
        assert list_codes(await create(world)) == ["CONFLICT"]  # the audit trail names one token only


async def test_a_token_expires(retailer: World) -> None:
    created = await create(retailer)
    retailer.clock.forward(days=31)
    assert (await retailer.client.ask(VIEWER, created["secret"])).codes == ["UNAUTHENTICATED"]
    query = "{ apiTokens(states: [EXPIRED]) { totalCount nodes { name state } } }"
    listed = await retailer.client.fetch_data(query, ADMIN)
    assert listed["apiTokens"] == {"totalCount": 1, "nodes": [{"name": "till-3", "state": "EXPIRED"}]}


async def test_the_last_use_is_stored(retailer: World) -> None:
    created = await create(retailer)
    await retailer.client.fetch_data(VIEWER, created["secret"])
    await retailer.gateway.tokens.flush_usage()
    listed = await retailer.client.fetch_data("{ apiTokens { nodes { lastUsedAt } } }", ADMIN)
    assert datetime.fromisoformat(listed["apiTokens"]["nodes"][0]["lastUsedAt"]) == START


async def test_tokens_are_shown_to_their_administrators_only(retailer: World) -> None:
    created = await create(retailer)
    query = "query ($id: ID!) { apiTokens { nodes { name } } node(id: $id) { id } }"
    answer = await retailer.client.ask(query, STAFF, id=created["token"]["id"])
    assert answer.body["data"] == {"apiTokens": None, "node": None}


# ------------------------------------------------------------------------------------------------ configuration


def load(token: dict[str, Any], **tables_: Any) -> Any:
    document = {"tokens": {"till": {"scopes": [], **token}}, **tables_}
    return parse(document, {})


async def test_a_hashed_token_of_the_configuration_is_accepted_and_its_hash_is_not(database_url: str) -> None:
    hashed = hash_secret("the-secret")
    tokens = {"till": {"token": [hashed, "the-second"], "scopes": [], "expires": "2026-02-01T00:00:00Z"}}
    async with open_retailer(database_url, tokens=tokens) as world:
        for secret in ("the-secret", "the-second"):
            viewer = (await world.client.fetch_data(VIEWER, secret))["viewer"]
            assert (viewer["name"], viewer["expiresAt"]) == ("till", "2026-02-01T00:00:00Z")
        assert (await world.client.ask(VIEWER, hashed)).codes == ["UNAUTHENTICATED"]
        world.clock.forward(days=60)
        assert (await world.client.ask(VIEWER, "the-secret")).codes == ["TOKEN_EXPIRED"]


@pytest.mark.parametrize(
    ("token", "problem"),
    [
        ({"token": ["a", "b", "c"]}, "at most 2"),
        ({"token": []}, "at least 1"),
        ({"token": "x" * 40, "locations": ["nowhere"]}, "there is no location nowhere"),
        ({"token": "x" * 40, "channels": ["nowhere"]}, "there is no channel nowhere"),
        ({"token": "x" * 40, "expires": "2026-02-01T00:00:00"}, "timezone"),
        ({"token": "x" * 31}, "shorter than 32 characters"),
    ],
)
def test_a_token_that_cannot_be_used_is_a_problem_of_the_configuration(token: dict[str, Any], problem: str) -> None:
    with pytest.raises(SettingsError, match=problem):
        load(token, server={"mode": "production"})


def test_an_unhashed_token_is_deprecated_in_production(caplog: pytest.LogCaptureFixture) -> None:
    load({"token": "x" * 32}, server={"mode": "production"})
    assert "gateway token hash till" in caplog.text and "x" * 32 not in caplog.text
    caplog.clear()
    load({"token": hash_secret("short")}, server={"mode": "production"})
    load({"token": "short"})
    assert caplog.text == ""


async def test_a_name_is_unique_over_configuration_and_database(database_url: str) -> None:
    async with open_retailer(database_url) as world:
        await create(world)
    tokens = {"till-3": {"token": "another", "scopes": []}}
    with pytest.raises(SettingsError, match=r"tokens\.till-3"):
        async with open_retailer(database_url, tokens=tokens):
            pass
