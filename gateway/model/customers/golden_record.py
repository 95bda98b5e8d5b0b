"""The golden record: which identity each field of a customer was taken from, and why (rule C6)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum


class CustomerField(Enum):
    """A field of a customer that comes from one identity."""

    DISPLAY_NAME = "DISPLAY_NAME"
    GIVEN_NAME = "GIVEN_NAME"
    FAMILY_NAME = "FAMILY_NAME"
    EMAIL = "EMAIL"
    PHONE = "PHONE"
    ADDRESS = "ADDRESS"
    LOCALE = "LOCALE"


class SurvivorshipRule(Enum):
    """Why the value of one identity was preferred, in the order in which the rules apply."""

    CHOSEN = "CHOSEN"
    VERIFIED = "VERIFIED"
    CHANNEL_PRIORITY = "CHANNEL_PRIORITY"
    NEWEST = "NEWEST"
    ONLY_ONE = "ONLY_ONE"


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldSource:
    """The identity that a field of a customer was taken from.

    Attributes:
        rule: why it was preferred.
        observed_at: when that identity last changed, or the value was entered; None: not known.
        alternatives: other values that identities of the customer have.
    """

    field: CustomerField
    identity_id: str
    rule: SurvivorshipRule
    observed_at: datetime | None
    alternatives: int
