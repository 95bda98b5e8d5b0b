"""Customers, and the identities under which channels know them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from gateway.model.channels import Address


class IdentityRule(Enum):
    """Why an identity belongs to its customer."""

    VERIFIED_EMAIL = "VERIFIED_EMAIL"
    PHONE = "PHONE"
    LOYALTY_NUMBER = "LOYALTY_NUMBER"
    EXTERNAL_REFERENCE = "EXTERNAL_REFERENCE"
    MANUAL = "MANUAL"
    PLUGIN = "PLUGIN"


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactPoint:
    """An e-mail address or a phone number.

    Attributes:
        verified: the channel has seen that it reaches her.
        channel_keys: the channels that have it; filled in by the gateway.
    """

    value: str
    verified: bool = False
    primary: bool = False
    channel_keys: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class CustomerFields:
    """What a channel's customer and ours have in common."""

    display_name: str | None = None
    given_name: str | None = None
    family_name: str | None = None
    emails: tuple[ContactPoint, ...] = ()
    phones: tuple[ContactPoint, ...] = ()
    addresses: tuple[Address, ...] = ()
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Customer(CustomerFields):
    """One person, whatever number of channels knows her."""

    id: str
    version: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityEvidence:
    """One reason for a link, with the value that was compared."""

    rule: IdentityRule
    value: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerIdentity:
    """A customer as one channel knows her."""

    id: str
    customer_id: str
    channel_key: str
    external_id: str
    loyalty_number: str | None
    evidence: tuple[IdentityEvidence, ...]
    linked_at: datetime
