"""How answers leave: status, media type, encoding, and what caches may do with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import orjson
from starlette.responses import Response

from gateway.execution.answers import Answer
from gateway.http.compression import IDENTITY, SMALLEST, compressed
from gateway.http.negotiation import GRAPHQL, JSON

PARTIAL = 294
PRIVATE = "private, no-store"
VARY = "Accept, Accept-Encoding, Authorization"


@dataclass(frozen=True, slots=True)
class Form:
    """How an answer is to look.

    Attributes:
        draft: with the status codes of the newest draft of GraphQL over HTTP.
    """

    media_type: str = JSON
    encoding: str = IDENTITY
    draft: bool = False

    def __str__(self) -> str:
        return f"{self.media_type} {self.encoding}"


def dumped(answer: Answer | list[Answer]) -> bytes:
    """The answer, or the answers to a batch, as JSON."""
    return orjson.dumps([one.body for one in answer] if isinstance(answer, list) else answer.body)


async def respond(
    answer: Answer | list[Answer], form: Form, headers: Mapping[str, str] | None = None, body: bytes | None = None
) -> Response:
    """The response. `body`: the answer as JSON, where it is at hand; by default nobody keeps it."""
    text = dumped(answer) if body is None else body
    status = 200 if isinstance(answer, list) else _status(answer, form)
    sent = {
        "content-type": f"{_media_type(status, form)}; charset=utf-8",
        "vary": VARY,
        "cache-control": PRIVATE,
        "x-content-type-options": "nosniff",
        **(headers or {}),
    }
    if form.encoding != IDENTITY and len(text) >= SMALLEST:
        text = await compressed(text, form.encoding)
        sent["content-encoding"] = form.encoding
    return Response(text, status, sent)


def _status(answer: Answer, form: Form) -> int:
    if answer.refused is None:
        return PARTIAL if form.draft and form.media_type == GRAPHQL and "errors" in answer.body else 200
    if form.draft:
        return answer.draft_status or answer.refused.draft_status
    return 200 if form.media_type == JSON and answer.refused.value.lenient else answer.refused.status


def _media_type(status: int, form: Form) -> str:
    """By the draft an answer that says by its status that it failed has a type that tells it is ours."""
    return GRAPHQL if form.draft and status >= 300 else form.media_type
