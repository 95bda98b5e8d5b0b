"""Customers, and their records in the channels."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from gateway.model.locations import Address


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
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityEvidence:
    """A reason why a record was linked to a customer.

    Attributes:
        value: The matching value; None: the rule compares no value.
    """

    rule: IdentityRule
    value: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerIdentity:
    """The customer record of one channel.

    Attributes:
        external_id: ID of the customer in the channel.
        loyalty_number: Number of the loyalty card; None: there is none.
        evidence: Why the record was linked to the customer.
        linked_at: When it was linked.
    """

    id: str
    customer_id: str
    channel_key: str
    external_id: str
    loyalty_number: str | None
    evidence: tuple[IdentityEvidence, ...]
    linked_at: datetime
