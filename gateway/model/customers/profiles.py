"""Customers, and their records in the channels."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from gateway.model.locations import Address

GUEST = "guest:"
"""Prefix of the channel of guests' identities; the key of the order's channel follows."""

ACCOUNT = "account:"
"""Prefix of the channel of accounts; the key of the issuer follows."""


class EvidenceVerdict(Enum):
    """What evidence says of two identities: it joins them, opens a review, or tells them apart."""

    LINKS = "LINKS"
    SUGGESTS = "SUGGESTS"
    CONTRADICTS = "CONTRADICTS"


class IdentityRule(Enum):
    """Why a customer record was linked to a customer."""

    VERIFIED_EMAIL = "VERIFIED_EMAIL"
    PHONE = "PHONE"
    LOYALTY_NUMBER = "LOYALTY_NUMBER"
    EXTERNAL_REFERENCE = "EXTERNAL_REFERENCE"
    MANUAL = "MANUAL"
    PLUGIN = "PLUGIN"
    LOGIN = "LOGIN"
    CHANNEL_MERGE = "CHANNEL_MERGE"
    CLAIM = "CLAIM"
    EMAIL = "EMAIL"
    VERIFIED_PHONE = "VERIFIED_PHONE"
    EMAIL_AND_NAME = "EMAIL_AND_NAME"
    PHONE_AND_NAME = "PHONE_AND_NAME"
    EMAIL_AND_PHONE = "EMAIL_AND_PHONE"


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactPoint:
    """An email address or a phone number of a customer.

    Attributes:
        verified: Whether the channel has verified that it belongs to the customer.
        primary: Whether it is the preferred one.
        channel_keys: Keys of the channels that store it; set by the gateway.
    """

    value: str
    verified: bool = False
    primary: bool = False
    channel_keys: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class CustomerFields:
    """Fields that a channel's customer and the gateway's customer share. None: not known."""

    display_name: str | None = None
    given_name: str | None = None
    family_name: str | None = None
    emails: tuple[ContactPoint, ...] = ()
    phones: tuple[ContactPoint, ...] = ()
    addresses: tuple[Address, ...] = ()
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Customer(CustomerFields):
    """A customer, independent of the number of channels that know the customer."""

    id: str
    version: int
    locale: str | None = None
    has_login: bool = False
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityEvidence:
    """What says that a record belongs to a customer, or does not.

    Attributes:
        value: The matching value; None: the rule compares no value.
        verdict: Whether it links the record, suggests so, or contradicts.
        other_id: Row ID of the identity that it connects with; None: it is the record's own.
        observed_at: When it was first found; None: not known.
    """

    rule: IdentityRule
    value: str | None = None
    verdict: EvidenceVerdict = EvidenceVerdict.LINKS
    other_id: str | None = None
    observed_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerIdentity:
    """The customer record of one channel.

    Attributes:
        channel_key: Key of the channel; of a guest, that of the order; None: an account.
        external_id: ID of the customer in the channel; of an account, the subject; of a guest, an ID of the order.
        loyalty_number: Number of the loyalty card; None: there is none.
        evidence: Why the record was linked to the customer.
        linked_at: When it was first stored.
        display_name: The name in the channel; None: not known.
        last_seen_at: When its data last changed; None: not known.
        gone: Whether the channel has deleted it.
    """

    id: str
    customer_id: str
    channel_key: str | None
    external_id: str
    loyalty_number: str | None
    evidence: tuple[IdentityEvidence, ...]
    linked_at: datetime
    display_name: str | None = None
    last_seen_at: datetime | None = None
    gone: bool = False
