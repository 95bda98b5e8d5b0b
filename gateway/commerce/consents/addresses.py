"""Addresses of consents: the contact points of a customer that a purpose is about, in their compared form."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from gateway.commerce.customers.config import CustomerConfig
from gateway.commerce.customers.recognition.evidence import read_email, read_phone
from gateway.model.customers.consents import EMAIL_PURPOSES, PHONE_PURPOSES, ConsentPurpose
from gateway.model.validation import fold
from gateway.storage.sql.bulk import load_json
from gateway.storage.writes.customers.identities import IdentityRow


@dataclass(frozen=True, slots=True)
class OwnAddress:
    """A contact point of a customer.

    Attributes:
        identity_id: the identity that has it, preferably one where it is verified.
        primary: whether it is the preferred one of its identity.
    """

    identity_id: str
    verified: bool
    primary: bool


def normalize_address(purpose: ConsentPurpose, text: str, region: str | None) -> str:
    """Return the compared form of an address. One that cannot be read is compared as it is."""
    if purpose in EMAIL_PURPOSES:
        return read_email(text) or fold(text.strip())
    key = read_phone(text, region)
    return fold(text.strip()) if key is None else key[1]


def list_addresses(
    purpose: ConsentPurpose, rows: Iterable[IdentityRow], config: CustomerConfig
) -> Mapping[str, OwnAddress]:
    """List the addresses of a customer that a purpose is about. None: it is about the person."""
    found: dict[str, OwnAddress] = {}
    for row in sorted(rows, key=lambda row: row.id):
        for value, verified, primary, _ in load_json(_get_points(purpose, row)):
            address = normalize_address(purpose, value, config.regions.get(row.channel))
            if address not in found or (verified and not found[address].verified):
                found[address] = OwnAddress(row.id, bool(verified), bool(primary))
    return found


def _get_points(purpose: ConsentPurpose, row: IdentityRow) -> str:
    if purpose in EMAIL_PURPOSES:
        return row.emails
    return row.phones if purpose in PHONE_PURPOSES else "[]"


def list_spellings(
    purpose: ConsentPurpose, row: IdentityRow, config: CustomerConfig
) -> Mapping[str | None, str | None]:
    """List the addresses of an identity that a purpose is about, as its channel spells them, by their compared form. A
    purpose that is about the person has None.
    """
    if purpose not in EMAIL_PURPOSES | PHONE_PURPOSES:
        return {None: None}
    region = config.regions.get(row.channel)
    values = [value for value, *_ in load_json(_get_points(purpose, row))]
    return {normalize_address(purpose, value, region): value for value in values}


def choose_primary(addresses: Mapping[str, OwnAddress]) -> str | None:
    """Choose the preferred address: a verified one, then one that its channel prefers."""
    ranked: Sequence[str] = sorted(
        addresses, key=lambda address: (not addresses[address].verified, not addresses[address].primary, address)
    )
    return ranked[0] if ranked else None
