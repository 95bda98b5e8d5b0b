"""Feeds: reading a channel page by page and, where supported, record by record."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Generic, TypeVar

from gateway.sdk.collections import CollectionRecord
from gateway.sdk.errors import ChannelError
from gateway.sdk.records import CustomerRecord, Gone, OrderRecord, ProductRecord, Ref, StockRecord
from gateway.sdk.reviews import ReviewRecord

R = TypeVar("R", ProductRecord, StockRecord, CustomerRecord, OrderRecord, CollectionRecord, ReviewRecord)

Token = str
"""Position of the next page in a pass. Valid for this pass only; at most 8,000 characters."""

Mark = str
"""High-water mark: how far the channel has been read, by its own clock. Stored; the next pass starts from it. At most
64,000 characters.
"""


@dataclass(frozen=True, slots=True)
class Raw:
    """A record as the channel sent it.

    Attributes:
        id: The `Ref.id` that `Feed.read` assigns to the record.
        data: JSON-like data and values that `str` can represent (dates, decimals). Stored with a reject, and compared
            to detect changes of records without a version: leave out values that change by themselves.
    """

    id: str
    data: Any


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a pass.

    Attributes:
        items: The records.
        next: Token of the next page; None: the pass is complete.
        mark: Mark after the pass (with `ascending`: after this page). The last mark of a pass is used, so the first
            page may already return it; None: unchanged.
        resume: False: the token expires soon, so an interrupted pass restarts from its mark.
        locations: Of a feed of stock: IDs of all locations that the channel has now. Counts at a configured location
            that is missing are not used any more, and are read again when it is listed again. The first and the last
            page of a pass are considered. None: not known.
    """

    items: Sequence[Raw]
    next: Token | None = None
    mark: Mark | None = None
    resume: bool = True
    locations: frozenset[str] | None = None


class Feed(ABC, Generic[R]):
    """A way to read one type of record. A channel may have several feeds of one type.

    A pass is a sequence of pages, from a mark (changes since then) or from None (all records).

    Attributes:
        of: Type of the records.
        name: Unique in the channel. Never change it: cursors are stored under it.
        every: Interval between passes.
        lists_all: A pass without a mark returns every existing record, so that absent records are deleted.
        ascending: Pages are sorted by (updated, id), so that the mark may advance with every page.
    """

    of: type[R]
    name: str
    every: timedelta = timedelta(minutes=5)
    lists_all: bool = True
    ascending: bool = False

    @abstractmethod
    async def page(self, mark: Mark | None, token: Token | None) -> Page:
        """Return the page at `token`, or the first page of the pass that starts at `mark`.

        Raises:
            CursorExpiredError: The token has expired.
            ChannelError: The channel failed; see `gateway.sdk.errors`.
        """

    @abstractmethod
    def read(self, raw: Raw) -> R | Gone:
        """Convert a raw record. Must be pure: the same data gives the same record at any time.

        May raise any exception: the record is rejected with its raw data, and the pass continues.
        """

    async def taken(self, mark: Mark | None) -> None:
        """Confirm a committed pass, for example to move a file or delete messages. Called at least once."""


class LiveFeed(Feed[R]):
    """A feed that can also read single records on demand.

    It serves webhooks, live stock and the confirmation of deletions.

    Attributes:
        fetch_at_once: Maximum number of refs per call.
    """

    fetch_at_once: int = 100

    @abstractmethod
    async def fetch(self, refs: Sequence[Ref]) -> Mapping[str, Raw | Gone | ChannelError]:
        """Return the current records by `Ref.id`, for every requested ref.

        Return `Gone` only for records that the channel certainly does not have. A missing key is a violation of the
        contract, never a deletion.
        """


AnyFeed = Feed[Any]
"""A feed of any type of record."""
