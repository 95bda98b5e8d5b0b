"""Loyalty cards as a channel stores them with its customers."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.model import validation

MAX_POINTS = 1_000_000_000
MAX_NUMBER, MAX_TIER = 255, 100


@dataclass(frozen=True, slots=True, kw_only=True)
class LoyaltyCard:
    """A loyalty card of a customer.

    Attributes:
        number: Number of the card; None: there is none.
        tier: Tier that the channel shows; None: none.
        points: Points that the channel shows; None: it has no points.
    """

    number: str | None = None
    tier: str | None = None
    points: int | None = None


def check_card(card: LoyaltyCard | None) -> LoyaltyCard | None:
    """Check a card.

    Raises:
        InvalidValueError: A field is invalid.
    """
    if card is not None:
        validation.check_optional_text("loyalty.number", card.number, MAX_NUMBER)
        validation.check_optional_text("loyalty.tier", card.tier, MAX_TIER)
        if card.points is not None:
            validation.check_whole("loyalty.points", card.points, least=-MAX_POINTS, most=MAX_POINTS)
    return card
