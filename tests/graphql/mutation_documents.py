"""Mutation documents and helpers that run them."""

from __future__ import annotations

from typing import Any

from tests.graphql.world import ADMIN, Answer, World

ERRORS = "userErrors { code field message retryable retryAfterSeconds availableQuantity channel { key } }"
CART = """
cart {
  id token version status currencyCode channel { key } subtotal { amount } taxTotal { amount } total { amount }
  lines { id title sku quantity maxQuantity stockStatus unitPrice { amount } total { amount } variant { id } }
}
warnings { code lineId message }
"""
FULFILLMENT = """
fulfillment {
  id version method status pickupCode location { key } readyAt collectBy shippedAt tracking { carrier number url }
  lines { line { sku } quantity }
}
"""
ORDER = """
order {
  id version number accessToken status fulfillmentStatus paymentStatus total { amount } taxTotal { amount } taxIncluded
  channel { key } location { key } subtotal { amount } shippingTotal { amount }
  lines { nodes { id sku quantity unitPrice { amount } total { amount } fulfilledQuantity variant { id } } }
  fulfillments {
    id version method status pickupCode location { key } lines { quantity line { sku } } tracking { number }
  }
  payments { kind status amount { amount } }
  events { nodes { kind message channel { key } location { key } } }
}
"""
LOYALTY = """
account { number balance pending }
entry { id kind points reason occurredAt sourceKey expiresAt location { key } }
"""
MUTATIONS = {
    "listingLink": ("ListingLinkInput", "listing { id matchedBy unitsPerListing variant { id } }"),
    "listingUnlink": ("ListingUnlinkInput", "listing { id matchedBy variant { id } }"),
    "matchReviewDecide": ("MatchReviewDecideInput", "review { id } listing { id matchedBy variant { id } }"),
    "channelPause": ("ChannelPauseInput", "channel { key state }"),
    "channelResume": ("ChannelResumeInput", "channel { key state }"),
    "channelSync": ("ChannelSyncInput", "channel { key state }"),
    "syncRejectReplay": ("SyncRejectReplayInput", "reject { id externalId } replayed"),
}
"""Mutations of operators: each names one object by its id and requires a scope."""

SALES = {
    "stockReserve": (
        "StockReserveInput",
        "reservations { id quantity state expiresAt location { key } variant { id } }",
    ),
    "stockRelease": ("StockReleaseInput", "reservations { id state }"),
    "stockAdjust": ("StockAdjustInput", "level { onHand reserved available }"),
    "stockTransfer": ("StockTransferInput", "levels { location { key } onHand reserved }"),
    "cartCreate": ("CartCreateInput", CART),
    "cartLinesAdd": ("CartLinesAddInput", CART),
    "cartLinesUpdate": ("CartLinesUpdateInput", CART),
    "cartLinesRemove": ("CartLinesRemoveInput", CART),
    "cartMove": ("CartMoveInput", CART),
    "cartLoyaltySet": (
        "CartLoyaltySetInput",
        CART.replace("subtotal", "loyaltyPoints loyaltyDiscount { amount } discountTotal { amount } subtotal"),
    ),
    "loyaltyPost": ("LoyaltyPostInput", LOYALTY),
    "customerMerge": ("CustomerMergeInput", "merge { id } customer { id }"),
    "customerMergeUndo": ("CustomerMergeUndoInput", "merge { id }"),
    "cartCustomerSet": ("CartCustomerSetInput", CART),
    "orderPlace": ("OrderPlaceInput", ORDER),
    "orderCancel": ("OrderCancelInput", ORDER),
    "orderPaymentRecord": ("OrderPaymentRecordInput", ORDER),
    "fulfillmentShip": ("FulfillmentShipInput", FULFILLMENT),
    "fulfillmentMarkReady": ("FulfillmentMarkReadyInput", FULFILLMENT),
    "fulfillmentCollect": ("FulfillmentCollectInput", FULFILLMENT),
    "fulfillmentReject": ("FulfillmentRejectInput", FULFILLMENT),
}
"""Mutations of carts, orders, fulfillments and stock."""


def build_document(name: str) -> str:
    """Build the mutation with the full selection of its payload."""
    input_type, fields = (MUTATIONS | SALES)[name]
    return f"mutation ($input: {input_type}!) {{ {name}(input: $input) {{ {fields} {ERRORS} }} }}"


async def ask(world: World, name: str, token: str | None = ADMIN, key: str = "k1", **given: Any) -> Answer:
    """Send a mutation and return the whole response."""
    return await world.client.ask(build_document(name), token, input={**given, "idempotencyKey": key})


async def run_mutation(world: World, name: str, key: str = "k1", token: str = ADMIN, **given: Any) -> dict[str, Any]:
    """Run a mutation and return its payload; fail on top-level errors."""
    payload: dict[str, Any] = (await ask(world, name, token, key, **given)).data[name]
    return payload


def list_user_error_codes(payload: dict[str, Any]) -> list[str]:
    return [error["code"] for error in payload["userErrors"]]
