"""How late receipts are noticed: a mark that remembers the receipts of each hour by a fingerprint.

A till that was offline for a day delivers receipts that are older than what has long been read, and no column tells
when they came. So every pass looks at the ids of the late window, and sends the hours whose ids are not the known ones.
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
"""Dates have one second."""

LATER = "99999999"
"""The hour of all receipts from the future: a till whose clock is wrong must not make a mark grow without end."""

_KEY, _PRINT = 8, 8


@dataclass(frozen=True, slots=True)
class Known:
    """What a mark says: what was known at some moment of the till's wall clock.

    Attributes:
        at: the moment, to the second.
        hours: the fingerprint of each hour of the late window before it.
    """

    at: datetime
    hours: Mapping[str, str]

    def __str__(self) -> str:
        return json.dumps([self.at.isoformat(), "".join(key + print_ for key, print_ in sorted(self.hours.items()))])

    @classmethod
    def parse(cls, mark: str) -> Known:
        """Read a mark back."""
        at, packed = json.loads(mark)
        size = _KEY + _PRINT
        parts = (packed[start : start + size] for start in range(0, len(packed), size))
        return cls(datetime.fromisoformat(at), {part[:_KEY]: part[_KEY:] for part in parts})

    def since(self, late_window: timedelta) -> datetime:
        """The beginning of the first hour in which something may have appeared since."""
        return (self.at - late_window - OVERLAP).replace(minute=0, second=0, microsecond=0)


def hour(date: str, now: datetime) -> str:
    """The hour of a date as the till has it, YYMMDDHH."""
    key = re.sub(r"\D", "", date[2:13]).ljust(_KEY, "_")[:_KEY]
    return LATER if key > now.strftime("%y%m%d%H") else key


def by_hour(receipts: Iterable[tuple[str, str]], now: datetime) -> dict[str, list[str]]:
    """The receipts (id, date) of each hour: their ids, in order, each once."""
    hours: dict[str, set[str]] = {}
    for receipt, date in receipts:
        hours.setdefault(hour(date, now), set()).add(receipt)
    return {key: sorted(ids) for key, ids in sorted(hours.items())}


def fingerprints(receipts: Iterable[tuple[str, str]], now: datetime) -> dict[str, str]:
    """The fingerprint of each hour: other ids, or the same ids at other times, give another one."""
    hours: dict[str, list[str]] = {}
    for receipt, date in receipts:
        hours.setdefault(hour(date, now), []).append(f"{receipt}|{date}")
    return {key: _print("\n".join(sorted(lines))) for key, lines in hours.items()}


def _print(text: str) -> str:
    digest = hashlib.blake2b(text.encode(errors="surrogateescape"), digest_size=6).digest()
    return base64.urlsafe_b64encode(digest).decode()
