"""Mutations whose cost is compared with the CPU time they take, with 1 and with 100 lines."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from bench.asgi_gateway import Client

Input = Mapping[str, Any]
TIMES = 4
SIZES = (1, 100)

CART = "cart { token version lines { id } total { amount } }"
PAYLOADS = {"cart": CART, "order": "order { id }", "fulfillment": "fulfillment { id version }"}
OPTIONS = """query ($cart: String!) { fulfillmentOptions(cartToken: $cart) {
  token price { amount } parts { method } } }"""
CONTACT = {"name": "Ada Lovelace", "email": "ada@example.com"}
ADDRESS = {"line1": "12 St James's Square", "city": "London", "countryCode": "GB"}


@dataclass(frozen=True, slots=True)
class MutationCase:
    """A mutation. `prepare`: prepares the input of one execution."""

    name: str
    field: str
    prepare: Callable[[], Awaitable[Input]]
    selection: str = ""

    def build_document(self, times: int) -> str:
        """Build an operation that executes the mutation this often, each with its own variable."""
        kind = f"{self.field[0].upper()}{self.field[1:]}Input!"
        variables = ", ".join(f"$i{n}: {kind}" for n in range(times))
        selection = f"{self.selection} userErrors {{ code message }}"
        fields = " ".join(f"a{n}: {self.field}(input: $i{n}) {{ {selection} }}" for n in range(times))
        return f"mutation ({variables}) {{ {fields} }}"


@dataclass(frozen=True, slots=True)
class Seller:
    """Prepares carts and orders. `variants`: as many as the largest cart has lines."""

    client: Client
    variants: Sequence[str]
    levels: Mapping[str, int]

    async def run(self, field: str, payload: str, **given: Any) -> Any:
        """Execute one mutation and return its payload."""
        case = MutationCase(field, field, _prepare_nothing, payload)
        answer = await self.client.query(case.build_document(1), i0={**given, "idempotencyKey": str(uuid4())})
        if answer["a0"]["userErrors"]:
            raise AssertionError(answer["a0"]["userErrors"])
        return answer["a0"]

    def build_lines(self, size: int, **more: Any) -> list[Input]:
        return [{"variantId": id_, "quantity": 1, **more} for id_ in self.variants[:size]]

    async def create_cart(self, size: int) -> Any:
        payload = await self.run("cartCreate", CART, channelKey="web", lines=self.build_lines(size))
        return payload["cart"]

    async def build_order(self, size: int, method: str = "SHIPPING") -> Input:
        """Build the input of an order of this many lines, by the first option with the method."""
        cart = await self.create_cart(size)
        options = (await self.client.query(OPTIONS, cart=cart["token"]))["fulfillmentOptions"]
        option = next(one for one in options if [part["method"] for part in one["parts"]] == [method])
        amount = round(100 * (float(cart["total"]["amount"]) + float(option["price"]["amount"])))
        money = {"amount": f"{amount // 100}.{amount % 100:02}", "currencyCode": "GBP"}
        return {
            "cartToken": cart["token"],
            "cartVersion": cart["version"],
            "fulfillmentOptionToken": option["token"],
            "contact": CONTACT,
            "shippingAddress": ADDRESS,
            "payments": [{"kind": "TENDERED", "provider": "bank", "amount": money}],
            "expectedTotal": money,
        }

    async def place_order(self, size: int, method: str = "SHIPPING") -> Any:
        placed = await self.run(
            "orderPlace",
            "order { id version fulfillments { id version status pickupCode } }",
            **await self.build_order(size, method),
        )
        return placed["order"]


async def _prepare_nothing() -> Input:
    return {}


def list_mutation_cases(seller: Seller) -> list[MutationCase]:
    """List the cases."""
    lined = [case for size in SIZES for case in LinedInputs(seller, size).list_cases()]
    return lined + SingleInputs(seller, iter(seller.levels.items())).list_cases()


@dataclass(frozen=True, slots=True)
class LinedInputs:
    """Prepares inputs of mutations of this many lines."""

    seller: Seller
    size: int

    async def create(self) -> Input:
        return {"channelKey": "web", "lines": self.seller.build_lines(self.size)}

    async def add(self) -> Input:
        cart = await self.seller.create_cart(0)
        return {"cartToken": cart["token"], "lines": self.seller.build_lines(self.size)}

    async def update(self) -> Input:
        cart = await self.seller.create_cart(self.size)
        return {"cartToken": cart["token"], "lines": [{"lineId": line["id"], "quantity": 2} for line in cart["lines"]]}

    async def remove(self) -> Input:
        cart = await self.seller.create_cart(self.size)
        return {"cartToken": cart["token"], "lineIds": [line["id"] for line in cart["lines"]]}

    async def move(self) -> Input:
        return {"cartToken": (await self.seller.create_cart(self.size))["token"], "channelKey": "till"}

    async def set_customer(self) -> Input:
        return {"cartToken": (await self.seller.create_cart(self.size))["token"], "customerId": None}

    async def prepare_order(self) -> Input:
        return await self.seller.build_order(self.size)

    async def cancel(self) -> Input:
        order = await self.seller.place_order(self.size)
        return {"orderId": order["id"], "version": order["version"]}

    async def ship(self) -> Input:
        (fulfillment,) = (await self.seller.place_order(self.size))["fulfillments"]
        return {"fulfillmentId": fulfillment["id"], "version": fulfillment["version"]}

    async def mark_ready(self) -> Input:
        (fulfillment,) = (await self.seller.place_order(self.size, "PICKUP"))["fulfillments"]
        return {"fulfillmentId": fulfillment["id"], "version": fulfillment["version"]}

    async def collect(self) -> Input:
        (fulfillment,) = (await self.seller.place_order(self.size, "PICKUP"))["fulfillments"]
        await self.seller.run(
            "fulfillmentMarkReady", "", fulfillmentId=fulfillment["id"], version=fulfillment["version"]
        )
        return {"fulfillmentId": fulfillment["id"], "pickupCode": fulfillment["pickupCode"]}

    async def reject(self) -> Input:
        (fulfillment,) = (await self.seller.place_order(self.size, "PICKUP"))["fulfillments"]
        return {"fulfillmentId": fulfillment["id"], "version": fulfillment["version"], "reason": "missing"}

    async def reserve(self) -> Input:
        return {"lines": self.seller.build_lines(self.size, locationKey="shop"), "holdSeconds": 60}

    async def release(self) -> Input:
        payload = await self.seller.run("stockReserve", "reservations { id }", **await self.reserve())
        return {"reservationIds": [one["id"] for one in payload["reservations"]]}

    def list_cases(self) -> list[MutationCase]:
        """List the cases of this size."""
        prepared = {
            "cartCreate": self.create,
            "cartLinesAdd": self.add,
            "cartLinesUpdate": self.update,
            "cartLinesRemove": self.remove,
            "cartMove": self.move,
            "cartCustomerSet": self.set_customer,
            "orderPlace": self.prepare_order,
            "orderCancel": self.cancel,
            "fulfillmentShip": self.ship,
            "fulfillmentMarkReady": self.mark_ready,
            "fulfillmentCollect": self.collect,
            "fulfillmentReject": self.reject,
            "stockReserve": self.reserve,
            "stockRelease": self.release,
        }
        lines = f"{self.size} line{'' if self.size == 1 else 's'}"
        return [MutationCase(f"{field}, {lines}", field, prepare) for field, prepare in prepared.items()]


@dataclass(frozen=True, slots=True)
class SingleInputs:
    """Prepares inputs of mutations without lines. `counts`: variants with their counts in the shop."""

    seller: Seller
    counts: Iterator[tuple[str, int]]

    async def pay(self) -> Input:
        input_ = dict(await self.seller.build_order(1))
        money = input_["expectedTotal"]
        input_["payments"] = [{"kind": "PROVIDER", "provider": "bank", "amount": money}]
        order = (await self.seller.run("orderPlace", "order { id version }", **input_))["order"]
        payment = {"kind": "TENDERED", "provider": "bank", "reference": str(uuid4()), "amount": money}
        return {"orderId": order["id"], "payment": payment}

    async def adjust(self) -> Input:
        variant, on_hand = next(self.counts)
        return {
            "variantId": variant,
            "locationKey": "shop",
            "expectedOnHand": on_hand,
            "onHand": on_hand - 1,
            "reason": "COUNT",
        }

    async def transfer(self) -> Input:
        variant, _ = next(self.counts)
        return {"variantId": variant, "fromLocationKey": "shop", "toLocationKey": "outlet", "quantity": 1}

    async def pause(self) -> Input:
        return {"channelKey": "till"}

    def list_cases(self) -> list[MutationCase]:
        """List the cases."""
        prepared = {
            "orderPaymentRecord": self.pay,
            "stockAdjust": self.adjust,
            "stockTransfer": self.transfer,
            "channelPause": self.pause,
            "channelResume": self.pause,
            "channelSync": self.pause,
        }
        return [MutationCase(field, field, prepare) for field, prepare in prepared.items()]


async def prepare_inputs(case: MutationCase, times: int) -> AsyncIterator[tuple[str, Input]]:
    """Prepare the variables of one operation."""
    for n in range(times):
        yield f"i{n}", {**await case.prepare(), "idempotencyKey": str(uuid4())}
