"""Webhook delivery as at Shopify: signed and retried."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx2

from gateway_shopify_sandbox.state import API_VERSION, Shop

MAX_ATTEMPTS = 8
TIMEOUT_SECONDS = 5.0
"""Seconds within which a delivery must be acknowledged."""

COMPLIANCE_TOPICS = ("customers/data_request", "customers/redact", "shop/redact")
"""Topics about personal data. An app does not subscribe to them: its own configuration has the URL."""

SHOP_NUMBER = 1


def format_trigger_time(moment: datetime) -> str:
    """Format an instant as in the headers of a delivery: UTC, with nine digits of a second."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f000Z")


@dataclass(slots=True)
class WebhookSender:
    """Sends webhooks to subscribers.

    Attributes:
        retry_delay: Seconds before the second attempt; doubled with each attempt.
        failed_topics: Topics of deliveries that were given up.
        client: HTTP client; created with the first delivery unless set.
        compliance_url: URL to which the app wants the compliance topics; None: they are not sent.
    """

    shop: Shop
    domain: str
    secret: str
    now: Callable[[], datetime]
    retry_delay: float = 0.5
    failed_topics: list[str] = field(default_factory=list)
    client: httpx2.AsyncClient | None = None
    compliance_url: str | None = None
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _is_closed: bool = False

    def emit(self, topic: str, body: Mapping[str, Any]) -> None:
        """Send an event to all subscribers of its topic, unless the shop is closing: a request may still be running."""
        if self._is_closed:
            return
        if topic in COMPLIANCE_TOPICS:
            body = {"shop_id": SHOP_NUMBER, "shop_domain": self.domain, **body}
        for url in self._list_urls(topic):
            task = asyncio.get_running_loop().create_task(self._deliver(url, topic, body))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _list_urls(self, topic: str) -> list[str]:
        if topic in COMPLIANCE_TOPICS:
            return [] if self.compliance_url is None else [self.compliance_url]
        name = topic.replace("/", "_").upper()
        return [node["uri"] for node in self.shop.list_nodes("WebhookSubscription") if node["topic"] == name]

    async def wait_until_sent(self) -> None:
        """Wait until all deliveries are acknowledged or given up."""
        while self._tasks:
            await asyncio.gather(*self._tasks)

    async def close(self) -> None:
        """Stop sending."""
        self._is_closed = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self.client is not None:
            await self.client.aclose()

    def build_headers(self, topic: str, body: bytes) -> dict[str, str]:
        """Build the headers of a delivery."""
        digest = hmac.new(self.secret.encode(), body, hashlib.sha256).digest()
        return {
            "content-type": "application/json",
            "x-shopify-topic": topic,
            "x-shopify-hmac-sha256": base64.b64encode(digest).decode(),
            "x-shopify-shop-domain": self.domain,
            "x-shopify-webhook-id": str(uuid.uuid4()),
            "x-shopify-event-id": str(uuid.uuid4()),
            "x-shopify-triggered-at": format_trigger_time(self.now()),
            "x-shopify-api-version": API_VERSION,
        }

    async def _deliver(self, uri: str, topic: str, body: Mapping[str, Any]) -> None:
        content = json.dumps(body).encode()
        headers = self.build_headers(topic, content)
        for attempt in range(MAX_ATTEMPTS):
            if await self._post(uri, headers, content):
                return
            await asyncio.sleep(self.retry_delay * 2**attempt)
        self.failed_topics.append(topic)

    async def _post(self, uri: str, headers: Mapping[str, str], content: bytes) -> bool:
        if self.client is None:
            self.client = httpx2.AsyncClient(timeout=TIMEOUT_SECONDS, trust_env=False)
        try:
            answer = await self.client.post(uri, content=content, headers=dict(headers))
        except httpx2.TransportError:
            return False
        return answer.is_success
