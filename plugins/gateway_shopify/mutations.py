"""Everything that Shopify's Admin GraphQL API is told, version 2026-10, and what is asked in order to tell it."""

from __future__ import annotations

from gateway_shopify.operations import KEY, LINE, MOVED, NAMESPACE, PAGE_INFO, ROUTE, Operation, reading_operations

HANDLED = f"""
  __typename id cancelledAt
  lineItems(first: 10) {{ nodes {{ {LINE} }} {PAGE_INFO} }}
  fulfillmentOrders(first: 2) {{ nodes {{ {ROUTE} }} {PAGE_INFO} }}
  fulfillments {{
    __typename id status
    fulfillmentLineItems(first: 10) {{ nodes {{ {MOVED} }} {PAGE_INFO} }}
  }}
"""
HANDLED_COST = 117

DEFINE = Operation(
    "DefineReference",
    """mutation DefineReference($definition: MetafieldDefinitionInput!) {
  metafieldDefinitionCreate(definition: $definition) { createdDefinition { id } userErrors { code field } }
}""",
    13,
    writes=True,
)
PLACE = Operation(
    "PlaceOrder",
    f"""mutation PlaceOrder($order: OrderCreateOrderInput!, $options: OrderCreateOptionsInput!) {{
  orderCreate(order: $order, options: $options) {{ order {{ {HANDLED} }} userErrors {{ code field }} }}
}}""",
    HANDLED_COST + 13,
    writes=True,
)
PLACED = Operation(
    "OrderPlaced",
    f"""query OrderPlaced($reference: String!) {{
  orderByIdentifier(identifier: {{ customId: {{ namespace: "{NAMESPACE}", key: "{KEY}", value: $reference }} }}) {{
    {HANDLED}
  }}
}}""",
    HANDLED_COST + 1,
)
HANDLING = Operation(
    "OrderHandled", f"query OrderHandled($id: ID!) {{ order(id: $id) {{ {HANDLED} }} }}", HANDLED_COST + 1
)
MOVE = Operation(
    "MoveRoute",
    """mutation MoveRoute($id: ID!, $to: ID!, $items: [FulfillmentOrderLineItemInput!]!) {
  fulfillmentOrderMove(id: $id, newLocationId: $to, fulfillmentOrderLineItems: $items) {
    movedFulfillmentOrder { id } userErrors { code field }
  }
}""",
    13,
    writes=True,
)
CANCEL = Operation(
    "CancelOrder",
    """mutation CancelOrder($id: ID!, $reason: OrderCancelReason!, $note: String) {
  orderCancel(orderId: $id, reason: $reason, restock: true, notifyCustomer: false, staffNote: $note) {
    job { id } orderCancelUserErrors { code field }
  }
}""",
    13,
    writes=True,
)
JOB = Operation("Job", "query Job($id: ID!) { job(id: $id) { id done } }", 1)
SHIP = Operation(
    "Ship",
    """mutation Ship($fulfillment: FulfillmentInput!) {
  fulfillmentCreate(fulfillment: $fulfillment) { fulfillment { id } userErrors { field } }
}""",
    13,
    writes=True,
)
ADJUST = Operation(
    "AdjustStock",
    """mutation AdjustStock($input: InventoryAdjustQuantitiesInput!, $key: String!) {
  inventoryAdjustQuantities(input: $input) @idempotent(key: $key) {
    inventoryAdjustmentGroup { id } userErrors { code field }
  }
}""",
    13,
    writes=True,
)
SET = Operation(
    "SetStock",
    """mutation SetStock($input: InventorySetQuantitiesInput!, $key: String!) {
  inventorySetQuantities(input: $input) @idempotent(key: $key) {
    inventoryAdjustmentGroup { id } userErrors { code field }
  }
}""",
    13,
    writes=True,
)


def writing_operations() -> list[Operation]:
    """Every operation by which a shop is told something."""
    return [DEFINE, PLACE, PLACED, HANDLING, MOVE, CANCEL, JOB, SHIP, ADJUST, SET]


def all_operations() -> list[Operation]:
    """Every operation there is."""
    return [*reading_operations(), *writing_operations()]
