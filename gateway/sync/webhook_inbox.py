"""Webhook inbox: verifies and stores deliveries, and turns them into hints. Bodies are never applied (rule S2)."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence

from gateway.commerce.privacy.channel_requests import store_requests
from gateway.sdk.errors import ChannelError, ContractError
from gateway.sdk.webhooks import Delivery, Hint, PrivacyRequest, PrivacyRequestKind
from gateway.storage.database import Connection
from gateway.storage.sync import source_records, webhook_inbox
from gateway.storage.sync.webhook_inbox import StoredDelivery
from gateway.sync.channel_sync import ChannelSync, get_resource, record_failure

_log = logging.getLogger(__name__)

BATCH_SIZE = 100

INBOX = "inbox"
"""Key of the inbox in `ChannelSync.backoff_until`, while the plugin cannot read deliveries."""


async def receive_delivery(sync: ChannelSync, headers: Mapping[str, str], body: bytes) -> bool:
    """Verify and store a delivery. Returns False if it is stored already.

    Raises:
        ForgedError: the signature is invalid (or, StaleError, too old).
        ChannelError: the delivery could not be verified.
    """
    now = sync.now()
    delivery = Delivery(headers=headers, body=body, received_at=now)
    delivery_id = await sync.channel.verify(delivery, sync.table.live_deadline)
    return await sync.database.write(webhook_inbox.store_delivery, sync.key, delivery_id, headers, body, now)


async def process_deliveries(sync: ChannelSync) -> int:
    """Turn stored deliveries into hints. Returns how many there were."""
    letters = (
        [] if sync.is_backing_off(INBOX) else await sync.database.read(webhook_inbox.list_waiting, sync.key, BATCH_SIZE)
    )
    for letter in letters:
        try:
            delivery = Delivery(headers=letter.headers, body=letter.body, received_at=letter.received_at)
            hints = await sync.channel.read_hints(delivery, sync.table.call_deadline)
            requests = await sync.channel.read_privacy_requests(delivery, sync.table.call_deadline)
        except ContractError as error:
            await sync.throttle.write(webhook_inbox.mark_processed, letter.id, sync.now(), str(error))
        except ChannelError as error:  # the delivery stays in the inbox
            sync.backoff_until[INBOX] = await record_failure(sync, error)
            break
        else:
            await sync.throttle.write(_store_contents, sync, letter, hints, requests)
    return len(letters)


def _store_contents(
    conn: Connection,
    sync: ChannelSync,
    letter: StoredDelivery,
    hints: Sequence[Hint],
    requests: Sequence[PrivacyRequest],
) -> None:
    store_requests(conn, sync.key, requests, sync.context)
    if any(request.kind is PrivacyRequestKind.ERASE_ALL for request in requests):
        _log.error("%s asks for the erase of all its customers; cancel the requests if it is wrong", sync.key)
    by_feed: dict[str, list[str]] = defaultdict(list)
    for hint in hints:
        by_feed[hint.feed].append(hint.id)
    for name, ids in sorted(by_feed.items()):
        source_records.hint_records(
            conn, sync.key, get_resource(sync.channel.feeds[name]).value, name, sorted(set(ids)), sync.now()
        )
    webhook_inbox.mark_processed(conn, letter.id, sync.now())
