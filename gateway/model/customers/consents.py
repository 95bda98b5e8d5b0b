"""Consents: what customers allow, by purpose and address (rule C10)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from gateway.model.channels import PushState


class ConsentPurpose(Enum):
    """What a customer allows, or does not."""

    MARKETING_EMAIL = "MARKETING_EMAIL"
    MARKETING_SMS = "MARKETING_SMS"
    MARKETING_PHONE = "MARKETING_PHONE"
    MARKETING_POST = "MARKETING_POST"
    PROFILING = "PROFILING"


EMAIL_PURPOSES = frozenset({ConsentPurpose.MARKETING_EMAIL})
PHONE_PURPOSES = frozenset({ConsentPurpose.MARKETING_SMS, ConsentPurpose.MARKETING_PHONE})


class ConsentState(Enum):
    """The answer that counts.

    UNCONFIRMED counts as a denial: a grant waits to be confirmed, or a denial may be later than it.
    """

    GRANTED = "GRANTED"
    DENIED = "DENIED"
    UNCONFIRMED = "UNCONFIRMED"


class ConsentSource(Enum):
    """Where a decision comes from."""

    SHOPPER = "SHOPPER"
    STAFF = "STAFF"
    CHANNEL = "CHANNEL"
    IMPORT = "IMPORT"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentFact:
    """That a customer granted or denied something, and when that can have been.

    Attributes:
        identity_id: the identity through which it came.
        address: the address that it is about, in its compared form; None: the person.
        earliest, latest: between which times it was decided.
        confirmed: whether a grant counts: the address was verified, or the grant was confirmed. Of a denial: always.
        wording: what the customer was shown; None: not known.
        decided_at: the time that its source states; None: none.
        channel: key of the channel; None: it was decided here.
    """

    id: str
    identity_id: str
    purpose: ConsentPurpose
    address: str | None
    granted: bool
    earliest: datetime
    latest: datetime
    confirmed: bool
    source: ConsentSource
    wording: str | None
    decided_at: datetime | None
    received_at: datetime
    channel: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentDecision:
    """A decision that the answer was computed from.

    Attributes:
        channel_key: key of the channel; None: it was decided here.
        decided_at: None: the channel does not date it.
        push: of a denial that was sent to the channel; None: it was not.
    """

    state: ConsentState
    source: ConsentSource
    channel_key: str | None
    decided_at: datetime | None
    received_at: datetime
    push: PushState | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """The answer of a customer for one purpose and address.

    Attributes:
        address: None: of the person.
        decided_at: when the decision that counts was made, or received.
        channel_key: key of the channel it comes from; None: it was decided here.
    """

    customer_id: str
    purpose: ConsentPurpose
    address: str | None
    state: ConsentState
    source: ConsentSource
    decided_at: datetime
    channel_key: str | None
    wording: str | None
    decisions: tuple[ConsentDecision, ...]

    @property
    def granted(self) -> bool:
        """Whether the customer allows it."""
        return self.state is ConsentState.GRANTED
