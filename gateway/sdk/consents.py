"""Consents of customer records: what a customer has granted or denied in a channel."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from gateway.model import validation
from gateway.model.customers.consents import ConsentPurpose

MAX_WORDING_LENGTH = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentRecord:
    """A decision of a customer, as the channel shows it now.

    Attributes:
        purpose: What it is about.
        granted: Whether the customer allows it. A grant that still has to be confirmed is none.
        address: The email address or phone number that it is about; None: the person.
        decided_at: When it was decided, by the clock of the channel; None: the channel does not date it.
        wording: What the customer was shown; None: not known.
    """

    purpose: ConsentPurpose
    granted: bool
    address: str | None = None
    decided_at: datetime | None = None
    wording: str | None = None


def check_consent(record: ConsentRecord) -> ConsentRecord:
    """Check a consent and normalize its time.

    Raises:
        InvalidValueError: a value is too long, or is no time.
    """
    validation.check_optional_text("consents.address", record.address, 320)
    validation.check_optional_text("consents.wording", record.wording, MAX_WORDING_LENGTH)
    return replace(record, decided_at=validation.check_optional_instant("consents.decidedAt", record.decided_at))
