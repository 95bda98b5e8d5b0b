"""Documents of write operations and of their lookups, for Admin GraphQL API version 2026-10."""

from __future__ import annotations

from gateway_shopify.read_documents import (
    FULFILLED_ITEM,
    FULFILLMENT_ORDER,
    KEY,
    LINE,
    NAMESPACE,
    PAGE_INFO,
    Operation,
    list_read_operations,
)

ORDER_FULFILLMENT = f"""
  __typename id cancelledAt
  lineItems(first: 10) {{ nodes {{ {LINE} }} {PAGE_INFO} }}
  fulfillmentOrders(first: 2) {{ nodes {{ {FULFILLMENT_ORDER} }} {PAGE_INFO} }}
  fulfillments {{
    __typename id status
    fulfillmentLineItems(first: 10) {{ nodes {{ {FULFILLED_ITEM} }} {PAGE_INFO} }}
  }}
"""
ORDER_FULFILLMENT_COST = 117

DEFINE_REFERENCE = Operation(
    "DefineReference",
    """mutation DefineReference($definition: MetafieldDefinitionInput!) {
  metafieldDefinitionCreate(definition: $definition) { createdDefinition { id } userErrors { code field } }
}""",
    13,
    writes=True,
)
CREATE_ORDER = Operation(
    "PlaceOrder",
    f"""mutation PlaceOrder($order: OrderCreateOrderInput!, $options: OrderCreateOptionsInput!) {{
  orderCreate(order: $order, options: $options) {{ order {{ {ORDER_FULFILLMENT} }} userErrors {{ code field }} }}
}}""",
    ORDER_FULFILLMENT_COST + 13,
    writes=True,
)
ORDER_BY_REFERENCE = Operation(
    "OrderPlaced",
    f"""query OrderPlaced($reference: String!) {{
  orderByIdentifier(identifier: {{ customId: {{ namespace: "{NAMESPACE}", key: "{KEY}", value: $reference }} }}) {{
    {ORDER_FULFILLMENT}
  }}
}}""",
    ORDER_FULFILLMENT_COST + 1,
)
ORDER_BY_ID = Operation(
    "OrderHandled",
    f"query OrderHandled($id: ID!) {{ order(id: $id) {{ {ORDER_FULFILLMENT} }} }}",
    ORDER_FULFILLMENT_COST + 1,
)
MOVE_FULFILLMENT_ORDER = Operation(
    "MoveRoute",
    """mutation MoveRoute($id: ID!, $to: ID!, $items: [FulfillmentOrderLineItemInput!]!) {
  fulfillmentOrderMove(id: $id, newLocationId: $to, fulfillmentOrderLineItems: $items) {
    movedFulfillmentOrder { id } userErrors { code field }
  }
}""",
    13,
    writes=True,
)
CANCEL_ORDER = Operation(
    "CancelOrder",
    """mutation CancelOrder($id: ID!, $reason: OrderCancelReason!, $note: String) {
  orderCancel(orderId: $id, reason: $reason, restock: true, notifyCustomer: false, staffNote: $note) {
    job { id } orderCancelUserErrors { code field }
  }
}""",
    13,
    writes=True,
)
GET_JOB = Operation("Job", "query Job($id: ID!) { job(id: $id) { id done } }", 1)
CREATE_FULFILLMENT = Operation(
    "Ship",
    """mutation Ship($fulfillment: FulfillmentInput!) {
  fulfillmentCreate(fulfillment: $fulfillment) { fulfillment { id } userErrors { field } }
}""",
    13,
    writes=True,
)
ADJUST_STOCK = Operation(
    "AdjustStock",
    """mutation AdjustStock($input: InventoryAdjustQuantitiesInput!, $key: String!) {
  inventoryAdjustQuantities(input: $input) @idempotent(key: $key) {
    inventoryAdjustmentGroup { id } userErrors { code field }
  }
}""",
    13,
    writes=True,
)
SET_STOCK = Operation(
    "SetStock",
    """mutation SetStock($input: InventorySetQuantitiesInput!, $key: String!) {
  inventorySetQuantities(input: $input) @idempotent(key: $key) {
    inventoryAdjustmentGroup { id } userErrors { code field }
  }
}""",
    13,
    writes=True,
)
SET_EMAIL_CONSENT = Operation(
    "SetEmailConsent",
    """mutation SetEmailConsent($input: CustomerEmailMarketingConsentUpdateInput!) {
  customerEmailMarketingConsentUpdate(input: $input) { customer { id } userErrors { code field } }
}""",
    13,
    writes=True,
)
SET_SMS_CONSENT = Operation(
    "SetSmsConsent",
    """mutation SetSmsConsent($input: CustomerSmsMarketingConsentUpdateInput!) {
  customerSmsMarketingConsentUpdate(input: $input) { customer { id } userErrors { code field } }
}""",
    13,
    writes=True,
)
ERASE_CUSTOMER = Operation(
    "EraseCustomer",
    """mutation EraseCustomer($customer: ID!) {
  customerRequestDataErasure(customerId: $customer) { customerId userErrors { code field } }
}""",
    13,
    writes=True,
)


def list_write_operations() -> list[Operation]:
    """List all operations that change a shop, and their lookups."""
    return [
        DEFINE_REFERENCE,
        CREATE_ORDER,
        ORDER_BY_REFERENCE,
        ORDER_BY_ID,
        MOVE_FULFILLMENT_ORDER,
        CANCEL_ORDER,
        GET_JOB,
        CREATE_FULFILLMENT,
        ADJUST_STOCK,
        SET_STOCK,
        SET_EMAIL_CONSENT,
        SET_SMS_CONSENT,
        ERASE_CUSTOMER,
    ]


def list_operations() -> list[Operation]:
    """List all operations."""
    return [*list_read_operations(), *list_write_operations()]
