"""Feeds: how a channel is read, page by page, and record by record where it can."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Generic, TypeVar

from gateway.sdk.errors import ChannelError
from gateway.sdk.records import CustomerRecord, Gone, OrderRecord, ProductRecord, Ref, StockRecord

R = TypeVar("R", ProductRecord, StockRecord, CustomerRecord, OrderRecord)

Token = str
"""Where the next page begins. Volatile: good for this pass only, at most 8,000 characters."""

Mark = str
"""How far the channel is known, on its clock. Durable: the next pass begins there. At most 64,000 characters."""


@dataclass(frozen=True, slots=True)
class Raw:
    """A record as the channel sent it.

    Attributes:
        id: the `Ref.id` that `Feed.read` will give it.
        data: JSON-like data and what `str` can show (dates, decimals). Kept with a reject, and compared to tell
            whether a record of a channel without versions has changed: leave out what changes by itself.
    """

    id: str
    data: Any


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a pass.

    Attributes:
        next: token of the next page; None: the pass is complete.
        mark: how far the channel is known once the pass is complete (`ascending`: once this page is taken). The last
            one that a pass gives counts, so the first page may give it.
        resume: False: the token dies soon, and a pass that was interrupted starts again from its mark.
    """

    items: Sequence[Raw]
    next: Token | None = None
    mark: Mark | None = None
    resume: bool = True


class Feed(ABC, Generic[R]):
    """One way of reading one kind of record. A channel may have several for one kind.

    A pass is a run of pages from a mark (what has changed since) or from None (everything there is).

    Attributes:
        of: the kind of record.
        name: unique in the channel, and never changed: cursors are stored under it.
        every: how often a pass is begun.
        lists_all: a pass without a mark names every record that exists, so that the absent ones are gone.
        ascending: pages come in order of (updated, id), so the mark may move with every page.
    """

    of: type[R]
    name: str
    every: timedelta = timedelta(minutes=5)
    lists_all: bool = True
    ascending: bool = False

    @abstractmethod
    async def page(self, mark: Mark | None, token: Token | None) -> Page:
        """The page at `token`, or the first of the pass that begins at `mark`.

        Raises:
            CursorExpiredError: the token is no longer good.
            ChannelError: as the family says.
        """

    @abstractmethod
    def read(self, raw: Raw) -> R | Gone:
        """What a raw record says. Pure: the same for the same data, at any time.

        May raise anything: that record is rejected with its raw data, and the feed goes on.
        """

    async def taken(self, mark: Mark | None) -> None:
        """A complete pass is stored: move the file, delete the messages. Called at least once, after the commit."""


class LiveFeed(Feed[R]):
    """A feed that can also read single records now.

    One method serves webhook hints, live stock, and the confirmation that a record is absent.
    """

    fetch_at_once: int = 100
    """How many refs one call may ask for."""

    @abstractmethod
    async def fetch(self, refs: Sequence[Ref]) -> Mapping[str, Raw | Gone | ChannelError]:
        """What the channel has now, by `Ref.id`, for every ref asked.

        `Gone` is said only of what the channel certainly does not have. A missing key counts as a broken contract,
        never as a deletion.
        """


AnyFeed = Feed[Any]
"""A feed of whatever kind."""
