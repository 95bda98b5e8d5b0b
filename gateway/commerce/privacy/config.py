"""The configuration of privacy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivacyConfig:
    """How exports and erases run.

    Attributes:
        keys: secrets of digests and files: the first writes, the others were replaced and are still read.
        cooling_off: time between the request of an erase and its begin, in which it can be canceled.
        file_lifetime: how long the file of an export can be downloaded.
        deadline: legal deadline of a request.
        invoices: how long the law keeps the name and address of an invoice, by country code.
        other_invoices: the same in all other countries.
    """

    keys: tuple[bytes, ...] = field(default=(), repr=False)
    cooling_off: timedelta = timedelta(days=3)
    file_lifetime: timedelta = timedelta(hours=72)
    deadline: timedelta = timedelta(days=30)
    invoices: Mapping[str, timedelta] = field(default_factory=dict)
    other_invoices: timedelta = timedelta(days=3_653)

    def get_invoice_retention(self, country: str | None) -> timedelta:
        """Return how long the invoice of an order is kept."""
        return self.invoices.get(country or "", self.other_invoices)
