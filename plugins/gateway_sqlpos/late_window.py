"""Detection of late receipts: a mark that stores a fingerprint of the receipts of each hour.

A till that was offline for a day delivers receipts that are older than those already read, and no column states when
they arrived. Every pass therefore compares the receipt IDs of the late window, and sends the hours whose
fingerprints differ.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

OVERLAP = timedelta(seconds=2)
"""Dates have a resolution of one second."""

FUTURE_HOUR = "99999999"
"""The hour of all receipts from the future: a till with a wrong clock must not make the mark grow without limit."""

_KEY_LENGTH, _FINGERPRINT_LENGTH = 8, 8


@dataclass(frozen=True, slots=True)
class WindowMark:
    """A mark: the receipts that were read at a time on the till's clock.

    Attributes:
        at: The time, to the second.
        hours: The fingerprint of each hour of the late window before it.
    """

    at: datetime
    hours: Mapping[str, str]

    def __str__(self) -> str:
        return json.dumps([self.at.isoformat(), "".join(key + print_ for key, print_ in sorted(self.hours.items()))])

    @classmethod
    def parse(cls, mark: str) -> WindowMark:
        """Parse a mark."""
        at, packed = json.loads(mark)
        size = _KEY_LENGTH + _FINGERPRINT_LENGTH
        parts = (packed[start : start + size] for start in range(0, len(packed), size))
        return cls(datetime.fromisoformat(at), {part[:_KEY_LENGTH]: part[_KEY_LENGTH:] for part in parts})

    def get_window_start(self, late_window: timedelta) -> datetime:
        """Return the beginning of the first hour in which receipts may have appeared since."""
        return (self.at - late_window - OVERLAP).replace(minute=0, second=0, microsecond=0)


def get_hour(date: str, now: datetime) -> str:
    """Return the hour of a date of the till, as YYMMDDHH."""
    key = re.sub(r"\D", "", date[2:13]).ljust(_KEY_LENGTH, "_")[:_KEY_LENGTH]
    return FUTURE_HOUR if key > now.strftime("%y%m%d%H") else key


def group_by_hour(receipts: Iterable[tuple[str, str]], now: datetime) -> dict[str, list[str]]:
    """Group receipts (ID, date) by hour; the IDs are sorted and distinct."""
    hours: dict[str, set[str]] = {}
    for receipt, date in receipts:
        hours.setdefault(get_hour(date, now), set()).add(receipt)
    return {key: sorted(ids) for key, ids in sorted(hours.items())}


def compute_fingerprints(receipts: Iterable[tuple[str, str]], now: datetime) -> dict[str, str]:
    """Compute the fingerprint of each hour. It depends on the IDs and dates of the receipts."""
    hours: dict[str, list[str]] = {}
    for receipt, date in receipts:
        hours.setdefault(get_hour(date, now), []).append(f"{receipt}|{date}")
    return {key: _hash_text("\n".join(sorted(lines))) for key, lines in hours.items()}


def _hash_text(text: str) -> str:
    digest = hashlib.blake2b(text.encode(errors="surrogateescape"), digest_size=6).digest()
    return base64.urlsafe_b64encode(digest).decode()
