"""Callers without `stock:read` are shown at most `[stock] cap` units, wherever there is a quantity (rule K10).

The same requests are sent to two retailers that differ only in how much stock they have beyond the cap. Whatever the
schema has is selected: a caller who may not know the stock cannot tell one answer from the other.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from graphql import GraphQLSchema
from hypothesis import given
from hypothesis import strategies as st

from gateway.model import stock
from gateway.model.stock import EXACT_STOCK, StockDisclosure
from tests.conftest import create_database
from tests.graphql.mutation_documents import list_user_error_codes
from tests.graphql.shopper import TRUSTING, Shopper, build_stores, make_key
from tests.graphql.whole_selections import select_everything
from tests.graphql.world import STAFF, World, get_schema, open_world
from tests.graphql.writable_channels import select_variant_id

pytestmark = [pytest.mark.anyio, pytest.mark.any_database]

CAP = 20
MUCH, MORE = (445, 60), (3_000, 240)
"""Units of the mug in London and in the depot."""

VOLATILE = {
    *("id", "token", "accessToken", "cursor", "startCursor", "endCursor", "number", "pickupCode"),
    *("changes", "parent", "ancestors", "children", "order", "customer", "handle"),
}
WIDE = {"height": 100_000, "tokens": 100_000, "depth": 100, "anonymous": {"cost": 10**9}, "known": {"cost": 10**9}}
ROOTS = {
    "productVariants(filter: {skus: MUG})": "ProductVariantConnection",
    "products(search: MUG)": "ProductConnection",
    "stocks(variantIds: [$ID])": "Stock",
}


@contextlib.asynccontextmanager
async def open_retailer(url: str, counts: tuple[int, int]) -> AsyncIterator[World]:
    stores = build_stores()
    stores["till"].change("stock", "t-mug@L", on_hand=counts[0])
    stores["web"].change("stock", "w-mug@D", on_hand=counts[1])
    async with open_world(url, stores, **{**TRUSTING, "limits": WIDE}) as world:
        yield world


class Reader:
    """Sends the requests of one caller and collects the answers. `token`: None: without one."""

    def __init__(self, world: World, schema: GraphQLSchema, token: str | None) -> None:
        self.world, self.schema, self.token = world, schema, token
        self.answers: list[Any] = []

    async def ask(self, query: str, **variables: Any) -> Any:
        answer = await self.world.client.ask(query, self.token, **variables)
        self.answers.append(answer.body)
        return answer.data

    def select(self, type_name: str, depth: int) -> str:
        return select_everything(self.schema, type_name, depth, VOLATILE)

    async def read_catalog(self) -> None:
        variant = await select_variant_id(self.world, "MUG")
        for call, kind in ROOTS.items():
            text = call.replace("MUG", '"MUG"').replace("$ID", f'"{variant}"')
            await self.ask("{ " + text + self.select(kind, 5) + " }")

    async def run(self, name: str, kind: str, **given: Any) -> Any:
        """Execute a mutation, with everything of its payload, and what the next request needs of it."""
        type_name, needed = f"{name[0].upper()}{name[1:]}Input", NEEDED.get(kind, "")
        whole = self.select(kind, 5)
        query = f"mutation ($input: {type_name}!) {{ {name}(input: $input) {{ whole: __typename {needed} {whole[1:]} }}"
        return (await self.ask(query, input={**given, "idempotencyKey": make_key()}))[name]

    async def fill_and_order(self, asked: int) -> None:
        """Fill a cart, list its options, preview and place the order, and ask for more than there is."""
        variant = await select_variant_id(self.world, "MUG")
        lines = [{"variantId": variant, "quantity": asked}]
        cart = (await self.run("cartCreate", "CartPayload", channelKey="web", lines=lines))["cart"]
        query = "query ($cart: String!) { fulfillmentOptions(cartToken: $cart) %s }"
        await self.ask(query % self.select("FulfillmentOption", 5), cart=cart["token"])
        options = await self.world.client.fetch_data(query % "{ token label parts { method } }", cart=cart["token"])
        for option in [
            one for one in options["fulfillmentOptions"] if one["label"] in ("Pickup in London", "Delivery")
        ]:
            given = {"cartToken": cart["token"], "fulfillmentOptionToken": option["token"]}
            preview = "query ($input: OrderPreviewInput!) { orderPreview(input: $input) %s }"
            await self.ask(preview % self.select("OrderPreview", 5), input=given)
        update = [{"lineId": cart["lines"][0]["id"], "quantity": 9_999}]
        await self.run("cartLinesUpdate", "CartPayload", cartToken=cart["token"], lines=update)

    async def order_too_late(self, left: int) -> None:
        """Order 30 units from the depot when it has fewer left, and reserve more than there are."""
        shopper = Shopper(self.world, self.token)
        await shopper.fill("web", MUG=30)
        (option,) = [one for one in await shopper.list_options() if one["label"] == "Delivery"]
        self.world.stores["web"].change("stock", "w-mug@D", on_hand=left)
        await self.world.gateway.request_sync("web")
        await self.world.gateway.run_due()
        payload = await shopper.buy(option)
        assert list_user_error_codes(payload) == ["INSUFFICIENT_STOCK"]
        self.answers.append(payload)


NEEDED = {"CartPayload": "cart { token version lines { id } total { amount } }"}


def mask_ids(value: Any) -> Any:
    """Mask what differs between any two executions: ids, tokens and request ids."""
    if isinstance(value, dict):
        return {key: "…" if key in (*VOLATILE, "lineId", "requestId") else mask_ids(one) for key, one in value.items()}
    return [mask_ids(one) for one in value] if isinstance(value, list) else value


async def collect_answers(
    urls: tuple[str, str], counts: tuple[tuple[int, int], tuple[int, int]], token: str | None
) -> list[list[Any]]:
    """Collect the answers of both retailers."""
    found = []
    for url, one in zip(urls, counts, strict=True):
        async with open_retailer(url, one) as world:
            reader = Reader(world, get_schema(), token)
            await reader.read_catalog()
            for asked in (1, 30, 5_000):
                await reader.fill_and_order(asked)
            await reader.order_too_late(left=one[1] // 30 + 20)
            found.append(mask_ids(reader.answers))
    return found


@pytest.fixture
def two_databases(request: pytest.FixtureRequest, database_kind: str, tmp_path: Path) -> Iterator[tuple[str, str]]:
    folders = [tmp_path / name for name in ("much", "more")]
    for folder in folders:
        folder.mkdir()
    with (
        create_database(request, database_kind, folders[0]) as much,
        create_database(request, database_kind, folders[1]) as more,
    ):
        yield much, more


async def test_a_caller_without_the_scope_cannot_tell_much_from_more(two_databases: tuple[str, str]) -> None:
    much, more = await collect_answers(two_databases, (MUCH, MORE), None)
    for n, answers in enumerate(zip(much, more, strict=True)):
        assert answers[0] == answers[1], n
    assert not {number for number in list_numbers(much) if number in (445, 446, 506, 476)}


async def test_staff_who_may_see_the_stock_see_it_everywhere(two_databases: tuple[str, str]) -> None:
    """Proof that the test above can fail: its requests tell of the stock wherever nothing is capped."""
    much, more = await collect_answers(two_databases, (MUCH, MORE), STAFF)
    assert sum(one != other for one, other in zip(much, more, strict=True)) >= 6
    assert {445, 506} <= set(list_numbers(much))


@pytest.mark.long
async def test_the_proof_is_a_function_that_tells_everything(
    two_databases: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proof that the function is used everywhere: without it the answers differ."""
    monkeypatch.setattr(stock.StockDisclosure, "show_units", lambda _, units, *_args, **_more: units)
    much, more = await collect_answers(two_databases, (MUCH, MORE), None)
    assert sum(one != other for one, other in zip(much, more, strict=True)) >= 6


def list_numbers(value: Any) -> list[int]:
    """List all numbers of an answer, also those in its texts."""
    if isinstance(value, dict | list):
        inner = value.values() if isinstance(value, dict) else value
        return [number for one in inner for number in list_numbers(one)]
    words = value.replace(".", " ").replace(",", " ").split() if isinstance(value, str) else ()
    return [value] if isinstance(value, int) else [int(word) for word in words if word.isdecimal()]


@given(
    cap=st.integers(1, 30),
    pack=st.integers(1, 40),
    shown_before=st.integers(0, 40),
    asked=st.integers(0, 60),
    data=st.data(),
)
def test_two_counts_beyond_the_cap_look_alike(cap: int, pack: int, shown_before: int, asked: int, data: Any) -> None:
    most = max(cap, pack)
    much, more = (data.draw(st.integers(most + 1, 200)) for _ in range(2))
    disclosure = StockDisclosure(cap)
    if (much >= asked) is (more >= asked) and min(much, more) >= max(
        most - shown_before, asked if much >= asked else 0
    ):
        shown = [disclosure.show_units(units, asked, pack=pack, shown=shown_before) for units in (much, more)]
        assert shown[0] == shown[1] <= max(most, asked)
    assert EXACT_STOCK.show_units(much, asked) == much
