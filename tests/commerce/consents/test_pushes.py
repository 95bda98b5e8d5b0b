"""A denial reaches every channel, once, and what a channel then shows is the customer's decision (rule C10)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from gateway.commerce.consents import recording
from gateway.sdk.errors import UnavailableError
from gateway.sdk.testing import record_builders
from gateway.sdk.testing.fault_injection import raise_error
from gateway.sdk.testing.memory_channel import MemoryStore
from tests.gateways import START
from tests.graphql.world import ADMIN, World, open_world

pytestmark = [pytest.mark.anyio, pytest.mark.any_database]

CHANNELS = {
    "till": {"config": {"writes": ["consent"]}, "every": {"customers": "1m"}},
    "web": {"config": {"writes": ["consent"]}, "every": {"customers": "1m"}},
    "market": {"every": {"customers": "1m"}},
}
CONSENTS = """{ customers(search: "Ada") { nodes { id consents {
  address state decisions { state decidedAt push channel { key } } } } } }"""
SET = """mutation ($id: ID!, $granted: Boolean!, $key: String!) {
  consentSet(input: {customerId: $id, purpose: MARKETING_EMAIL, granted: $granted, wording: "page 3",
    idempotencyKey: $key}) { consent { state } userErrors { code } } }"""


def build_stores() -> dict[str, MemoryStore]:
    """Build three channels that know Ada by a card. All but the market take consents."""
    stores = {key: MemoryStore() for key in CHANNELS}
    for key, store in stores.items():
        store.put("customers", build_ada(key, granted=True))
    return stores


def build_ada(key: str, *, granted: bool, **more: Any) -> Any:
    consent = {"purpose": "MARKETING_EMAIL", "granted": granted, "address": "Ada@example.com", **more}
    return record_builders.build_customer(
        f"{key}-ada", card="9826000000017", email="Ada@example.com", verified=True, consents=[consent]
    )


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with open_world(database_url, build_stores(), locations={}, channels=CHANNELS) as world:
        yield world


def list_shown(world: World, channel: str) -> list[tuple[bool, str | None]]:
    row = world.stores[channel].one("customers", f"{channel}-ada")
    assert row is not None
    return [(one["granted"], one.get("decided_at")) for one in row["consents"]]


async def decide(world: World, *, granted: bool, key: str) -> str:
    found = await world.client.fetch_data('{ customers(search: "Ada") { nodes { id } } }', ADMIN)
    (ada,) = found["customers"]["nodes"]
    payload = (await world.client.fetch_data(SET, ADMIN, id=ada["id"], granted=granted, key=key))["consentSet"]
    assert payload["userErrors"] == []
    state: str = payload["consent"]["state"]
    return state


async def run(world: World, minutes: float = 2) -> None:
    world.clock.forward(minutes=minutes)
    await world.gateway.run_due()


async def fetch_decisions(world: World) -> list[tuple[str, str | None, str | None]]:
    """Fetch the decisions about Ada's address: state, channel and push."""
    (ada,) = (await world.client.fetch_data(CONSENTS, ADMIN))["customers"]["nodes"]
    (consent,) = [one for one in ada["consents"] if one["address"] == "ada@example.com"]
    return [(one["state"], (one["channel"] or {}).get("key"), one["push"]) for one in consent["decisions"]]


async def test_a_denial_is_sent_to_each_channel_that_takes_it_with_its_time(world: World) -> None:
    assert await decide(world, granted=False, key="1") == "DENIED"
    await run(world)
    decided_at = START.isoformat()
    assert list_shown(world, "till") == list_shown(world, "web") == [(False, decided_at)]
    assert list_shown(world, "market") == [(True, None)]


async def test_what_a_channel_shows_then_is_no_decision_of_its_own(world: World) -> None:
    await decide(world, granted=False, key="1")
    await run(world)
    decisions = await fetch_decisions(world)
    pushed = sorted((channel, push) for _, channel, push in decisions if push is not None)
    assert pushed == [("till", "IN_SYNC"), ("web", "IN_SYNC")]
    denials = [channel for state, channel, push in decisions if state == "DENIED" and push is None]
    assert set(denials) == {None}


async def run_agreement_before_echo(world: World) -> str:
    """Deny, agree again, and let the channels, which store no times, show the denial only then. Returns the answer."""
    await decide(world, granted=False, key="1")
    for key in ("till", "web"):
        world.stores[key].put("customers", build_ada(key, granted=False))
    world.clock.forward(minutes=10)
    assert await decide(world, granted=True, key="2") == "GRANTED"
    await run(world)
    (ada,) = (await world.client.fetch_data(CONSENTS, ADMIN))["customers"]["nodes"]
    (state,) = [one["state"] for one in ada["consents"] if one["address"] == "ada@example.com"]
    return str(state)


async def test_a_grant_after_the_denial_holds_although_channels_show_the_denial_later(world: World) -> None:
    assert await run_agreement_before_echo(world) == "GRANTED"


async def test_the_proof_as_a_decision_of_its_own_the_echo_would_void_the_grant(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "_find_echo", lambda *_: None)
    assert await run_agreement_before_echo(world) != "GRANTED"


async def test_a_grant_in_a_channel_after_the_push_is_a_new_decision(world: World) -> None:
    await decide(world, granted=False, key="1")
    await run(world)
    world.stores["till"].put("customers", build_ada("till", granted=True, decided_at="2026-01-05T10:00:00Z"))
    await run(world, 120)
    assert ("GRANTED", "till", None) in await fetch_decisions(world)


async def test_a_grant_is_not_sent(world: World) -> None:
    await decide(world, granted=True, key="1")
    await run(world)
    assert list_shown(world, "till") == [(True, None)]


async def test_a_denial_that_a_channel_reports_reaches_the_others_that_show_a_grant(world: World) -> None:
    world.stores["market"].put("customers", build_ada("market", granted=False, decided_at="2026-01-05T09:01:00Z"))
    await run(world)
    await run(world)
    assert [list_shown(world, key)[0][0] for key in CHANNELS] == [False, False, False]


async def test_a_denial_that_waits_is_not_sent_after_the_customer_has_agreed(world: World) -> None:
    down = raise_error(UnavailableError("down"))
    with world.stores["till"].under(down), world.stores["web"].under(down):
        await decide(world, granted=False, key="1")
        world.clock.forward(minutes=1)
        assert await decide(world, granted=True, key="2") == "GRANTED"
    await run(world, 30)
    assert list_shown(world, "till") == list_shown(world, "web") == [(True, None)]
