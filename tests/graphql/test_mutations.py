"""What holds for every mutation: its key, its scope, its input, and the way it is sent."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import sqlalchemy as sa

from gateway.commerce import once as wishes
from gateway.graphql.mutations.once import LASTING
from gateway.model.outcomes import Outcome
from gateway.sdk.testing.faults import Gate
from gateway.storage import idempotency, tables
from gateway.storage.database import Connection
from gateway.storage.idempotency import Claim
from tests.graphql.mutating import MUTATIONS, ask, codes, document, wish
from tests.graphql.world import ADMIN, CLERK, STAFF, World, global_id, small_world

pytestmark = [pytest.mark.anyio, pytest.mark.any_database]

ROW = "0" * 32
INPUTS: dict[str, dict[str, Any]] = {
    "listingLink": {"listingId": global_id("Listing", ROW), "variantId": global_id("ProductVariant", ROW)},
    "listingUnlink": {"listingId": global_id("Listing", ROW)},
    "matchReviewDecide": {"reviewId": global_id("MatchReview", ROW), "variantId": None},
    "channelPause": {"channelKey": "till"},
    "channelResume": {"channelKey": "till"},
    "channelSync": {"channelKey": "till"},
    "syncRejectReplay": {"rejectId": global_id("SyncReject", ROW)},
}


async def keys(world: World) -> list[Any]:
    """What stands under idempotency keys."""
    return list(await world.gateway.database.read(lambda conn: conn.execute(sa.select(tables.idempotency)).all()))


async def changes(world: World) -> int:
    """How often something was changed."""
    counted = sa.select(sa.func.count()).select_from(tables.changes)
    return await world.gateway.database.read(lambda conn: conn.scalar(counted)) or 0


# ------------------------------------------------------------------------------------------------ who, and how


@pytest.mark.parametrize("name", MUTATIONS)
async def test_a_mutation_without_its_scope_is_null_and_changes_nothing(world: World, name: str) -> None:
    before = await changes(world)
    for token, code in ((None, "UNAUTHENTICATED"), (CLERK, "FORBIDDEN")):
        answer = await ask(world, name, token, **INPUTS[name])
        assert (answer.codes, answer.body["data"]) == ([code], {name: None})
    assert (await changes(world), await keys(world)) == (before, [])


@pytest.mark.parametrize("name", MUTATIONS)
@pytest.mark.writes
async def test_what_is_not_there_is_a_user_error_with_its_field(world: World, name: str) -> None:
    if name.startswith("channel"):
        answer = await ask(world, name, channelKey="nowhere")
        assert (answer.codes, answer.body["data"]) == (["BAD_USER_INPUT"], {name: None})
        return
    payload = await wish(world, name, **INPUTS[name])
    (error,) = payload["userErrors"]
    assert (error["code"], error["field"]) == ("NOT_FOUND", ["input", next(iter(INPUTS[name]))])


@pytest.mark.parametrize(
    "forged", ["", "x", "TGlzdGluZzp4", global_id("Product", ROW), global_id("Stock", ROW, "a", "*")]
)
@pytest.mark.parametrize("name", [name for name in MUTATIONS if not name.startswith("channel")])
async def test_a_forged_id_and_that_of_another_type_are_bad_input(world: World, name: str, forged: str) -> None:
    for field in (field for field, value in INPUTS[name].items() if field.endswith("Id") and value is not None):
        answer = await ask(world, name, **{**INPUTS[name], field: forged})
        assert (answer.codes, answer.body["data"]) == (["BAD_USER_INPUT"], {name: None})
    assert await keys(world) == []


@pytest.mark.parametrize("key", ["", " ", "k" * 201, "a\0"])
@pytest.mark.parametrize("name", ["channelPause", "syncRejectReplay"])
async def test_a_key_that_is_none_is_bad_input(world: World, name: str, key: str) -> None:
    assert (await ask(world, name, key=key, **INPUTS[name])).codes == ["BAD_USER_INPUT"]


@pytest.mark.parametrize("name", MUTATIONS)
async def test_a_mutation_is_refused_over_get(world: World, name: str) -> None:
    headers = {"authorization": f"Bearer {ADMIN}", "accept": "application/json"}
    response = await world.client.http.get("/graphql", params={"query": document(name)}, headers=headers)
    assert (response.status_code, response.headers["allow"]) == (405, "POST")
    assert await keys(world) == []


async def test_of_two_operations_the_one_that_is_named_is_what_get_may_not_run(world: World) -> None:
    both = f"query ask {{ viewer {{ kind }} }} {document('channelPause').replace('mutation ', 'mutation stop ')}"
    for name, status in (("ask", 200), ("stop", 405)):
        params = {"query": both, "operationName": name}
        assert (await world.client.http.get("/graphql", params=params)).status_code == status


# ------------------------------------------------------------------------------------------------ once


@pytest.mark.writes
async def test_a_replay_has_no_further_effect_and_the_same_answer(world: World) -> None:
    first = await wish(world, "channelPause", channelKey="till", reason="stocktaking")
    count = await changes(world)
    assert await wish(world, "channelPause", channelKey="till", reason="stocktaking") == first
    assert await changes(world) == count
    await wish(world, "channelResume", key="k2", channelKey="till")
    again = await wish(world, "channelPause", channelKey="till", reason="stocktaking")
    assert (again["userErrors"], again["channel"]["state"]) == ([], "ENABLED"), "as it is by now"


@pytest.mark.writes
async def test_a_refusal_is_replayed_as_well(world: World) -> None:
    first = await wish(world, "listingUnlink", **INPUTS["listingUnlink"])
    assert await wish(world, "listingUnlink", **INPUTS["listingUnlink"]) == first
    assert codes(first) == ["NOT_FOUND"]


@pytest.mark.writes
async def test_another_input_or_another_mutation_under_the_same_key_is_refused(world: World) -> None:
    await wish(world, "channelPause", channelKey="till")
    for name, given in (("channelPause", {"channelKey": "web"}), ("channelResume", {"channelKey": "till"})):
        payload = await wish(world, name, **given)
        (error,) = payload["userErrors"]
        assert (error["code"], error["field"]) == ("IDEMPOTENCY_KEY_REUSED", ["input", "idempotencyKey"])
        assert payload["channel"]["key"] == given["channelKey"]
    states = await world.client.data("{ channels { key state } }")
    assert {one["key"]: one["state"] for one in states["channels"]} == {"till": "PAUSED", "web": "ENABLED"}


async def test_keys_are_their_callers_own(database_url: str) -> None:
    other = {"token": "other", "scopes": ["channels:admin"]}
    tokens = {"admin": {"token": ADMIN, "scopes": ["*"]}, "other": other}
    async with small_world(database_url, tokens=tokens) as world:
        await wish(world, "channelPause", channelKey="till")
        assert codes(await wish(world, "channelPause", token="other", channelKey="web")) == []
        assert {row.principal for row in await keys(world)} == {"token admin", "token other"}


async def test_the_same_wish_sent_by_many_at_once_has_its_effect_once(database_url: str) -> None:
    async with small_world(database_url) as world, small_world(database_url) as other:
        before = await changes(world)
        wishes = [wish(some, "channelPause", channelKey="till") for some in (world, other) * 4]
        payloads = await asyncio.gather(*wishes)
        assert await changes(world) == before + 1
        assert payloads == [payloads[0]] * 8
        assert codes(payloads[0]) == []


@pytest.mark.writes
async def test_what_is_under_way_is_told_so_and_may_be_sent_again(world: World) -> None:
    reject, gate = await the_reject(world), Gate()
    with world.stores["till"].under(gate, feed="stock", method="fetch"):
        first = asyncio.create_task(wish(world, "syncRejectReplay", rejectId=reject))
        await gate.reached.wait()
        payload = await wish(world, "syncRejectReplay", rejectId=reject)
        gate.open()
        done = await first
    (error,) = payload["userErrors"]
    assert (error["code"], error["retryable"], error["retryAfterSeconds"]) == ("IN_PROGRESS", True, 1)
    assert payload["reject"]["id"] == reject
    assert (done["userErrors"], done["replayed"]) == ([], True)
    assert await wish(world, "syncRejectReplay", rejectId=reject) == done


async def the_reject(world: World) -> str:
    query = "{ syncRejects { nodes { id } } }"
    (node,) = (await world.client.data(query, ADMIN))["syncRejects"]["nodes"]
    return str(node["id"])


def claim_of(world: World, run: str) -> Claim:
    now = world.clock()
    return Claim(principal="token x", key="k", fingerprint="f", run=run, at=now, until=now + LASTING)


@pytest.mark.writes
async def test_what_a_killed_process_had_under_way_is_taken_over_once_and_its_end_is_not_believed(world: World) -> None:
    database, about = world.gateway.database, Outcome(subject="s")
    killed = claim_of(world, "killed")
    assert await database.write(wishes.begin, killed, about) is None
    assert codes_of(await database.write(wishes.begin, claim_of(world, "early"), about)) == ["IN_PROGRESS"]
    world.clock.forward(seconds=61)
    heir = claim_of(world, "heir")
    assert await database.write(wishes.begin, heir, about) is None
    assert codes_of(await database.write(wishes.begin, claim_of(world, "late"), about)) == ["IN_PROGRESS"]
    await database.write(wishes.finish, killed, Outcome(subject="of the killed one"))
    await database.write(wishes.finish, heir, Outcome(subject="of the heir"))
    assert await database.write(wishes.begin, claim_of(world, "last"), about) == Outcome(subject="of the heir")


def codes_of(outcome: Outcome | None) -> list[str]:
    return [error.code.value for error in outcome.user_errors] if outcome else []


@pytest.mark.writes
async def test_keys_expire_and_then_mean_nothing(world: World) -> None:
    await wish(world, "channelPause", channelKey="till")
    world.clock.forward(days=14)
    assert codes(await wish(world, "channelResume", channelKey="till")) == []
    assert len(await keys(world)) == 1


@pytest.mark.writes
async def test_without_the_key_the_same_wish_would_have_its_effect_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The proof that the tests above can fail."""

    def forgetful(conn: Connection, wished: Claim) -> idempotency.Claimed:
        return idempotency.Claimed(wished.fingerprint, wished.run, None)

    monkeypatch.setattr("gateway.storage.idempotency.claim", forgetful)
    before = await changes(world)
    for _ in range(2):
        await wish(world, "channelPause", channelKey="till")
    assert await changes(world) == before + 2


@pytest.mark.writes
async def test_two_mutations_of_one_document_see_each_others_effect(world: World) -> None:
    twice = """mutation { a: channelPause(input: {channelKey: "till", idempotencyKey: "a"}) { channel { state } }
      b: channelResume(input: {channelKey: "till", idempotencyKey: "b"}) { channel { state } } }"""
    found = await world.client.data(twice, ADMIN)
    assert found == {"a": {"channel": {"state": "PAUSED"}}, "b": {"channel": {"state": "ENABLED"}}}


@pytest.mark.writes
async def test_staff_may_decide_about_listings_and_not_about_channels(world: World) -> None:
    assert (await ask(world, "listingUnlink", STAFF, **INPUTS["listingUnlink"])).codes == []
    assert (await ask(world, "channelPause", STAFF, **INPUTS["channelPause"])).codes == ["FORBIDDEN"]
