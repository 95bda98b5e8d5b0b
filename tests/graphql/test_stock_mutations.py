"""Mutations that reserve, release, adjust and transfer stock."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from gateway.sdk import OutcomeUnknownError, UnavailableError
from gateway.sdk.testing.fault_injection import lose_answer, raise_error
from tests.graphql.mutation_documents import list_user_error_codes, run_mutation
from tests.graphql.world import CLERK, World
from tests.graphql.writable_channels import (
    list_reservation_states,
    open_selling_world,
    read_counter,
    read_on_hand,
    select_variant_id,
)

pytestmark = [pytest.mark.anyio, pytest.mark.any_database]


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with open_selling_world(database_url) as world:
        yield world


async def hold(world: World, quantity: int, *, sku: str = "MUG", at: str = "london", key: str = "k") -> dict[str, Any]:
    line = {"variantId": await select_variant_id(world, sku), "locationKey": at, "quantity": quantity}
    return await run_mutation(world, "stockReserve", key, lines=[line], holdSeconds=60)


async def adjust(world: World, seen: int, now: int, *, at: str = "london", key: str = "k") -> dict[str, Any]:
    variant = await select_variant_id(world, "MUG")
    given: dict[str, Any] = {"variantId": variant, "locationKey": at, "expectedOnHand": seen, "onHand": now}
    return await run_mutation(world, "stockAdjust", key, reason="COUNT", **given)


async def move(world: World, quantity: int, *, to: str = "leeds", key: str = "k") -> dict[str, Any]:
    given: dict[str, Any] = {
        "variantId": await select_variant_id(world, "MUG"),
        "fromLocationKey": "london",
        "toLocationKey": to,
    }
    return await run_mutation(world, "stockTransfer", key, quantity=quantity, **given)


async def fetch_available(world: World) -> int:
    """Fetch the number of mugs that the till may sell."""
    query = 'query ($id: ID!) { node(id: $id) { ... on ProductVariant { stock(channelKey: "till") { available } } } }'
    found = await world.client.fetch_data(query, CLERK, id=await select_variant_id(world, "MUG"))
    return int(found["node"]["stock"]["available"])


# ------------------------------------------------------------------------------------------------ reservations


async def test_reserved_units_cannot_be_promised_again(world: World) -> None:
    before = await fetch_available(world)
    payload = await hold(world, 38)
    assert [(one["quantity"], one["state"]) for one in payload["reservations"]] == [(38, "HELD")]
    assert await fetch_available(world) == before - 38
    refused = await hold(world, 3, key="k2")
    assert (
        list_user_error_codes(refused) == ["INSUFFICIENT_STOCK"] and refused["userErrors"][0]["availableQuantity"] == 2
    )
    assert await read_counter(world, "t-mug", "L") == (40, 38)


async def test_the_buffer_is_never_held(world: World) -> None:
    """Leeds has 3 and holds 2 of them back as its buffer."""
    assert list_user_error_codes(await hold(world, 2, at="leeds")) == ["INSUFFICIENT_STOCK"]
    assert list_user_error_codes(await hold(world, 1, at="leeds", key="k2")) == []


async def test_all_lines_are_held_or_none(world: World) -> None:
    mug, tee = await select_variant_id(world, "MUG"), await select_variant_id(world, "TEE-R")
    lines = [
        {"variantId": mug, "locationKey": "london", "quantity": 1},
        {"variantId": tee, "locationKey": "london", "quantity": 1},
    ]
    payload = await run_mutation(world, "stockReserve", lines=lines, holdSeconds=60)
    assert list_user_error_codes(payload) == ["OUT_OF_STOCK"] and payload["reservations"] == []
    assert payload["userErrors"][0]["field"] == ["input", "lines", "1", "quantity"]
    assert await read_counter(world, "t-mug", "L") == (40, 0)


async def test_two_lines_of_one_variant_share_its_units(world: World) -> None:
    line = {"variantId": await select_variant_id(world, "MUG"), "locationKey": "london", "quantity": 25}
    assert list_user_error_codes(await run_mutation(world, "stockReserve", lines=[line, line], holdSeconds=60)) == [
        "INSUFFICIENT_STOCK"
    ]


async def test_a_hold_lapses_by_the_schedule_and_not_before(world: World) -> None:
    await hold(world, 5)
    world.clock.forward(seconds=59)
    await world.gateway.run_due()
    assert await read_counter(world, "t-mug", "L") == (40, 5)
    world.clock.forward(seconds=1)
    await world.gateway.run_due()
    assert await read_counter(world, "t-mug", "L") == (40, 0)
    assert await list_reservation_states(world) == ["EXPIRED"]


async def test_what_is_let_go_is_let_go_once(world: World) -> None:
    held = (await hold(world, 5))["reservations"][0]["id"]
    payload = await run_mutation(world, "stockRelease", "r1", reservationIds=[held])
    assert [one["state"] for one in payload["reservations"]] == ["RELEASED"]
    assert list_user_error_codes(await run_mutation(world, "stockRelease", "r2", reservationIds=[held])) == []
    assert await read_counter(world, "t-mug", "L") == (40, 0)


async def test_a_repeated_reservation_request_reserves_nothing_more(world: World) -> None:
    first = await hold(world, 5)
    assert await hold(world, 5) == first
    assert await read_counter(world, "t-mug", "L") == (40, 5)


@pytest.mark.parametrize("quantity", [0, -1])
async def test_quantities_that_are_none_are_refused(world: World, quantity: int) -> None:
    assert list_user_error_codes(await hold(world, quantity)) == ["INVALID"]
    assert list_user_error_codes(await move(world, quantity, key="k2")) == ["INVALID"]
    assert await list_reservation_states(world) == []


async def test_the_last_units_are_held_once_however_many_ask(world: World) -> None:
    asked = await asyncio.gather(*(hold(world, 1, key=f"k{n}") for n in range(60)))
    assert sorted(list_user_error_codes(one) for one in asked) == [[]] * 40 + [["OUT_OF_STOCK"]] * 20
    assert await read_counter(world, "t-mug", "L") == (40, 40)


# ------------------------------------------------------------------------------------------------ counts


async def test_a_count_is_put_right_where_it_is_kept(world: World) -> None:
    payload = await adjust(world, 40, 37)
    assert (
        list_user_error_codes(payload) == [] and payload["level"]["onHand"] == 37 and payload["level"]["reserved"] == 0
    )
    assert read_on_hand(world.stores["till"], "t-mug", "L") == 37
    assert await read_counter(world, "t-mug", "L") == (37, 0) and await list_reservation_states(world) == ["SETTLED"]


async def test_a_count_that_was_not_seen_is_not_overwritten(world: World) -> None:
    payload = await adjust(world, 39, 37)
    assert list_user_error_codes(payload) == ["CONFLICT"] and payload["level"]["onHand"] == 40
    assert read_on_hand(world.stores["till"], "t-mug", "L") == 40


async def test_fewer_counts_at_once_and_more_once_the_authority_shows_it(world: World) -> None:
    """A decrease counts at once, an increase only when the observed count shows it (rule K3)."""
    world.stores["till"].apply(raise_error(UnavailableError("the till is off")))
    await adjust(world, 40, 30)
    assert await read_counter(world, "t-mug", "L") == (40, 10)
    assert list_user_error_codes(await adjust(world, 40, 50, key="k2")) == [
        "CONFLICT"
    ]  # the first adjustment is not in the count yet
    world.stores["till"].mend()
    world.clock.forward(minutes=10)
    await world.gateway.run_due()
    assert await read_counter(world, "t-mug", "L") == (30, 0)
    world.stores["till"].apply(raise_error(UnavailableError("the till is off")), method="send")
    await adjust(world, 30, 50, key="k3")
    assert await read_counter(world, "t-mug", "L") == (30, 0)
    world.stores["till"].mend()
    world.clock.forward(minutes=10)
    await world.gateway.run_due()
    assert await read_counter(world, "t-mug", "L") == (50, 0)


async def test_an_adjustment_whose_answer_was_lost_has_its_effect_once(world: World) -> None:
    lost = lose_answer(OutcomeUnknownError("the connection broke"))
    world.stores["till"].apply(lost, feed="AdjustStock", method="send", times=1)
    await adjust(world, 40, 37)
    world.clock.forward(minutes=10)
    await world.gateway.run_due()
    assert read_on_hand(world.stores["till"], "t-mug", "L") == 37
    assert await read_counter(world, "t-mug", "L") == (37, 0)


async def test_a_read_that_began_before_the_authority_had_it_proves_nothing(world: World) -> None:
    """Otherwise a sold unit would be on sale again until the next read."""
    till = world.stores["till"]
    till.apply(raise_error(UnavailableError("the till takes nothing")), method="send")
    await adjust(world, 40, 37)
    world.clock.forward(minutes=2)
    await world.gateway.run_due()
    assert await read_counter(world, "t-mug", "L") == (40, 3)


async def test_an_unchanged_count_can_prove_as_well(world: World) -> None:
    """Three were sold and three delivered: the till reports the same count as before, and it contains the sale."""
    till = world.stores["till"]
    till.apply(raise_error(UnavailableError("the till is off")))
    await adjust(world, 40, 37)
    till.mend()
    till.change("stock", "t-mug@L", on_hand=43)
    world.clock.forward(minutes=10)
    await world.gateway.run_due()
    assert await read_counter(world, "t-mug", "L") == (40, 0)


# ------------------------------------------------------------------------------------------------ transfers


async def test_units_go_from_one_shop_to_the_other(world: World) -> None:
    payload = await move(world, 4)
    assert list_user_error_codes(payload) == []
    await world.gateway.run_due()
    till = world.stores["till"]
    assert (read_on_hand(till, "t-mug", "L"), read_on_hand(till, "t-mug", "M")) == (36, 7)
    assert await read_counter(world, "t-mug", "L") == (36, 0) and await read_counter(world, "t-mug", "M") == (7, 0)
    assert set(await list_reservation_states(world)) == {"SETTLED"}


async def test_units_do_not_arrive_before_they_have_left(world: World) -> None:
    till = world.stores["till"]
    till.apply(raise_error(UnavailableError("the till is off")), method="send")
    await move(world, 4)
    await world.gateway.run_due()
    assert (read_on_hand(till, "t-mug", "L"), read_on_hand(till, "t-mug", "M")) == (40, 3)
    assert await read_counter(world, "t-mug", "L") == (40, 4)


async def test_more_than_there_is_is_not_sent(world: World) -> None:
    payload = await move(world, 41)
    assert list_user_error_codes(payload) == ["INSUFFICIENT_STOCK"] and payload["userErrors"][0]["field"] == [
        "input",
        "quantity",
    ]
    assert await list_reservation_states(world) == []


async def test_a_place_whose_channel_does_not_list_it_takes_nothing(world: World) -> None:
    assert list_user_error_codes(await move(world, 1, to="depot")) == ["NOT_FOUND"]


async def test_a_channel_that_takes_no_adjustments_gets_no_commands(database_url: str) -> None:
    async with open_selling_world(database_url, channels={"till": {}, "web": {}}) as world:
        assert list_user_error_codes(await adjust(world, 40, 37)) == ["NOT_SUPPORTED_BY_CHANNEL"]
        assert list_user_error_codes(await move(world, 1, key="k2")) == [
            "NOT_SUPPORTED_BY_CHANNEL",
            "NOT_SUPPORTED_BY_CHANNEL",
        ]


async def test_a_hold_is_not_longer_than_a_day(world: World) -> None:
    line = {"variantId": await select_variant_id(world, "MUG"), "locationKey": "london", "quantity": 1}
    query = "mutation ($input: StockReserveInput!) { stockReserve(input: $input) { userErrors { code } } }"
    for seconds in (0, -5, int(timedelta(days=2).total_seconds())):
        given = {"lines": [line], "holdSeconds": seconds, "idempotencyKey": "k"}
        answer = await world.client.ask(query, "admin-secret", input=given)
        assert answer.codes == ["BAD_USER_INPUT"]
