"""An open channel, as the gateway uses it: every call is bounded, and every answer checked."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from gateway.channels import answers
from gateway.channels.answers import BadRecord
from gateway.channels.breaker import Breaker, LeftAloneError
from gateway.channels.calls import CrowdedError, Guard
from gateway.channels.errands import Urgency
from gateway.channels.faults import TimedOutError, fault_of, without_secrets
from gateway.channels.lanes import Lane, LaneRefusalError
from gateway.model import channels as model
from gateway.sdk.channel import Channel, Place, Traits
from gateway.sdk.errors import ChannelError, ContractError, OutcomeUnknownError
from gateway.sdk.feeds import AnyFeed, LiveFeed, Mark, Page, Raw, Token
from gateway.sdk.records import Gone, Record, Ref
from gateway.sdk.webhooks import Delivery, Hint, Webhooks
from gateway.sdk.writes import AnyWrite, Command, Outcome

__all__ = ["BadRecord", "LeftAloneError", "OpenChannel", "Opened", "TimedOutError", "fault_of"]

T = TypeVar("T")

READ_AT_ONCE = 100
"""Records that are read before the lane turns to its other calls."""

CLOSING = timedelta(seconds=2)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """What opening a channel gave.

    Attributes:
        every: how often each feed begins a pass, as configured.
        secrets: what must stand in no message.
        deadline: of a call for which nothing else is said.
        let_go: gives back what the plugin was given.
    """

    model: model.Channel
    traits: Traits
    channel: Channel
    every: Mapping[str, timedelta]
    secrets: frozenset[str]
    deadline: timedelta
    let_go: Callable[[], Awaitable[None]]


class OpenChannel:
    """One open channel.

    Its methods raise `ChannelError`s alone: `TimedOutError` at the deadline, `LeftAloneError` while the channel is left
    alone after failures, `ContractError` for whatever the plugin raises or returns against its promise.
    """

    def __init__(self, opened: Opened, lane: Lane, now: Callable[[], datetime]) -> None:
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
        self.every = opened.every
        self.webhooks = opened.channel.webhooks
        self.lane = lane
        self.breaker = Breaker(lane.name, now)
        self._channel, self._deadline, self._secrets = opened.channel, opened.deadline, opened.secrets
        self._let_go = opened.let_go
        self._guard = Guard(lane, self.breaker, self.plugin, opened.secrets)

    async def call(
        self, work: Callable[[], Awaitable[T]], *, deadline: timedelta, urgency: Urgency = Urgency.DELTA
    ) -> T:
        """What `work` gives, on the channel's thread."""
        return await self._guard.call(work, deadline=deadline, urgency=urgency)

    async def page(
        self,
        feed_name: str,
        mark: Mark | None,
        token: Token | None,
        deadline: timedelta,
        urgency: Urgency = Urgency.DELTA,
    ) -> Page:
        """A page of a feed. An item whose id cannot be stored stands under a made-up one and reads as `BadRecord`."""
        feed = self.feeds[feed_name]

        async def asked() -> Page:
            return answers.page(await feed.page(mark, token), token)

        return await self.call(asked, deadline=deadline, urgency=urgency)

    async def read(
        self, feed_name: str, raws: Sequence[Raw], deadline: timedelta | None = None
    ) -> Sequence[Record | Gone | BadRecord]:
        """What each of these says, in their order."""
        feed = self.feeds[feed_name]

        async def asked() -> list[Record | Gone | BadRecord]:
            said: list[Record | Gone | BadRecord] = []
            for start in range(0, len(raws), READ_AT_ONCE):
                said += answers.records(feed, raws[start : start + READ_AT_ONCE])
                await asyncio.sleep(0)
            return said

        return await self._guard.local(asked, deadline=deadline or self._deadline)

    async def fetch(
        self, feed_name: str, refs: Sequence[Ref], deadline: timedelta, *, live: bool = False
    ) -> Mapping[str, Raw | Gone | ChannelError]:
        """What the channel has now, for every ref asked, however many they are."""
        feed = self._live_feed(feed_name)

        async def asked() -> dict[str, Raw | Gone | ChannelError]:
            found: dict[str, Raw | Gone | ChannelError] = {}
            for start in range(0, len(refs), feed.fetch_at_once):
                some = refs[start : start + feed.fetch_at_once]
                found |= answers.fetched(self.plugin, await feed.fetch(some), some)
            return found

        found = await self.call(asked, deadline=deadline, urgency=Urgency.SHOPPER if live else Urgency.DELTA)
        for answer in found.values():
            if isinstance(answer, ChannelError):
                without_secrets(answer, self._secrets)
        return found

    async def taken(self, feed_name: str, mark: Mark | None, deadline: timedelta) -> None:
        """Tell the plugin that a complete pass is stored."""
        feed = self.feeds[feed_name]
        await self.call(lambda: feed.taken(mark), deadline=deadline)

    async def send(self, commands: Sequence[Command], deadline: timedelta) -> Sequence[Outcome | ChannelError]:
        """What became of each of these commands, all of one kind.

        Raises:
            OutcomeUnknownError: they were handed to the plugin, and what came of that cannot be told.
            ChannelError: otherwise; then nothing has happened.
        """
        write = self.writes[type(commands[0])]

        async def asked() -> Sequence[Outcome | ChannelError]:
            return answers.outcomes(await write.send(commands), commands)

        said = await self._written(asked, deadline)
        return [without_secrets(one, self._secrets) if isinstance(one, ChannelError) else one for one in said]

    async def find(self, command: Command, ticket: str | None, deadline: timedelta) -> Outcome | None:
        """What became of a command that was sent before. None: certainly nothing.

        Raises:
            ChannelError: it cannot be told, or not now.
        """
        write = self.writes[type(command)]

        async def asked() -> Outcome | None:
            found = await write.find(command, ticket)
            return None if found is None else answers.outcome(found)

        return await self.call(asked, deadline=deadline, urgency=Urgency.OUTBOX)

    async def _written(self, work: Callable[[], Awaitable[T]], deadline: timedelta) -> T:
        """A plugin that fails in its own way, or is too slow, may have changed something all the same."""
        try:
            return await self.call(work, deadline=deadline, urgency=Urgency.OUTBOX)
        except (LeftAloneError, CrowdedError, LaneRefusalError):
            raise
        except (TimedOutError, ContractError) as error:
            raise OutcomeUnknownError(str(error)) from error

    async def places(self, deadline: timedelta) -> Sequence[Place]:
        """The channel's own locations."""

        async def asked() -> Sequence[Place]:
            return answers.places(await self._channel.places())

        return await self.call(asked, deadline=deadline)

    async def subscribe(self, url: str, deadline: timedelta) -> None:
        """Have deliveries sent to this address."""
        webhooks = self._webhooks()
        await self.call(lambda: webhooks.subscribe(url), deadline=deadline)

    async def verify(self, delivery: Delivery, deadline: timedelta) -> str:
        """The id of a delivery that the channel signed. Raises `ForgedError` or `StaleError` for others."""
        webhooks = self._webhooks()

        async def asked() -> str:
            identifier = answers.of_type("a delivery's id", webhooks.verify(delivery), str)
            answers.text("a delivery's id", identifier, answers.LONGEST_ID)
            return identifier

        return await self._guard.local(asked, deadline=deadline)

    async def hints(self, delivery: Delivery, deadline: timedelta) -> Sequence[Hint]:
        """Which records a verified delivery is about."""
        webhooks = self._webhooks()

        async def asked() -> Sequence[Hint]:
            return answers.hints(webhooks.hints(delivery), self.live_feeds)

        return await self._guard.local(asked, deadline=deadline)

    async def close(self) -> None:
        """Give everything back. Never hangs: what does not let go in time is left behind."""
        try:
            await self._guard.local(self._closed, deadline=CLOSING)
        except ChannelError as error:
            _log.warning("%s was not closed in order: %s", self.lane.name, error)
        finally:
            await self.lane.close()

    async def _closed(self) -> None:
        try:
            await self._channel.close()
        finally:
            await self._let_go()

    def _live_feed(self, name: str) -> LiveFeed[Any]:
        if name not in self.live_feeds:
            raise ContractError(f"the feed {name} of {self.lane.name} cannot fetch single records")
        return self.live_feeds[name]

    def _webhooks(self) -> Webhooks:
        if self.webhooks is None:
            raise ContractError(f"{self.lane.name} has no webhooks")
        return self.webhooks
