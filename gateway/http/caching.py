"""What caches are told of an answer, and what is remembered so that one that asks again costs next to nothing."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from starlette.requests import Request
from starlette.responses import Response

from gateway.execution.answers import Answer
from gateway.execution.context import Context
from gateway.execution.freshness import shared_for
from gateway.execution.memory import Memory
from gateway.http.responses import VARY, Form, dumped, respond

REMEMBERED = 10_000
"""Answers of which the tag is remembered; some 300 bytes each."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a cache asks for.

    Attributes:
        key: tells it apart from everything that could be answered otherwise.
        seen: the tags that it has, as `If-None-Match` names them.
        anew: it wants no answer that was not looked at again.
    """

    key: str
    form: Form
    seen: str | None = None
    anew: bool = False

    @classmethod
    def by(cls, request: Request, form: Form) -> Wanted:
        """By a GET without a token: all that counts stands in the address."""
        said: bytes = str(form).encode() + b" " + request.scope["query_string"]
        seen = ", ".join(request.headers.getlist("if-none-match")) or None
        anew = "no-cache" in ", ".join(request.headers.getlist("cache-control")).lower()
        return cls(hashlib.sha256(said).hexdigest(), form, seen, anew)

    def has(self, etag: str) -> bool:
        """Whether it has the answer with this tag; a proxy may have weakened it on its way."""
        tags = [tag.strip().removeprefix("W/") for tag in (self.seen or "").split(",")]
        return "*" in tags or etag in tags


class Caching:
    """Answers that everybody may be given. Remembers the tags of the last ones; bounded, whatever is asked."""

    def __init__(self) -> None:
        self._known: Memory[tuple[str, datetime]] = Memory(REMEMBERED)

    def unchanged(self, wanted: Wanted, now: datetime) -> Response | None:
        """304, where the answer that the cache has may still be kept."""
        etag, expires_at = self._known.get(wanted.key) or ("", now)
        if wanted.anew or expires_at <= now or not wanted.has(etag):
            return None
        return _unchanged(etag, expires_at - now)

    async def respond(self, answer: Answer, wanted: Wanted, context: Context) -> Response:
        """The response to a GET without a token: kept by caches as long as what is in it allows."""
        lasts = None if "errors" in answer.body else await shared_for(context)
        if lasts is None:
            return await respond(answer, wanted.form)
        body = dumped(answer)
        etag = etag_of(body, wanted.form)
        if lasts:
            self.remember(wanted.key, etag, context.now + lasts)
        if wanted.has(etag):
            return _unchanged(etag, lasts)
        return await respond(answer, wanted.form, {"etag": etag, "cache-control": shared(lasts)}, body)

    def remember(self, key: str, etag: str, expires_at: datetime) -> None:
        """Remember an answer, and forget the one that was asked for the longest ago."""
        self._known.put(key, (etag, expires_at), 1)


def etag_of(body: bytes, form: Form) -> str:
    """A strong tag: another one for every media type and encoding."""
    return f'"{hashlib.sha256(str(form).encode() + b" " + body).hexdigest()[:32]}"'


def shared(lasts: timedelta) -> str:
    """Cache-Control of an answer that everybody may be given for so long."""
    seconds = int(lasts.total_seconds())
    return f"public, max-age={seconds}" if seconds > 0 else "public, max-age=0, must-revalidate"


def _unchanged(etag: str, lasts: timedelta) -> Response:
    return Response(status_code=304, headers={"etag": etag, "cache-control": shared(lasts), "vary": VARY})
