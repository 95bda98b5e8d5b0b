"""The address book of a customer: addresses that were entered here, and those that channels have."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.model.locations import Address


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerAddress:
    """An address of a customer.

    Attributes:
        id: Row ID; of an address that a channel has, the ID of the identity, a colon, and a digest of the address.
        default_shipping, default_billing: Whether it is the one that forms show first.
        editable: Whether it was entered here.
        channel_key: Key of the channel that has it; None: it was entered here.
    """

    id: str
    address: Address
    default_shipping: bool = False
    default_billing: bool = False
    editable: bool = True
    channel_key: str | None = None
