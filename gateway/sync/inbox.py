"""Webhook deliveries: proved, stored, and turned into hints. What they say is never applied (rule S2)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from gateway.sdk.errors import ChannelError, ContractError
from gateway.sdk.webhooks import Delivery, Hint
from gateway.storage import inbox, sources
from gateway.storage.database import Connection
from gateway.storage.inbox import Letter
from gateway.sync.channel import Syncing, fail, resource_of

AT_ONCE = 100

INBOX = "inbox"
"""What rests, while the plugin cannot look at deliveries."""


async def receive(sync: Syncing, headers: Mapping[str, str], body: bytes) -> bool:
    """Prove a delivery and keep it; False, if it is known already.

    Raises:
        ForgedError: the channel did not sign it (or, StaleError, not at this time).
        ChannelError: it could not be looked at.
    """
    now = sync.now()
    delivery = Delivery(headers=headers, body=body, received_at=now)
    delivery_id = await sync.channel.verify(delivery, sync.table.live_deadline)
    return await sync.database.write(inbox.store, sync.key, delivery_id, headers, body, now)


async def process(sync: Syncing) -> int:
    """Turn what waits in the inbox into hints; how many deliveries there were."""
    letters = [] if sync.rests(INBOX) else await sync.database.read(inbox.waiting, sync.key, AT_ONCE)
    for letter in letters:
        try:
            delivery = Delivery(headers=letter.headers, body=letter.body, received_at=letter.received_at)
            hints = await sync.channel.hints(delivery, sync.table.call_deadline)
        except ContractError as error:
            await sync.turns.write(inbox.processed, letter.id, sync.now(), str(error))
        except ChannelError as error:  # it was not looked at: it stays
            sync.resting[INBOX] = await fail(sync, error)
            break
        else:
            await sync.turns.write(_note, sync, letter, hints)
    return len(letters)


def _note(conn: Connection, sync: Syncing, letter: Letter, hints: Sequence[Hint]) -> None:
    by_feed: dict[str, list[str]] = defaultdict(list)
    for hint in hints:
        by_feed[hint.feed].append(hint.id)
    for name, ids in sorted(by_feed.items()):
        sources.hint(conn, sync.key, resource_of(sync.channel.feeds[name]).value, name, sorted(set(ids)), sync.now())
    inbox.processed(conn, letter.id, sync.now())
