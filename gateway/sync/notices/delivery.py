"""Delivery of notices: at least once, under the same ID in every try (rule N3).

A try has three steps, and no transaction is open during the second: the notice is marked as in flight, the endpoint is
called, and the result is stored. What a killed process had in flight is sent again. Every endpoint has its own slots.
"""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.commerce.config import SellingConfig
from gateway.commerce.notice_bodies import Body, build_bodies
from gateway.model.notices.kinds import NoticeState
from gateway.settings.webhooks import WebhookTable
from gateway.storage.database import Connection, Database
from gateway.storage.sync import notices
from gateway.storage.sync.notices import EndpointStatus, Notice
from gateway.sync.notices.endpoint_client import TIMEOUT, EndpointClient, EndpointError
from gateway.sync.notices.retry_schedule import PAUSE_AFTER, compute_retry_delay
from gateway.sync.notices.signature import build_headers

SLOTS = 5
"""Notices in flight to one endpoint."""

RESULT_MARGIN = timedelta(seconds=5)
"""Added to the deadline of a try, so that the process that made it stores its result first."""

GONE = 410

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An endpoint: how it is called, and what signs."""

    client: EndpointClient
    keys: Sequence[bytes]


def build_endpoints(tables: Mapping[str, WebhookTable]) -> Mapping[str, Endpoint]:
    """Build the endpoints of a configuration."""
    return {
        name: Endpoint(EndpointClient(table.url, allows_private=table.private_addresses), table.signing_keys)
        for name, table in tables.items()
    }


class NoticeDelivery:
    """Delivers notices to the endpoints of the configuration."""

    def __init__(
        self,
        database: Database,
        endpoints: Mapping[str, Endpoint],
        config: SellingConfig,
        clock: Callable[[], datetime],
    ) -> None:
        self.endpoints = endpoints
        self._database, self._config, self._now = database, config, clock

    async def find_due_times(self) -> Mapping[str, datetime]:
        """Find when the next notice is due, by endpoint. Those of endpoints that are not configured wait."""
        if not self.endpoints:
            return {}
        times = await self._database.read(notices.find_due_times)
        return {name: due_at for name, due_at in times.items() if name in self.endpoints}

    async def deliver_due(self) -> bool:
        """Send the due notices to all endpoints. Returns whether there were any."""
        now, times = self._now(), await self.find_due_times()
        due = [name for name, due_at in times.items() if due_at <= now]
        await asyncio.gather(*(self.deliver(name) for name in due))
        return bool(due)

    async def deliver(self, name: str) -> None:
        """Send the due notices to one endpoint."""
        while True:
            sender = secrets.token_hex(8)
            claimed, bodies = await self._database.write(self._claim, name, sender)
            if not claimed:
                return
            await asyncio.gather(*(self._try(notice, bodies.get(notice.id), sender) for notice in claimed))

    def _claim(self, conn: Connection, name: str, sender: str) -> tuple[Sequence[Notice], Mapping[str, Body]]:
        now = self._now()
        until = now + timedelta(seconds=TIMEOUT) + RESULT_MARGIN
        claimed = notices.claim_due_notices(conn, name, now, until, sender, SLOTS)
        return claimed, build_bodies(conn, claimed, self._config)

    async def _try(self, notice: Notice, body: Body | None, sender: str) -> None:
        """Send a notice, and store the result. One without a body is done."""
        status, fault = (200, "") if body is None else await self._post(notice, body)
        await self._database.write(_store_result, notice, sender, status, fault, self._now())

    async def _post(self, notice: Notice, body: Body) -> tuple[int, str]:
        endpoint, content = self.endpoints[notice.endpoint], json.dumps(body, separators=(",", ":")).encode()
        headers = build_headers(endpoint.keys, notice.id, self._now(), content)
        try:
            status = await endpoint.client.post(headers, content)
        except EndpointError as error:
            return 0, str(error)
        return status, f"status {status}"


def _store_result(conn: Connection, notice: Notice, sender: str, status: int, fault: str, now: datetime) -> None:
    if 200 <= status < 300:
        if notices.close_notice(conn, notice.id, sender, NoticeState.DONE, now):
            notices.store_endpoint_status(conn, notice.endpoint, None)
        return
    _log.info("notice %s to %s failed: %s", notice.id, notice.endpoint, fault)
    delay = None if status == GONE else compute_retry_delay(notice.attempts)
    if delay is None:
        is_own = notices.close_notice(conn, notice.id, sender, NoticeState.DEAD, now, fault)
    else:
        is_own = notices.retry_notice(conn, notice.id, sender, now + delay, now, fault)
    if is_own:
        _store_failure(conn, notice.endpoint, fault, now, is_gone=status == GONE)


def _store_failure(conn: Connection, name: str, fault: str, now: datetime, *, is_gone: bool) -> None:
    """Store that an endpoint failed. It is paused if it has failed for a day, or is gone."""
    before = notices.find_endpoint_statuses(conn).get(name)
    since = now if before is None or before.failing_since is None else before.failing_since
    paused_at = None if before is None else before.paused_at
    if paused_at is None and (is_gone or now - since >= PAUSE_AFTER):
        paused_at = now
    status = EndpointStatus(failing_since=since, paused_at=paused_at, fault=fault)
    notices.store_endpoint_status(conn, name, status)
