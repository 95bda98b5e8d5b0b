"""Asking for changes."""

from __future__ import annotations

from typing import Any

from tests.graphql.world import ADMIN, Answer, World

ERRORS = "userErrors { code field message retryable retryAfterSeconds availableQuantity channel { key } }"
MUTATIONS = {
    "listingLink": ("ListingLinkInput", "listing { id matchedBy unitsPerListing variant { id } }"),
    "listingUnlink": ("ListingUnlinkInput", "listing { id matchedBy variant { id } }"),
    "matchReviewDecide": ("MatchReviewDecideInput", "review { id } listing { id matchedBy variant { id } }"),
    "channelPause": ("ChannelPauseInput", "channel { key state }"),
    "channelResume": ("ChannelResumeInput", "channel { key state }"),
    "channelSync": ("ChannelSyncInput", "channel { key state }"),
    "stockReserve": (
        "StockReserveInput",
        "reservations { id quantity state expiresAt location { key } variant { id } }",
    ),
    "stockRelease": ("StockReleaseInput", "reservations { id state }"),
    "stockAdjust": ("StockAdjustInput", "level { onHand reserved available }"),
    "stockTransfer": ("StockTransferInput", "levels { location { key } onHand reserved }"),
    "syncRejectReplay": ("SyncRejectReplayInput", "reject { id externalId } replayed"),
}


def document(name: str) -> str:
    """The mutation, with all that its payload holds."""
    input_type, fields = MUTATIONS[name]
    return f"mutation ($input: {input_type}!) {{ {name}(input: $input) {{ {fields} {ERRORS} }} }}"


async def ask(world: World, name: str, token: str | None = ADMIN, key: str = "k1", **given: Any) -> Answer:
    """What the gateway answers to this wish."""
    return await world.client.ask(document(name), token, input={**given, "idempotencyKey": key})


async def wish(world: World, name: str, key: str = "k1", token: str = ADMIN, **given: Any) -> dict[str, Any]:
    """The payload of a mutation that breaks no rule of the schema."""
    payload: dict[str, Any] = (await ask(world, name, token, key, **given)).data[name]
    return payload


def codes(payload: dict[str, Any]) -> list[str]:
    """Why it was refused."""
    return [error["code"] for error in payload["userErrors"]]
