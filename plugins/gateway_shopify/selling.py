"""Placing orders, so that a lost answer is found for certain, and so that the goods leave from where they are.

An order carries the gateway's name for it in a metafield of a type whose values are unique: the shop finds it by that,
not by a search that lags, and takes no second one. Creating a draft and completing it would tell as much, but the shop
works out a draft's prices and taxes anew; the buyer has been promised these.

The shop decides by itself from where an order leaves. So an order that it has taken is a ticket, and whoever holds one
sends the goods on their way from the right place: at once, or when the ticket is looked at.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from gateway.sdk import (
    Accepted,
    ChannelError,
    Context,
    Done,
    Outcome,
    OutcomeUnknownError,
    PlaceOrder,
    Ref,
    Refused,
    UnavailableError,
    Write,
)
from gateway_shopify import ordered
from gateway_shopify.answers import gid, number
from gateway_shopify.canceling import ask_to_cancel
from gateway_shopify.client import Client
from gateway_shopify.handling import Handled, Item, Route, handled, order_by_id
from gateway_shopify.mutations import DEFINE, MOVE, PLACE, PLACED
from gateway_shopify.operations import KEY, NAMESPACE
from gateway_shopify.refusals import Refusal, payload_of

DEFINITION = {
    "name": "Commerce Gateway reference",
    "namespace": NAMESPACE,
    "key": KEY,
    "type": "id",
    "ownerType": "ORDER",
}
SOON = timedelta(seconds=5)
MOVES = 20
"""Of one order: more are not needed to put everything into its place."""


class Placing(Write[PlaceOrder]):
    """Takes orders in."""

    of = PlaceOrder

    def __init__(self, client: Client, context: Context) -> None:
        self._client, self._context = client, context
        self._defined = False

    async def send(self, commands: Sequence[PlaceOrder]) -> Sequence[Outcome | ChannelError]:
        """See `Write.send`."""
        return [await self._sent(command) for command in commands]

    async def find(self, command: PlaceOrder, ticket: str | None) -> Outcome | None:
        """See `Write.find`. What was taken in and not yet put into its place, is."""
        order = await (self._by_reference(command.key) if ticket is None else order_by_id(self._client, ticket))
        if order is None and ticket is not None:
            raise OutcomeUnknownError("the shop does not show an order that it took")
        return None if order is None else await self._carried_on(command, order)

    async def _sent(self, command: PlaceOrder) -> Outcome | ChannelError:
        await self._define()
        told = {"order": ordered.order_input(command.key, command.order), "options": ordered.options(command.order)}
        answer = payload_of(await self._client.ask(PLACE, **told), "orderCreate")
        if not isinstance(answer, Refusal):
            return await self._taken(command, answer)
        if "metafields" in answer.field and (known := await self._by_reference(command.key)) is not None:
            return await self._carried_on(command, known)
        return answer.outcome("take the order")

    async def _taken(self, command: PlaceOrder, answer: Mapping[str, object]) -> Outcome:
        """The order is there: whatever fails from now on is done when the ticket is looked at."""
        node = answer.get("order")
        id = number(node if isinstance(node, dict) else {}, "Order")
        try:
            return await self._carried_on(command, await handled(self._client, node))
        except ChannelError:
            return self._later(id)

    async def _carried_on(self, command: PlaceOrder, order: Handled) -> Outcome:
        """See that every unit leaves from its place. Where the shop refuses that, it is not to have the order."""
        if order.canceled:
            return Refused(code="CANCELED", message="the shop has canceled the order")
        for _ in range(0 if ordered.is_over(command.order) else MOVES):
            if not order.routed:
                raise OutcomeUnknownError("the shop has not said yet from where the order leaves")
            if (astray := _astray(order, command)) is None:
                break
            if (refusal := await self._moved(*astray)) is not None:
                return await self._recalled(order.id, refusal)
            order = await self._again(order)
        return Done(ref=Ref(order.id), moved_stock=True)

    async def _recalled(self, id: str, why: Refusal) -> Outcome:
        job = await ask_to_cancel(self._client, id, f"{why.code}: cannot leave from its place")
        if isinstance(job, Refusal):
            raise OutcomeUnknownError("the shop neither sends the order from its place nor cancels it")
        return self._later(id)

    async def _moved(self, route: Route, to: str, items: Sequence[Item]) -> Refusal | None:
        told = [item.some(item.units) for item in items]
        data = await self._client.ask(MOVE, id=route.id, to=gid("Location", to), items=told)
        answer = payload_of(data, "fulfillmentOrderMove")
        return answer if isinstance(answer, Refusal) else None

    async def _again(self, order: Handled) -> Handled:
        found = await order_by_id(self._client, order.id)
        if found is None:
            raise OutcomeUnknownError("the shop does not show an order that it took")
        return found

    async def _by_reference(self, key: str) -> Handled | None:
        data = await self._client.ask(PLACED, reference=key)
        node = data.get("orderByIdentifier")
        return None if node is None else await handled(self._client, node)

    async def _define(self) -> None:
        """The shop must know that values are unique before the first order has one. Nothing is placed until then."""
        if self._defined:
            return
        try:
            answer = payload_of(await self._client.ask(DEFINE, definition=DEFINITION), "metafieldDefinitionCreate")
        except OutcomeUnknownError as error:
            raise UnavailableError(f"the shop did not say whether orders can be told apart: {error}") from error
        if isinstance(answer, Refusal) and answer.code != "TAKEN":
            raise UnavailableError(f"the shop does not let orders be told apart ({answer.code})")
        self._defined = True

    def _later(self, id: str) -> Accepted:
        return Accepted(ticket=id, look_after=self._context.now() + SOON)


def _astray(order: Handled, command: PlaceOrder) -> tuple[Route, str, Sequence[Item]] | None:
    """Units that would leave from another place than they should, and where they should."""
    wanted = {line.variant: line.place for line in command.order.lines}
    for route in order.routes:
        for place in dict.fromkeys(wanted.get(item.variant) for item in route.items):
            if place is not None and place != route.place:
                return route, place, [item for item in route.items if wanted.get(item.variant) == place]
    return None
