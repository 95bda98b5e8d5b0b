"""K5, K6: followers offer what may be sold, and nothing of it is sold twice."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any
from unittest.mock import patch

import pytest

from gateway.commerce import pushing
from gateway.sdk import OutcomeUnknownError, Refused, UnavailableError
from gateway.sdk.testing import rows
from gateway.sdk.testing.faults import losing, raising, returning
from gateway.sdk.testing.memory import MemoryStore
from gateway.storage import pushes
from gateway.sync.outbox import TRIES
from tests.graphql.buying import TABLES, stores
from tests.graphql.mutating import wish
from tests.graphql.selling import counter, variant_id
from tests.graphql.world import ADMIN, World, opened

pytestmark = [pytest.mark.anyio, pytest.mark.any_database]

SLOW: Mapping[str, Any] = {
    **TABLES,
    "channels": {
        **TABLES["channels"],
        "web": {"config": {**TABLES["channels"]["web"]["config"], "order_latency": 1800}},
    },
}


def channels() -> dict[str, MemoryStore]:
    """As always; and the web store offers ten mugs of the shop in London."""
    found = stores()
    found["web"].put("stock", rows.stock("w-mug", "l-web", 10))
    return found


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with opened(database_url, channels(), **TABLES) as world:
        yield world


async def arm(world: World) -> None:
    """An operator lets quantities be sent to the web store."""
    await world.gateway.database.write(pushing.arm, "web", world.gateway.rules.ground, world.gateway.now())
    await world.gateway.run_due()


async def later(world: World, **amount: float) -> None:
    world.clock.forward(**(amount or {"minutes": 10}))
    for channel in world.stores:
        await world.gateway.make_due(channel)
    await world.gateway.run_due()


def offered(world: World, item: str = "w-mug") -> int:
    row = world.stores["web"].one("stock", f"{item}@l-web")
    assert row is not None
    return int(row["on_hand"])


def sent(world: World) -> list[int]:
    """The quantities that the web store was told, in their order."""
    asks = [ask for ask in world.stores["web"].calls if ask.feed == "SetStock" and ask.method == "send"]
    return [command.quantity for ask in asks for command in ask.commands]  # type: ignore[attr-defined]


async def state(world: World) -> str:
    query = """query ($id: ID!) { node(id: $id) { ... on ProductVariant { listings {
        channel { key } pushes { state wantedQuantity publishedQuantity fault { code } } } } } }"""
    found = await world.client.data(query, ADMIN, id=await variant_id(world, "MUG"))
    (push,) = [one for listing in found["node"]["listings"] for one in listing["pushes"]]
    return str(push["state"])


async def test_nothing_is_sent_before_an_operator_has_armed_the_channel(world: World) -> None:
    await later(world)
    assert sent(world) == [] and await state(world) == "SUPPRESSED"


async def test_an_armed_follower_offers_what_its_place_has(world: World) -> None:
    await arm(world)
    assert offered(world) == 40 and sent(world) == [40]
    await later(world)
    assert await state(world) == "IN_SYNC" and sent(world) == [40]


async def test_a_sale_at_the_till_is_told_to_the_store(world: World) -> None:
    await arm(world)
    world.stores["till"].change("stock", "t-mug@L", on_hand=31)
    await later(world)
    assert offered(world) == 31


async def test_a_held_unit_is_not_offered(world: World) -> None:
    await arm(world)
    line = {"variantId": await variant_id(world, "MUG"), "locationKey": "london", "quantity": 4}
    await wish(world, "stockReserve", lines=[line], holdSeconds=3600)
    await world.gateway.run_due()
    assert offered(world) == 36


async def test_what_the_follower_reports_never_becomes_the_count(world: World) -> None:
    """Its own echo changes nothing."""
    await arm(world)
    world.stores["web"].change("stock", "w-mug@l-web", on_hand=99)
    await later(world)
    assert await counter(world, "t-mug", "L") == (40, 0)
    await later(world)
    assert offered(world) == 40


async def test_the_quantity_is_computed_when_it_is_sent(world: World) -> None:
    """What changes while a channel cannot be reached is one push afterwards, of what is right by then."""
    web, till = world.stores["web"], world.stores["till"]
    web.apply(raising(UnavailableError("the store is off")), feed="SetStock")
    await arm(world)
    for on_hand in (35, 30, 25):
        till.change("stock", "t-mug@L", on_hand=on_hand)
        await later(world)
    web.mend()
    web.calls.clear()
    await later(world)
    assert sent(world) == [25] and offered(world) == 25


async def test_what_must_not_be_offered_goes_first_and_what_may_be_again_last(world: World) -> None:
    web, till = world.stores["web"], world.stores["till"]
    for n, (before, after) in enumerate([(1, 5), (9, 3), (4, 0)]):
        till.put("products", rows.product(f"t-{n}", sku=f"LANE-{n}"))
        web.put("products", rows.product(f"w-{n}", sku=f"LANE-{n}"))
        till.put("stock", rows.stock(f"t-{n}", "L", after))
        web.put("stock", rows.stock(f"w-{n}", "l-web", before))
    web.change("stock", "w-mug@l-web", on_hand=40)
    await later(world)
    await later(world)
    await arm(world)
    assert sent(world) == [0, 3, 5]


async def test_a_two_pack_is_offered_as_often_as_there_are_two(world: World) -> None:
    pack = rows.variant("w-pack", gtin="04006381333931", units=2)
    world.stores["web"].put("products", {"id": "w-pack", "title": "Two mugs", "variants": [pack]})
    world.stores["web"].put("stock", rows.stock("w-pack", "l-web", 2))
    world.stores["till"].change("stock", "t-mug@L", on_hand=7)
    await later(world)
    await arm(world)
    assert sorted(sent(world)) == [3, 7]
    assert offered(world, "w-pack") == 6 and offered(world) == 7  # the records count mugs
    await later(world, hours=1)
    assert sorted(sent(world)) == [3, 7]


async def test_a_count_that_is_not_known_is_not_pushed(world: World) -> None:
    await arm(world)
    world.stores["till"].change("stock", "t-mug@L", on_hand=0.5)  # half a mug: the record is refused
    await later(world)
    assert offered(world) == 40


async def test_a_push_whose_answer_was_lost_ends_as_one(world: World) -> None:
    lost = losing(OutcomeUnknownError("the connection broke"))
    world.stores["web"].apply(lost, feed="SetStock", method="send", times=1)
    await arm(world)
    await later(world)
    await later(world)
    assert offered(world) == 40 and await state(world) == "IN_SYNC"


async def test_a_push_of_which_nobody_can_tell_what_became_of_it_is_computed_anew(world: World) -> None:
    babble = raising(OutcomeUnknownError("it talks nonsense"))
    world.stores["web"].apply(babble, feed="SetStock", method="send", times=TRIES)
    await arm(world)
    for _ in range(TRIES):
        await later(world)
    assert offered(world) == 40 and await state(world) == "IN_SYNC"


async def test_a_push_that_is_refused_is_computed_anew(world: World) -> None:
    no = returning([Refused(code="CHANGED", message="it was another one")])
    world.stores["web"].apply(no, feed="SetStock", method="send", times=1)
    await arm(world)
    assert offered(world) == 10
    await later(world)
    assert offered(world) == 40
    dead = await world.client.data("{ outboxEntries(states: [DEAD]) { nodes { operation } } }", ADMIN)
    assert dead["outboxEntries"]["nodes"] == []


async def test_a_tenth_of_the_offers_going_to_nothing_stops_the_pushes(world: World) -> None:
    """A till that counts nothing any more is a fault, and not a reason to close the store."""
    till, web = world.stores["till"], world.stores["web"]
    for n in range(60):
        till.put("products", rows.product(f"t-{n}", sku=f"MANY-{n}"))
        web.put("products", rows.product(f"w-{n}", sku=f"MANY-{n}"))
        till.put("stock", rows.stock(f"t-{n}", "L", 5))
        web.put("stock", rows.stock(f"w-{n}", "l-web", 5))
    await later(world)
    await later(world)
    await arm(world)
    for n in range(40):
        till.change("stock", f"t-{n}@L", on_hand=0)
    await later(world)
    assert [offered(world, f"w-{n}") for n in range(40)] == [5] * 40
    stopped = await world.gateway.database.read(pushes.arming, "web")
    assert stopped.fault is not None and "40 of 61" in stopped.fault
    with patch.object(pushing, "FEW", 100):  # an operator has looked: so it is
        await arm(world)
    assert [offered(world, f"w-{n}") for n in range(40)] == [0] * 40


async def test_what_vanished_from_a_slow_followers_count_is_held_until_its_order_comes(database_url: str) -> None:
    """The store sold three and has not told yet. Told to offer 40 again, it would sell them twice."""
    async with opened(database_url, channels(), **SLOW) as world:
        web, till = world.stores["web"], world.stores["till"]
        await arm(world)
        await later(world)
        web.change("stock", "w-mug@l-web", on_hand=37)
        till.change("stock", "t-mug@L", on_hand=39)  # one more is sold in the shop: there is something to push
        await later(world)
        await later(world)
        assert offered(world) == 36 and await counter(world, "t-mug", "L") == (39, 3)
        web.put("orders", rows.order("w-9", [rows.line("1", "w-mug", 3, place="l-web")], stock_posted=True))
        await later(world)
        await later(world)
        assert await counter(world, "t-mug", "L") == (36, 0) and offered(world) == 36


async def test_without_the_drift_hold_it_would_be_told_to_sell_them_again(database_url: str) -> None:
    with patch.object(pushing, "drift", lambda *_: 0):
        async with opened(database_url, channels(), **SLOW) as world:
            await arm(world)
            await later(world)
            world.stores["web"].change("stock", "w-mug@l-web", on_hand=37)
            world.stores["till"].change("stock", "t-mug@L", on_hand=39)
            await later(world)
            await later(world)
            assert offered(world) == 39


async def test_what_vanished_and_was_never_told_is_offered_again_after_a_while(database_url: str) -> None:
    async with opened(database_url, channels(), **SLOW) as world:
        await arm(world)
        await later(world)
        world.stores["web"].change("stock", "w-mug@l-web", on_hand=37)
        world.stores["till"].change("stock", "t-mug@L", on_hand=39)
        await later(world)
        await later(world, minutes=31)
        await later(world)
        assert await counter(world, "t-mug", "L") == (39, 0) and offered(world) == 39


# ------------------------------------------------------------------------------------------------ the last units


def _few(on_hand: int, **channel: Any) -> tuple[dict[str, MemoryStore], Mapping[str, Any]]:
    """London has so many mugs; the web store, which tells its orders half an hour later, offers none yet."""
    found = channels()
    found["till"].put("stock", rows.stock("t-mug", "L", on_hand))
    found["web"].put("stock", rows.stock("w-mug", "l-web", 0))
    web = {**SLOW["channels"]["web"], **channel}
    return found, {**SLOW, "channels": {**SLOW["channels"], "web": web}}


async def _sold_there(world: World, number: int) -> None:
    """The store's shopper takes one if the store shows one: it tells the gateway later."""
    world.stores["web"].change("stock", "w-mug@l-web", on_hand=offered(world) - number)


async def _told(world: World, number: int, order: str = "w-9") -> None:
    line = rows.line("1", "w-mug", number, place="l-web")
    world.stores["web"].put("orders", rows.order(order, [line], stock_posted=True))
    await later(world)


async def test_of_the_last_units_a_slow_follower_offers_some_that_nobody_else_can_sell(database_url: str) -> None:
    shops, tables = _few(3)
    async with opened(database_url, shops, **tables) as world:
        await arm(world)
        assert offered(world) == 2 and await counter(world, "t-mug", "L") == (3, 2)
        line = {"variantId": await variant_id(world, "MUG"), "locationKey": "london", "quantity": 2}
        payload = await wish(world, "stockReserve", lines=[line], holdSeconds=3600)
        assert [error["availableQuantity"] for error in payload["userErrors"]] == [1]


async def test_what_it_sold_of_the_last_units_and_told_late_was_nobody_elses(database_url: str) -> None:
    shops, tables = _few(3)
    async with opened(database_url, shops, **tables) as world:
        await arm(world)
        await _sold_there(world, 2)
        line = {"variantId": await variant_id(world, "MUG"), "locationKey": "london", "quantity": 1}
        assert (await wish(world, "stockReserve", lines=[line], holdSeconds=3600))["userErrors"] == []
        await later(world, minutes=5)
        assert await counter(world, "t-mug", "L") == (3, 3) and offered(world) == 0
        await _told(world, 2)
        await later(world)
        assert await counter(world, "t-mug", "L") == (1, 1) and offered(world) == 0


async def test_if_everybody_offered_the_last_units_two_would_sell_the_same(database_url: str) -> None:
    shops, tables = _few(3, set_aside_up_to=0)
    async with opened(database_url, shops, **tables) as world:
        await arm(world)
        await _sold_there(world, 3)
        line = {"variantId": await variant_id(world, "MUG"), "locationKey": "london", "quantity": 3}
        assert (await wish(world, "stockReserve", lines=[line], holdSeconds=3600))["userErrors"] == []


async def test_it_is_offered_no_more_of_the_last_units_before_it_shows_none(database_url: str) -> None:
    shops, tables = _few(3)
    async with opened(database_url, shops, **tables) as world:
        await arm(world)
        world.stores["web"].calls.clear()
        await _sold_there(world, 1)
        await _told(world, 1)
        await later(world)
        assert sent(world) == [] and offered(world) == 1
        assert await counter(world, "t-mug", "L") == (2, 1)
        await _sold_there(world, 1)
        await _told(world, 1, "w-10")
        await later(world)
        assert sent(world) == [1] and await counter(world, "t-mug", "L") == (1, 1)


async def test_when_there_are_many_again_everybody_offers_all_of_them(database_url: str) -> None:
    shops, tables = _few(3)
    async with opened(database_url, shops, **tables) as world:
        await arm(world)
        world.stores["till"].change("stock", "t-mug@L", on_hand=9)
        await later(world)
        assert offered(world) == 9 and await counter(world, "t-mug", "L") == (9, 0)


async def test_the_last_units_that_are_sold_at_the_till_are_taken_back(database_url: str) -> None:
    shops, tables = _few(3)
    async with opened(database_url, shops, **tables) as world:
        await arm(world)
        world.stores["till"].change("stock", "t-mug@L", on_hand=1)
        await later(world)
        await later(world)
        assert offered(world) == 1 and await counter(world, "t-mug", "L") == (1, 1)


async def test_how_many_are_the_last_can_be_said(database_url: str) -> None:
    shops, tables = _few(3, set_aside_up_to=0)
    async with opened(database_url, shops, **tables) as world:
        await arm(world)
        assert offered(world) == 3 and await counter(world, "t-mug", "L") == (3, 0)


async def test_what_was_set_aside_for_what_is_not_listed_any_more_is_everybodys(database_url: str) -> None:
    shops, tables = _few(3)
    async with opened(database_url, shops, **tables) as world:
        await arm(world)
        world.stores["web"].remove("products", "w-mug")
        await world.gateway.make_due("web", sweep=True)
        await world.gateway.run_due()
        await world.gateway.keep_house()
        assert await counter(world, "t-mug", "L") == (3, 0)
