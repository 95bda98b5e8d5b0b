"""A receiver of webhooks in place of the network, and a delivery that sends to it."""

from __future__ import annotations

import base64
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx2

from gateway.commerce.config import SellingConfig
from gateway.commerce.context import SellingContext
from gateway.commerce.notices.queue import NewNotice, enqueue_notice
from gateway.commerce.topology import Topology
from gateway.model.notices.kinds import NoticeKind
from gateway.storage.database import Database
from gateway.storage.writes.customers.consents import FactRow, insert_facts
from gateway.sync.notices.delivery import Endpoint, NoticeDelivery
from gateway.sync.notices.endpoint_client import EndpointClient
from tests.gateways import START, Clock

KEY = b"k" * 32
SECRET = "whsec_" + base64.b64encode(KEY).decode()
KIND = NoticeKind.CONSENT_CONFIRMATION_REQUESTED
PUBLIC = "203.0.114.7"


@dataclass
class Receiver:
    """Answers each request with its status, or the exception that the network raises.

    Attributes:
        requests: what it has received.
        before: is awaited before each answer.
    """

    answer: int | BaseException = 200
    requests: list[httpx2.Request] = field(default_factory=list)
    before: Callable[[], Awaitable[None]] | None = None

    async def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        if self.before is not None:
            await self.before()
        if isinstance(self.answer, BaseException):
            raise self.answer
        return httpx2.Response(self.answer)

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(request.content) for request in self.requests]

    @property
    def ids(self) -> list[str]:
        return [request.headers["webhook-id"] for request in self.requests]

    def build_client(self, url: str, addresses: Sequence[str] = (PUBLIC,), **options: Any) -> EndpointClient:
        """Build a client that reaches this receiver. `addresses`: those of its host."""

        async def resolve(host: str, port: int) -> Sequence[str]:
            return addresses

        return EndpointClient(url, resolve=resolve, transport=httpx2.MockTransport(self), **options)


@dataclass
class Endpoints:
    """A delivery of notices to endpoints that tests play."""

    database: Database
    delivery: NoticeDelivery
    clock: Clock
    receivers: dict[str, Receiver]
    count: int = 0

    async def enqueue(self, subject: str = "a" * 32) -> None:
        """Enqueue a notice for all endpoints, with a consent that waits for its confirmation."""
        self.count += 1
        fact_id, now = f"{self.count:032x}", self.clock()
        row = FactRow(
            *(fact_id, subject, "MARKETING_EMAIL", "ada@example.com", True, now, now, False, "SHOPPER", None, now, now),
            None,
        )
        await self.database.write(insert_facts, [row])
        notice = NewNotice(kind=KIND, subject=subject, ids={"customer": subject, "fact": fact_id})
        kinds = {name: frozenset({KIND}) for name in self.receivers}
        config = SellingConfig(topology=Topology(), secret=b"s", webhooks=kinds)
        await self.database.write(enqueue_notice, notice, SellingContext(config, now))

    async def run(self, **later: float) -> None:
        """Send what is due, after some time."""
        self.clock.forward(**later)
        await self.delivery.deliver_due()


def build_endpoints(database: Database, *names: str) -> Endpoints:
    """Build a delivery to endpoints of these names."""
    receivers, clock = {name: Receiver() for name in names}, Clock(START)
    endpoints = {
        name: Endpoint(receiver.build_client(f"https://{name}.example/hook"), (KEY,))
        for name, receiver in receivers.items()
    }
    config = SellingConfig(topology=Topology(), secret=b"s")
    return Endpoints(database, NoticeDelivery(database, endpoints, config, clock), clock, receivers)
