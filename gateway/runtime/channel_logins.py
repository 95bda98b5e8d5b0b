"""Logins at channels: verification of the tokens that channels give to their own customers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from gateway.commerce.customers.token_exchange import build_refusal
from gateway.model.channels import Resource
from gateway.model.customers.logins import ChannelLogin
from gateway.model.mutation_result import UserError, UserErrorCode
from gateway.sdk.errors import ChannelError
from gateway.sdk.records import Ref
from gateway.storage.database import Connection, Database
from gateway.storage.writes.customers import identities
from gateway.sync.channel_sync import ChannelSync, get_resource
from gateway.sync.refetch import refresh_records

MAX_TOKEN_LENGTH = 16_000
"""Characters of a token."""


class ChannelLogins:
    """Verifies tokens of channels' customers, and reads the record of a customer who is new."""

    def __init__(self, database: Database, channels: Mapping[str, ChannelSync], clock: Callable[[], datetime]) -> None:
        self._database = database
        self._channels = channels
        self._clock = clock

    async def verify(self, channel: str, token: str) -> ChannelLogin | UserError:
        """Verify a token of a channel's customer. An error says why it cannot be exchanged."""
        sync = self._channels.get(channel)
        if sync is None or not sync.channel.can_verify_customers or len(token) > MAX_TOKEN_LENGTH:
            return _build_error(channel, UserErrorCode.NOT_SUPPORTED_BY_CHANNEL, "The channel verifies no such tokens.")
        now = self._clock()
        try:
            customer = await sync.channel.verify_customer(token, sync.table.live_deadline)
            if customer is not None:
                await self._read_new(sync, customer.id)
        except ChannelError:  # its message may be about the token, so it is not shown
            return _build_error(
                channel, UserErrorCode.CHANNEL_UNAVAILABLE, "The channel cannot verify the token now.", retryable=True
            )
        if customer is None:
            return build_refusal("The channel does not accept the token.")
        return ChannelLogin(channel=channel, external_id=customer.id, issued_at=now, expires_at=customer.expires_at)

    async def _read_new(self, sync: ChannelSync, external_id: str) -> None:
        """Read the record of a customer that is not stored yet, if the channel can read single ones."""
        feeds = [feed for feed in sync.channel.live_feeds.values() if get_resource(feed) is Resource.CUSTOMERS]
        if feeds and not await self._database.read(_is_stored, sync.key, external_id):
            await refresh_records(sync, feeds[0], [Ref(external_id)], sync.table.live_deadline, live=True)


def _is_stored(conn: Connection, channel: str, external_id: str) -> bool:
    return bool(identities.find_by_external_id(conn, channel, [external_id]))


def _build_error(channel: str, code: UserErrorCode, message: str, *, retryable: bool = False) -> UserError:
    return UserError(
        code=code, field=("input", "channelKey"), message=message, retryable=retryable, channel_key=channel
    )
