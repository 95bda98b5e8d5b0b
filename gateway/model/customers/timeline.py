"""The timeline of a customer: what happened in any channel."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum


class InteractionKind(Enum):
    """What happened."""

    ORDER = "ORDER"
    PICKUP = "PICKUP"
    CART = "CART"
    SERVICE_CONTACT = "SERVICE_CONTACT"
    STORE_VISIT = "STORE_VISIT"
    LOYALTY = "LOYALTY"
    CONSENT = "CONSENT"
    NOTE = "NOTE"


ADDED_KINDS = (InteractionKind.SERVICE_CONTACT, InteractionKind.STORE_VISIT, InteractionKind.NOTE)
"""Kinds that staff and systems add; the others come from what happened."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interaction:
    """Something that happened between a customer and the retailer.

    Attributes:
        id: kind and row ID of what happened.
        by: name of the token that added it; None: the gateway itself, or a channel.
        public: whether the customer sees it.
        subject_id: row ID of the order, cart or loyalty entry; None: it has no subject.
    """

    id: str
    kind: InteractionKind
    occurred_at: datetime
    channel_key: str | None
    location_key: str | None
    summary: str
    public: bool
    by: str | None
    subject_id: str | None
