"""Placement of orders, with a reliable lookup after a lost response, and with the right locations.

An order carries the gateway's reference in a metafield whose definition requires unique values: the shop finds the
order by it without a lagging search, and rejects a second one. Creating and completing a draft order would be
equally reliable, but the shop would recompute prices and taxes, which were promised to the buyer.

The shop selects the shipping locations itself. A created order is therefore pending (its ID is the ticket) until its
fulfillment orders are moved to the requested locations: at once, or when the ticket is looked up.
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
from gateway_shopify import order_input
from gateway_shopify.cancel_writes import request_cancellation
from gateway_shopify.client import ShopifyClient
from gateway_shopify.fulfillment_orders import (
    FulfillmentItem,
    FulfillmentOrder,
    OrderFulfillment,
    fetch_order,
    load_order,
)
from gateway_shopify.graphql_values import build_gid, get_id
from gateway_shopify.read_documents import KEY, NAMESPACE
from gateway_shopify.user_errors import UserError, get_payload
from gateway_shopify.write_documents import CREATE_ORDER, DEFINE_REFERENCE, MOVE_FULFILLMENT_ORDER, ORDER_BY_REFERENCE

REFERENCE_DEFINITION = {
    "name": "Commerce Gateway reference",
    "namespace": NAMESPACE,
    "key": KEY,
    "type": "id",
    "ownerType": "ORDER",
}
POLL_DELAY = timedelta(seconds=5)
MAX_MOVES = 20
"""Maximum number of moves of one order."""


class OrderPlacement(Write[PlaceOrder]):
    """Places orders."""

    of = PlaceOrder

    def __init__(self, client: ShopifyClient, context: Context) -> None:
        self._client, self._context = client, context
        self._has_definition = False

    async def send(self, commands: Sequence[PlaceOrder]) -> Sequence[Outcome | ChannelError]:
        """See `Write.send`."""
        return [await self._send_command(command) for command in commands]

    async def find(self, command: PlaceOrder, ticket: str | None) -> Outcome | None:
        """See `Write.find`. An order that was created but not yet routed is routed."""
        order = await (self._find_by_reference(command.key) if ticket is None else fetch_order(self._client, ticket))
        if order is None and ticket is not None:
            raise OutcomeUnknownError("the shop does not show an order that it created")
        return None if order is None else await self._route_order(command, order)

    async def _send_command(self, command: PlaceOrder) -> Outcome | ChannelError:
        await self._define_reference()
        variables = {
            "order": order_input.build_order_input(command.key, command.order),
            "options": order_input.build_order_options(command.order),
        }
        answer = get_payload(await self._client.call(CREATE_ORDER, **variables), "orderCreate")
        if not isinstance(answer, UserError):
            return await self._route_created(command, answer)
        if "metafields" in answer.field and (order := await self._find_by_reference(command.key)) is not None:
            return await self._route_order(command, order)
        return answer.to_refused("create the order")

    async def _route_created(self, command: PlaceOrder, answer: Mapping[str, object]) -> Outcome:
        """Route an order that was created. If that fails, it is repeated when the ticket is looked up."""
        node = answer.get("order")
        id = get_id(node if isinstance(node, dict) else {}, "Order")
        try:
            return await self._route_order(command, await load_order(self._client, node))
        except ChannelError:
            return self._accept(id)

    async def _route_order(self, command: PlaceOrder, order: OrderFulfillment) -> Outcome:
        """Move all units to their locations. If the shop refuses that, the order is canceled."""
        if order.canceled:
            return Refused(code="CANCELED", message="the shop has canceled the order")
        for _ in range(0 if order_input.is_fulfilled(command.order) else MAX_MOVES):
            if not order.is_routed:
                raise OutcomeUnknownError("the shop has not assigned fulfillment orders yet")
            if (misrouted := _find_misrouted(order, command)) is None:
                break
            if (user_error := await self._move_items(*misrouted)) is not None:
                return await self._cancel_order(order.id, user_error)
            order = await self._refetch_order(order)
        return Done(ref=Ref(order.id), moved_stock=True)

    async def _cancel_order(self, id: str, user_error: UserError) -> Outcome:
        job = await request_cancellation(
            self._client, id, f"{user_error.code}: cannot ship from the requested location"
        )
        if isinstance(job, UserError):
            raise OutcomeUnknownError("the shop can neither ship the order from the requested location nor cancel it")
        return self._accept(id)

    async def _move_items(
        self, fulfillment_order: FulfillmentOrder, to: str, items: Sequence[FulfillmentItem]
    ) -> UserError | None:
        lines = [item.build_input(item.units) for item in items]
        data = await self._client.call(
            MOVE_FULFILLMENT_ORDER, id=fulfillment_order.id, to=build_gid("Location", to), items=lines
        )
        answer = get_payload(data, "fulfillmentOrderMove")
        return answer if isinstance(answer, UserError) else None

    async def _refetch_order(self, order: OrderFulfillment) -> OrderFulfillment:
        refetched = await fetch_order(self._client, order.id)
        if refetched is None:
            raise OutcomeUnknownError("the shop does not show an order that it created")
        return refetched

    async def _find_by_reference(self, key: str) -> OrderFulfillment | None:
        data = await self._client.call(ORDER_BY_REFERENCE, reference=key)
        node = data.get("orderByIdentifier")
        return None if node is None else await load_order(self._client, node)

    async def _define_reference(self) -> None:
        """Create the definition that makes the reference unique. No order is placed before it exists."""
        if self._has_definition:
            return
        try:
            answer = get_payload(
                await self._client.call(DEFINE_REFERENCE, definition=REFERENCE_DEFINITION), "metafieldDefinitionCreate"
            )
        except OutcomeUnknownError as error:
            raise UnavailableError(f"it is unknown whether the shop enforces unique references: {error}") from error
        if isinstance(answer, UserError) and answer.code != "TAKEN":
            raise UnavailableError(f"the shop does not allow unique references ({answer.code})")
        self._has_definition = True

    def _accept(self, id: str) -> Accepted:
        return Accepted(ticket=id, look_after=self._context.now() + POLL_DELAY)


def _find_misrouted(
    order: OrderFulfillment, command: PlaceOrder
) -> tuple[FulfillmentOrder, str, Sequence[FulfillmentItem]] | None:
    """Return units that are assigned to another location than requested, and the requested location."""
    requested = {line.variant: line.place for line in command.order.lines}
    for fulfillment_order in order.fulfillment_orders:
        for location in dict.fromkeys(requested.get(item.variant) for item in fulfillment_order.items):
            if location is not None and location != fulfillment_order.location:
                return (
                    fulfillment_order,
                    location,
                    [item for item in fulfillment_order.items if requested.get(item.variant) == location],
                )
    return None
