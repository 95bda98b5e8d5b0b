"""Webhooks as they are really sent: signed, tried again, doubled or lost if a test wants it so."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import httpx2

from gateway_shopify.sandbox.shop import Shop

TRIES = 8
WITHIN = 5.0
"""Seconds in which a delivery must be answered."""


@dataclass(slots=True)
class Deliveries:
    """What is sent to those who have subscribed.

    Attributes:
        pause: seconds before the second try, doubled with each.
        refused: the topics of deliveries that were given up.
        client: by which they are sent.
    """

    shop: Shop
    domain: str
    secret: str
    now: Callable[[], datetime]
    pause: float = 0.5
    refused: list[str] = field(default_factory=list)
    client: httpx2.AsyncClient | None = None
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def emit(self, topic: str, body: Mapping[str, Any]) -> None:
        """Tell all who have subscribed to this topic."""
        name = topic.replace("/", "_").upper()
        for node in self.shop.all("WebhookSubscription"):
            if node["topic"] == name:
                task = asyncio.get_running_loop().create_task(self._deliver(node["uri"], topic, body))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def sent(self) -> None:
        """Wait until everything is delivered, or given up."""
        while self._tasks:
            await asyncio.gather(*self._tasks)

    async def close(self) -> None:
        """Send no more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self.client is not None:
            await self.client.aclose()

    def signed(self, topic: str, body: bytes) -> dict[str, str]:
        """The headers of a delivery."""
        digest = hmac.new(self.secret.encode(), body, hashlib.sha256).digest()
        return {
            "content-type": "application/json",
            "x-shopify-topic": topic,
            "x-shopify-hmac-sha256": base64.b64encode(digest).decode(),
            "x-shopify-shop-domain": self.domain,
            "x-shopify-webhook-id": str(uuid.uuid4()),
            "x-shopify-event-id": str(uuid.uuid4()),
            "x-shopify-triggered-at": self.now().isoformat(),
        }

    async def _deliver(self, uri: str, topic: str, body: Mapping[str, Any]) -> None:
        content = json.dumps(body).encode()
        headers = self.signed(topic, content)
        for attempt in range(TRIES):
            if await self._posted(uri, headers, content):
                return
            await asyncio.sleep(self.pause * 2**attempt)
        self.refused.append(topic)

    async def _posted(self, uri: str, headers: Mapping[str, str], content: bytes) -> bool:
        if self.client is None:
            self.client = httpx2.AsyncClient(timeout=WITHIN, trust_env=False)
        try:
            answer = await self.client.post(uri, content=content, headers=dict(headers))
        except httpx2.TransportError:
            return False
        return answer.is_success
