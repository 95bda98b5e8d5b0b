"""What caches are told of an answer, and what is remembered so that one that asks again costs next to nothing."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta

import orjson

from gateway.execution.asked import Asked

REMEMBERED = 10_000
"""Answers of which the tag is remembered; some 300 bytes each."""

PRIVATE = "private, no-store"


@dataclass(frozen=True, slots=True)
class Known:
    """An answer that was given, by its tag. `expires_at`: until when it may be kept."""

    etag: str
    expires_at: datetime


class Remembered:
    """The tags of the answers that were given last, by what was asked. Bounded, whatever is asked."""

    def __init__(self) -> None:
        self._known: OrderedDict[bytes, Known] = OrderedDict()

    def fresh(self, key: bytes, now: datetime) -> Known | None:
        """The answer that may still be kept."""
        known = self._known.get(key)
        if known is None or known.expires_at <= now:
            return None
        self._known.move_to_end(key)
        return known

    def note(self, key: bytes, known: Known) -> None:
        """Remember an answer, and forget the one that was asked for the longest ago."""
        self._known[key] = known
        self._known.move_to_end(key)
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)


def key_of(asked: Asked, form: str) -> bytes:
    """What tells two requests with different answers apart. `form`: how the answer is to look."""
    said = [asked.query, asked.document_id, asked.operation_name, asked.variables, asked.extensions, form]
    return hashlib.sha256(orjson.dumps(said, option=orjson.OPT_SORT_KEYS)).digest()


def etag_of(body: bytes, form: str) -> str:
    """A strong tag: another one for every media type and encoding."""
    return f'"{hashlib.sha256(form.encode() + b" " + body).hexdigest()[:32]}"'


def has(header: str | None, etag: str) -> bool:
    """Whether an If-None-Match header names this tag; a proxy may have weakened it on its way."""
    tags = [tag.strip().removeprefix("W/") for tag in (header or "").split(",")]
    return "*" in tags or etag in tags


def shared(lasts: timedelta) -> str:
    """Cache-Control of an answer that everybody may be given for so long."""
    seconds = int(lasts.total_seconds())
    return f"public, max-age={seconds}" if seconds > 0 else "public, max-age=0, must-revalidate"
