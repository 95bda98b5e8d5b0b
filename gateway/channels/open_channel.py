"""An open channel: every call has a deadline, and every response is validated."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from gateway.channels import response_validation
from gateway.channels.call_context import Urgency
from gateway.channels.circuit_breaker import CircuitBreaker, CircuitOpenError
from gateway.channels.errors import CallTimeoutError, build_fault, hide_secrets, redact_secrets
from gateway.channels.guarded_call import CallQueueTimeoutError, GuardedCaller
from gateway.channels.plugin_thread import PluginThread, ThreadRefusalError
from gateway.channels.response_validation import BadRecord
from gateway.model import channels
from gateway.sdk.channel import Channel, Place, Traits, VerifiedCustomer
from gateway.sdk.errors import ChannelError, ContractError, OutcomeUnknownError
from gateway.sdk.feeds import AnyFeed, LiveFeed, Mark, Page, Raw, Token
from gateway.sdk.images import ImageResizer
from gateway.sdk.records import Gone, Record, Ref
from gateway.sdk.webhooks import Delivery, Hint, PrivacyRequest, Webhooks
from gateway.sdk.writes import AnyWrite, Command, Outcome

__all__ = ["BadRecord", "CallTimeoutError", "CircuitOpenError", "OpenChannel", "OpenResult", "build_fault"]

T = TypeVar("T")

READ_BATCH = 100
"""Records that are read before the thread handles other calls."""

CLOSE_TIMEOUT = timedelta(seconds=2)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenResult:
    """Result of opening a channel.

    Attributes:
        intervals: how often each feed starts a pass, as configured.
        secrets: secrets that must not be in messages.
        deadline: default deadline of a call.
        cleanup: frees what the plugin received.
        images: resizes the images of the channel.
    """

    model: channels.Channel
    traits: Traits
    channel: Channel
    intervals: Mapping[str, timedelta]
    secrets: frozenset[str]
    deadline: timedelta
    cleanup: Callable[[], Awaitable[None]]
    images: ImageResizer | None = None


class OpenChannel:
    """An open channel.

    All methods raise `ChannelError`s only: `CallTimeoutError` at the deadline, `CircuitOpenError` while the circuit
    is open, and `ContractError` if the plugin raises another exception or violates its contract.
    """

    def __init__(self, opened: OpenResult, thread: PluginThread, now: Callable[[], datetime]) -> None:
        self.key = opened.model.key
        self.model = opened.model
        self.traits = opened.traits
        self.plugin = opened.model.plugin_name or ""
        self.plugin_version = opened.model.plugin_version or ""
        self.feeds: Mapping[str, AnyFeed] = {feed.name: feed for feed in opened.channel.feeds}
        self.live_feeds: Mapping[str, LiveFeed[Any]] = {
            name: feed for name, feed in self.feeds.items() if isinstance(feed, LiveFeed)
        }
        self.writes: Mapping[type[Command], AnyWrite] = {write.of: write for write in opened.channel.writes}
        self.intervals = opened.intervals
        self.images = opened.images
        self.webhooks = opened.channel.webhooks
        self.thread = thread
        self.breaker = CircuitBreaker(thread.name, now)
        self._channel, self._deadline, self._secrets = opened.channel, opened.deadline, opened.secrets
        self._cleanup = opened.cleanup
        self._caller = GuardedCaller(thread, self.breaker, self.plugin, opened.secrets)

    async def call(
        self, work: Callable[[], Awaitable[T]], *, deadline: timedelta, urgency: Urgency = Urgency.DELTA
    ) -> T:
        """Run `work` on the channel's thread."""
        return await self._caller.call(work, deadline=deadline, urgency=urgency)

    async def page(
        self,
        feed_name: str,
        mark: Mark | None,
        token: Token | None,
        deadline: timedelta,
        urgency: Urgency = Urgency.DELTA,
    ) -> Page:
        """Fetch a page of a feed. An item whose id cannot be stored gets a stand-in id, and is read as `BadRecord`."""
        feed = self.feeds[feed_name]

        async def fetch_page() -> Page:
            return response_validation.validate_page(await feed.page(mark, token), token)

        return await self.call(fetch_page, deadline=deadline, urgency=urgency)

    async def read(
        self, feed_name: str, raws: Sequence[Raw], deadline: timedelta | None = None
    ) -> Sequence[Record | Gone | BadRecord]:
        """Read raw records. The results are in the same order."""
        feed = self.feeds[feed_name]

        async def read_batches() -> list[Record | Gone | BadRecord]:
            results: list[Record | Gone | BadRecord] = []
            for start in range(0, len(raws), READ_BATCH):
                batch = raws[start : start + READ_BATCH]
                results += map(self._redact_detail, response_validation.read_records(feed, batch))
                await asyncio.sleep(0)
            return results

        return await self._caller.run_local(read_batches, deadline=deadline or self._deadline)

    def _redact_detail(self, record: Record | Gone | BadRecord) -> Record | Gone | BadRecord:
        """Replace secrets of the configuration in the text of a plugin's exception."""
        if not isinstance(record, BadRecord) or record.detail is None:
            return record
        return replace(record, detail=hide_secrets(record.detail, self._secrets))

    async def fetch(
        self, feed_name: str, refs: Sequence[Ref], deadline: timedelta, *, live: bool = False
    ) -> Mapping[str, Raw | Gone | ChannelError]:
        """Fetch the current state of records, for any number of refs."""
        feed = self._get_live_feed(feed_name)

        async def fetch_batches() -> dict[str, Raw | Gone | ChannelError]:
            records: dict[str, Raw | Gone | ChannelError] = {}
            for start in range(0, len(refs), feed.fetch_at_once):
                batch = refs[start : start + feed.fetch_at_once]
                records |= response_validation.validate_fetched(self.plugin, await feed.fetch(batch), batch)
            return records

        records = await self.call(fetch_batches, deadline=deadline, urgency=Urgency.SHOPPER if live else Urgency.DELTA)
        for record in records.values():
            if isinstance(record, ChannelError):
                redact_secrets(record, self._secrets)
        return records

    async def confirm_pass(self, feed_name: str, mark: Mark | None, deadline: timedelta) -> None:
        """Tell the plugin that a complete pass is stored."""
        feed = self.feeds[feed_name]
        await self.call(lambda: feed.taken(mark), deadline=deadline)

    async def send(self, commands: Sequence[Command], deadline: timedelta) -> Sequence[Outcome | ChannelError]:
        """Send commands, all of one type. The outcomes are in the same order.

        Raises:
            OutcomeUnknownError: the plugin received the commands, and their outcome is unknown.
            ChannelError: another failure. Then no command has an effect.
        """
        write = self.writes[type(commands[0])]

        async def send_commands() -> Sequence[Outcome | ChannelError]:
            return response_validation.validate_outcomes(await write.send(commands), commands)

        outcomes = await self._call_write(send_commands, deadline)
        return [
            redact_secrets(outcome, self._secrets) if isinstance(outcome, ChannelError) else outcome
            for outcome in outcomes
        ]

    async def find(self, command: Command, ticket: str | None, deadline: timedelta) -> Outcome | None:
        """Find the outcome of a command that was sent before, or None if it certainly had no effect.

        Raises:
            ChannelError: the outcome cannot be found, or not now.
        """
        write = self.writes[type(command)]

        async def find_outcome() -> Outcome | None:
            outcome = await write.find(command, ticket)
            return None if outcome is None else response_validation.validate_outcome(outcome)

        return await self.call(find_outcome, deadline=deadline, urgency=Urgency.OUTBOX)

    async def _call_write(self, work: Callable[[], Awaitable[T]], deadline: timedelta) -> T:
        """Call a write. A plugin that fails unexpectedly or exceeds the deadline may have changed something."""
        try:
            return await self.call(work, deadline=deadline, urgency=Urgency.OUTBOX)
        except (CircuitOpenError, CallQueueTimeoutError, ThreadRefusalError):
            raise
        except (CallTimeoutError, ContractError) as error:
            raise OutcomeUnknownError(str(error)) from error

    async def list_locations(self, deadline: timedelta) -> Sequence[Place]:
        """Fetch the external locations of the channel."""

        async def fetch_locations() -> Sequence[Place]:
            return response_validation.validate_locations(await self._channel.places())

        return await self.call(fetch_locations, deadline=deadline)

    @property
    def can_verify_customers(self) -> bool:
        """Whether the channel verifies tokens of its own customers."""
        return self._channel.verify_customer is not None

    async def verify_customer(self, token: str, deadline: timedelta) -> VerifiedCustomer | None:
        """Verify a token of a customer of the channel. None: the channel does not accept it.

        No exception of the plugin is logged with its message: it may contain the token.
        """
        verify = self._channel.verify_customer
        if verify is None:
            raise ContractError(f"{self.thread.name} verifies no tokens of customers")

        async def verify_token() -> VerifiedCustomer | None:
            try:
                customer = await verify(token)
            except ChannelError:
                raise
            except Exception as error:  # noqa: BLE001 any exception of a plugin is converted
                name = type(error).__name__
                raise ContractError(f"the plugin {self.plugin} raised {name} over a customer's token") from None
            return None if customer is None else response_validation.validate_customer(customer)

        return await self.call(verify_token, deadline=deadline, urgency=Urgency.SHOPPER)

    async def subscribe(self, url: str, deadline: timedelta) -> None:
        """Subscribe this URL to the channel's webhooks."""
        webhooks = self._get_webhooks()
        await self.call(lambda: webhooks.subscribe(url), deadline=deadline)

    async def verify(self, delivery: Delivery, deadline: timedelta) -> str:
        """Verify that the channel signed a delivery. Return the delivery's id.

        Raises:
            ForgedError: the signature is invalid.
            StaleError: the delivery is too old.
        """
        webhooks = self._get_webhooks()

        async def verify_signature() -> str:
            identifier = response_validation.require_type("a delivery's id", webhooks.verify(delivery), str)
            response_validation.require_text("a delivery's id", identifier, response_validation.MAX_ID_LENGTH)
            return identifier

        return await self._caller.run_local(verify_signature, deadline=deadline)

    async def read_hints(self, delivery: Delivery, deadline: timedelta) -> Sequence[Hint]:
        """Return the records that a verified delivery is about."""
        webhooks = self._get_webhooks()

        async def extract_hints() -> Sequence[Hint]:
            return response_validation.validate_hints(webhooks.hints(delivery), self.live_feeds)

        return await self._caller.run_local(extract_hints, deadline=deadline)

    async def read_privacy_requests(self, delivery: Delivery, deadline: timedelta) -> Sequence[PrivacyRequest]:
        """Return what a verified delivery asks for in the name of customers."""
        webhooks = self._get_webhooks()

        async def extract_requests() -> Sequence[PrivacyRequest]:
            return response_validation.validate_privacy_requests(webhooks.privacy_requests(delivery))

        return await self._caller.run_local(extract_requests, deadline=deadline)

    async def close(self) -> None:
        """Close the channel. It never hangs: what does not close in time is abandoned."""
        try:
            await self._caller.run_local(self._close_plugin, deadline=CLOSE_TIMEOUT)
        except ChannelError as error:
            _log.warning("%s did not close cleanly: %s", self.thread.name, error)
        finally:
            await self.thread.close()

    async def _close_plugin(self) -> None:
        try:
            await self._channel.close()
        finally:
            await self._cleanup()

    def _get_live_feed(self, name: str) -> LiveFeed[Any]:
        if name not in self.live_feeds:
            raise ContractError(f"the feed {name} of {self.thread.name} cannot fetch single records")
        return self.live_feeds[name]

    def _get_webhooks(self) -> Webhooks:
        if self.webhooks is None:
            raise ContractError(f"{self.thread.name} has no webhooks")
        return self.webhooks
