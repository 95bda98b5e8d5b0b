"""Rules for every mutation: idempotency key, scope, input, and HTTP method."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import sqlalchemy as sa

from gateway.commerce.idempotency import claim_key, store_result
from gateway.graphql.mutations.execution import CLAIM_LASTS
from gateway.model.mutation_result import MutationResult
from gateway.sdk.testing.fault_injection import Barrier
from gateway.storage import idempotency, tables
from gateway.storage.database import Connection
from gateway.storage.idempotency import Claim
from tests.graphql.mutation_documents import MUTATIONS, ask, build_document, list_user_error_codes, run_mutation
from tests.graphql.world import ADMIN, CLERK, STAFF, World, build_global_id, open_small_world

pytestmark = [pytest.mark.anyio, pytest.mark.any_database]

ROW = "0" * 32
INPUTS: dict[str, dict[str, Any]] = {
    "listingLink": {"listingId": build_global_id("Listing", ROW), "variantId": build_global_id("ProductVariant", ROW)},
    "listingUnlink": {"listingId": build_global_id("Listing", ROW)},
    "matchReviewDecide": {"reviewId": build_global_id("MatchReview", ROW), "variantId": None},
    "channelPause": {"channelKey": "till"},
    "channelResume": {"channelKey": "till"},
    "channelSync": {"channelKey": "till"},
    "syncRejectReplay": {"rejectId": build_global_id("SyncReject", ROW)},
}


async def list_stored_keys(world: World) -> list[Any]:
    """List the stored idempotency keys."""
    return list(await world.gateway.database.read(lambda conn: conn.execute(sa.select(tables.idempotency)).all()))


async def count_changes(world: World) -> int:
    """Count the entries of the change log."""
    counted = sa.select(sa.func.count()).select_from(tables.changes)
    return await world.gateway.database.read(lambda conn: conn.scalar(counted)) or 0


# ------------------------------------------------------------------------------------------------ authorization


@pytest.mark.writes  # refused attempts are recorded in the audit trail
async def test_a_mutation_without_its_scope_is_null_and_changes_nothing(world: World) -> None:
    before = await count_changes(world)
    for name in MUTATIONS:
        for token, code in ((None, "UNAUTHENTICATED"), (CLERK, "FORBIDDEN")):
            answer = await ask(world, name, token, **INPUTS[name])
            assert (answer.codes, answer.body["data"]) == ([code], {name: None})
    assert (await count_changes(world), await list_stored_keys(world)) == (before, [])


@pytest.mark.parametrize("name", MUTATIONS)
@pytest.mark.writes
async def test_what_is_not_there_is_a_user_error_with_its_field(world: World, name: str) -> None:
    if name.startswith("channel"):
        answer = await ask(world, name, channelKey="nowhere")
        assert (answer.codes, answer.body["data"]) == (["BAD_USER_INPUT"], {name: None})
        return
    payload = await run_mutation(world, name, **INPUTS[name])
    (error,) = payload["userErrors"]
    assert (error["code"], error["field"]) == ("NOT_FOUND", ["input", next(iter(INPUTS[name]))])


@pytest.mark.parametrize(
    "forged", ["", "x", "TGlzdGluZzp4", build_global_id("Product", ROW), build_global_id("Stock", ROW, "a", "*")]
)
@pytest.mark.parametrize("name", [name for name in MUTATIONS if not name.startswith("channel")])
async def test_a_forged_id_and_that_of_another_type_are_bad_input(world: World, name: str, forged: str) -> None:
    for field in (field for field, value in INPUTS[name].items() if field.endswith("Id") and value is not None):
        answer = await ask(world, name, **{**INPUTS[name], field: forged})
        assert (answer.codes, answer.body["data"]) == (["BAD_USER_INPUT"], {name: None})
    assert await list_stored_keys(world) == []


@pytest.mark.parametrize("key", ["", " ", "k" * 201, "a\0"])
@pytest.mark.parametrize("name", ["channelPause", "syncRejectReplay"])
async def test_a_key_that_is_none_is_bad_input(world: World, name: str, key: str) -> None:
    assert (await ask(world, name, key=key, **INPUTS[name])).codes == ["BAD_USER_INPUT"]


@pytest.mark.parametrize("name", MUTATIONS)
async def test_a_mutation_is_refused_over_get(world: World, name: str) -> None:
    headers = {"authorization": f"Bearer {ADMIN}", "accept": "application/json"}
    response = await world.client.http.get("/graphql", params={"query": build_document(name)}, headers=headers)
    assert (response.status_code, response.headers["allow"]) == (405, "POST")
    assert await list_stored_keys(world) == []


async def test_of_two_operations_the_one_that_is_named_is_what_get_may_not_run(world: World) -> None:
    both = f"query ask {{ viewer {{ kind }} }} {build_document('channelPause').replace('mutation ', 'mutation stop ')}"
    for name, status in (("ask", 200), ("stop", 405)):
        params = {"query": both, "operationName": name}
        assert (await world.client.http.get("/graphql", params=params)).status_code == status


# ------------------------------------------------------------------------------------------------ idempotency


@pytest.mark.writes
async def test_a_replay_has_no_further_effect_and_the_same_answer(world: World) -> None:
    first = await run_mutation(world, "channelPause", channelKey="till", reason="stocktaking")
    count = await count_changes(world)
    assert await run_mutation(world, "channelPause", channelKey="till", reason="stocktaking") == first
    assert await count_changes(world) == count
    await run_mutation(world, "channelResume", key="k2", channelKey="till")
    again = await run_mutation(world, "channelPause", channelKey="till", reason="stocktaking")
    assert (again["userErrors"], again["channel"]["state"]) == ([], "ENABLED"), "the current state"


@pytest.mark.writes
async def test_a_refusal_is_replayed_as_well(world: World) -> None:
    first = await run_mutation(world, "listingUnlink", **INPUTS["listingUnlink"])
    assert await run_mutation(world, "listingUnlink", **INPUTS["listingUnlink"]) == first
    assert list_user_error_codes(first) == ["NOT_FOUND"]


@pytest.mark.writes
async def test_another_input_or_another_mutation_under_the_same_key_is_refused(world: World) -> None:
    await run_mutation(world, "channelPause", channelKey="till")
    for name, given in (("channelPause", {"channelKey": "web"}), ("channelResume", {"channelKey": "till"})):
        payload = await run_mutation(world, name, **given)
        (error,) = payload["userErrors"]
        assert (error["code"], error["field"]) == ("IDEMPOTENCY_KEY_REUSED", ["input", "idempotencyKey"])
        assert payload["channel"]["key"] == given["channelKey"]
    states = await world.client.fetch_data("{ channels { key state } }")
    assert {one["key"]: one["state"] for one in states["channels"]} == {"till": "PAUSED", "web": "ENABLED"}


async def test_keys_are_their_callers_own(database_url: str) -> None:
    other = {"token": "other", "scopes": ["channels:admin"]}
    tokens = {"admin": {"token": ADMIN, "scopes": ["*"]}, "other": other}
    async with open_small_world(database_url, tokens=tokens) as world:
        await run_mutation(world, "channelPause", channelKey="till")
        assert list_user_error_codes(await run_mutation(world, "channelPause", token="other", channelKey="web")) == []
        assert {row.principal for row in await list_stored_keys(world)} == {"token admin", "token other"}


async def test_the_same_mutation_sent_by_many_clients_at_once_has_its_effect_once(database_url: str) -> None:
    async with open_small_world(database_url) as world, open_small_world(database_url) as other:
        before = await count_changes(world)
        requests = [run_mutation(some, "channelPause", channelKey="till") for some in (world, other) * 4]
        payloads = await asyncio.gather(*requests)
        assert await count_changes(world) == before + 1
        assert payloads == [payloads[0]] * 8
        assert list_user_error_codes(payloads[0]) == []


@pytest.mark.writes
async def test_a_mutation_in_progress_is_reported_so_and_may_be_retried(world: World) -> None:
    reject, barrier = await find_reject(world), Barrier()
    with world.stores["till"].under(barrier, feed="stock", method="fetch"):
        first = asyncio.create_task(run_mutation(world, "syncRejectReplay", rejectId=reject))
        await barrier.reached.wait()
        payload = await run_mutation(world, "syncRejectReplay", rejectId=reject)
        barrier.open()
        done = await first
    (error,) = payload["userErrors"]
    assert (error["code"], error["retryable"], error["retryAfterSeconds"]) == ("IN_PROGRESS", True, 1)
    assert payload["reject"]["id"] == reject
    assert (done["userErrors"], done["replayed"]) == ([], True)
    assert await run_mutation(world, "syncRejectReplay", rejectId=reject) == done


async def find_reject(world: World) -> str:
    query = "{ syncRejects { nodes { id } } }"
    (node,) = (await world.client.fetch_data(query, ADMIN))["syncRejects"]["nodes"]
    return str(node["id"])


def claim_of(world: World, run: str) -> Claim:
    now = world.clock()
    return Claim(principal="token x", key="k", fingerprint="f", run=run, at=now, until=now + CLAIM_LASTS)


@pytest.mark.writes
async def test_what_a_killed_process_had_under_way_is_taken_over_once_and_its_end_is_not_believed(world: World) -> None:
    database, about = world.gateway.database, MutationResult(subject="s")
    killed = claim_of(world, "killed")
    assert await database.write(claim_key, killed, about) is None
    assert list_codes(await database.write(claim_key, claim_of(world, "early"), about)) == ["IN_PROGRESS"]
    world.clock.forward(seconds=61)
    heir = claim_of(world, "heir")
    assert await database.write(claim_key, heir, about) is None
    assert list_codes(await database.write(claim_key, claim_of(world, "late"), about)) == ["IN_PROGRESS"]
    await database.write(store_result, killed, MutationResult(subject="of the killed one"))
    await database.write(store_result, heir, MutationResult(subject="of the heir"))
    assert await database.write(claim_key, claim_of(world, "last"), about) == MutationResult(subject="of the heir")


def list_codes(outcome: MutationResult | None) -> list[str]:
    return [error.code.value for error in outcome.user_errors] if outcome else []


@pytest.mark.writes
async def test_keys_expire_and_then_mean_nothing(world: World) -> None:
    await run_mutation(world, "channelPause", channelKey="till")
    world.clock.forward(days=14)
    assert list_user_error_codes(await run_mutation(world, "channelResume", channelKey="till")) == []
    assert len(await list_stored_keys(world)) == 1


@pytest.mark.writes
async def test_the_proof_without_the_key_the_same_mutation_would_have_its_effect_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proof that the tests above can fail."""

    def claim_without_lookup(conn: Connection, claim: Claim) -> idempotency.StoredClaim:
        return idempotency.StoredClaim(claim.fingerprint, claim.run, None)

    monkeypatch.setattr("gateway.storage.idempotency.claim_key", claim_without_lookup)
    before = await count_changes(world)
    for _ in range(2):
        await run_mutation(world, "channelPause", channelKey="till")
    assert await count_changes(world) == before + 2


@pytest.mark.writes
async def test_two_mutations_of_one_document_see_each_others_effect(world: World) -> None:
    twice = """mutation { a: channelPause(input: {channelKey: "till", idempotencyKey: "a"}) { channel { state } }
      b: channelResume(input: {channelKey: "till", idempotencyKey: "b"}) { channel { state } } }"""
    found = await world.client.fetch_data(twice, ADMIN)
    assert found == {"a": {"channel": {"state": "PAUSED"}}, "b": {"channel": {"state": "ENABLED"}}}


@pytest.mark.writes
async def test_staff_may_decide_about_listings_and_not_about_channels(world: World) -> None:
    assert (await ask(world, "listingUnlink", STAFF, **INPUTS["listingUnlink"])).codes == []
    assert (await ask(world, "channelPause", STAFF, **INPUTS["channelPause"])).codes == ["FORBIDDEN"]
