"""Totals that add up (rule O8): a record whose amounts do not is accepted, and its order needs attention."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.commerce.channel_orders import attention
from gateway.model.money import format_minor
from gateway.model.validation import MAX_AMOUNT
from gateway.sdk import Money, OrderCharge, OrderChargeKind, OrderRecord, Ref
from gateway.sdk.testing import record_builders
from gateway.sdk.testing.record_builders import build_amounts
from tests.graphql.shopper import TRUSTING, Shopper, build_stores
from tests.graphql.world import ADMIN, World, open_world

QUERY = """{ orders(first: 50) { nodes {
  externalId version attention subtotal { amount } shippingTotal { amount } taxTotal { amount } taxIncluded
  otherCharges { kind title amount { amount } } total { amount }
} } }"""
PLACED_AT = datetime(2025, 1, 6, 12, tzinfo=UTC)


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with open_world(database_url, build_stores(), **TRUSTING) as world:
        yield world


async def sync(world: World, channel: str = "web") -> None:
    world.clock.forward(minutes=10)
    await world.gateway.request_sync(channel)
    await world.gateway.run_due()


async def put_order(world: World, amounts: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """Let the web store report an order, and return what the gateway shows."""
    world.stores["web"].put("orders", record_builders.build_order("w-9", [], amounts=amounts, **more))
    await sync(world)
    nodes = (await world.client.fetch_data(QUERY, ADMIN))["orders"]["nodes"]
    (order,) = [dict(node) for node in nodes if node["externalId"] == "w-9"]
    return order


@pytest.mark.anyio
@pytest.mark.any_database
async def test_charges_explain_the_total(world: World) -> None:
    charges = [["GIFT_WRAP", "Ribbon", "2.00"], ["TIP", "", "1.50"], ["ROUNDING", "Cash", "-0.02"]]
    order = await put_order(
        world, build_amounts("20.00", "25.98", shipping="2.50", tax="3.33", tax_included=True, charges=charges)
    )
    assert order["attention"] == []
    assert order["otherCharges"] == [
        {"kind": kind, "title": title, "amount": {"amount": amount}} for kind, title, amount in charges
    ]


@pytest.mark.anyio
@pytest.mark.any_database
async def test_a_total_that_differs_needs_attention_until_it_does_not(world: World) -> None:
    exclusive: dict[str, Any] = {"shipping": "2.50", "tax": "4.50", "tax_included": False}
    wrong = await put_order(world, build_amounts("20.00", "28.50", **exclusive))
    assert (wrong["attention"], wrong["total"]) == (["TOTAL_DIFFERS"], {"amount": "28.50"})
    charged = await put_order(world, build_amounts("20.00", "28.50", charges=[["HANDLING", "", "1.50"]], **exclusive))
    assert charged["attention"] == [] and charged["version"] == wrong["version"] + 1


@pytest.mark.anyio
@pytest.mark.any_database
async def test_a_canceled_order_has_no_total_to_explain(world: World) -> None:
    amounts = build_amounts("20.00", "28.50")
    assert (await put_order(world, amounts))["attention"] == ["TOTAL_DIFFERS"]
    assert (await put_order(world, amounts, status="CANCELLED"))["attention"] == []


@pytest.mark.anyio
@pytest.mark.any_database
async def test_without_the_check_the_difference_would_be_hidden(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The proof that the tests above can fail."""
    monkeypatch.setattr(attention, "_list_problems", lambda *_: iter(()))
    assert (await put_order(world, build_amounts("20.00", "28.50")))["attention"] == []


@pytest.mark.anyio
@pytest.mark.any_database
@pytest.mark.parametrize("sign", ["", "-"])
async def test_amounts_whose_sum_is_no_amount_any_more_stop_no_channel(world: World, sign: str) -> None:
    largest = f"{sign}{format_minor(MAX_AMOUNT, 'GBP')}"
    charges = [["OTHER", "", largest]] * 3
    order = await put_order(world, build_amounts(largest, "10.00", shipping=largest, charges=charges))
    assert (order["attention"], order["total"]) == (["TOTAL_DIFFERS"], {"amount": "10.00"})


@pytest.mark.anyio
async def test_an_invalid_charge_is_dropped_and_the_difference_is_shown(world: World) -> None:
    order = await put_order(world, build_amounts("20.00", "22.00", charges=[["TIP", "t" * 300, "2.00"]]))
    assert order["otherCharges"] == [] and order["attention"] == ["TOTAL_DIFFERS"]
    warnings = await world.client.fetch_data("{ syncRejects { nodes { field severity externalId } } }", ADMIN)
    assert {"field": "otherCharges", "severity": "WARNING", "externalId": "w-9"} in warnings["syncRejects"]["nodes"]


@pytest.mark.anyio
@pytest.mark.any_database
async def test_an_order_placed_here_needs_attention_while_its_channel_shows_another_total(world: World) -> None:
    shopper = Shopper(world)
    await shopper.fill("web", MUG=1)
    order = (await shopper.buy(await shopper.find_option("SHIPPING", "depot")))["order"]
    await sync(world)
    await sync(world)
    (copy,) = [row for row in world.stores["web"].rows("orders").values() if row.get("client_reference")]
    placed = copy["amounts"]
    assert await read_attention(world, order["id"]) == []
    changed = {**placed, "total": "99.00", "charges": [["OTHER", "Surcharge", "85.50"]]}
    world.stores["web"].change("orders", copy["id"], amounts=changed)
    await sync(world)
    assert await read_attention(world, order["id"]) == ["TOTAL_DIFFERS"]
    world.stores["web"].change("orders", copy["id"], amounts=placed)
    await sync(world)
    assert await read_attention(world, order["id"]) == []


async def read_attention(world: World, id: str) -> list[str]:
    query = "query ($id: ID!) { order(by: {id: $id}) { attention } }"
    return list((await world.client.fetch_data(query, ADMIN, id=id))["order"]["attention"])


amounts = st.integers(-10_000, 10_000)
optional_amounts = st.none() | amounts


@given(
    subtotal=optional_amounts,
    shipping=optional_amounts,
    tax=optional_amounts,
    charges=st.lists(st.tuples(st.sampled_from(OrderChargeKind), amounts), max_size=4),
    included=st.sampled_from([True, False, None]),
    error=st.integers(-2, 2),
    total_known=st.booleans(),
)
def test_every_record_adds_up_or_shows_its_difference(
    subtotal: int | None,
    shipping: int | None,
    tax: int | None,
    charges: list[tuple[OrderChargeKind, int]],
    included: bool | None,
    error: int,
    total_known: bool,
) -> None:
    parts = [subtotal, shipping, *(amount for _, amount in charges), None if included else tax]
    total = sum(part for part in parts if part is not None) + error
    record = OrderRecord(
        ref=Ref("1"),
        number="1",
        placed_at=PLACED_AT,
        lines=[],
        subtotal=_build_money(subtotal),
        shipping_total=_build_money(shipping),
        tax_total=_build_money(tax),
        tax_included=included,
        other_charges=tuple(OrderCharge(kind=kind, amount=Money(amount, "GBP")) for kind, amount in charges),
        total=_build_money(total) if total_known else None,
    )
    is_comparable = subtotal is not None and total_known
    is_other_reading = included is None and error + (tax or 0) == 0
    differs = is_comparable and bool(error) and not is_other_reading
    assert (record.total_difference is not None) == differs


def _build_money(minor: int | None) -> Money | None:
    return None if minor is None else Money(minor, "GBP")
