"""A channel that does not respond, and queries that wait for it."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from gateway.sdk.testing.fault_injection import Answer, Ask, Signal

PATIENT: dict[str, Any] = {"till": {"live_deadline": "30s"}, "web": {}}


class BlockedChannel:
    """A fault of a channel that does not respond; it records when the gateway stops waiting."""

    def __init__(self) -> None:
        self.reached = Signal()
        self.left = Signal()
        self.times = 0

    async def __call__(self, ask: Ask, answer: Answer) -> Any:
        self.times += 1
        self.reached.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.left.set()
            raise


def build_query_message(query: str, token: str | None = None, **variables: Any) -> bytes:
    return build_post_message({"query": query, "variables": variables}, token)


def build_post_message(asked: Any, token: str | None = None) -> bytes:
    """Build a POST request with this body, as bytes."""
    body = json.dumps(asked).encode()
    sent = b"authorization: Bearer %s\r\n" % token.encode() if token else b""
    head = b"POST /graphql HTTP/1.1\r\nhost: x\r\n%scontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
    return head % (sent, len(body)) + body
