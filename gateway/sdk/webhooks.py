"""Webhooks: a channel says that something has changed. What it says is never believed, only read again."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A request as it came in.

    Attributes:
        headers: names in lower case.
        body: the bytes as they were signed.
    """

    headers: Mapping[str, str]
    body: bytes
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Hint:
    """A record to read again. `feed` is the name of the feed that can fetch it."""

    feed: str
    id: str


class Webhooks(ABC):
    """How a channel's deliveries are asked for, proved and understood."""

    @abstractmethod
    async def subscribe(self, url: str) -> None:
        """Have deliveries sent to this address. Called at every start: it makes no second subscription."""

    @abstractmethod
    def verify(self, delivery: Delivery) -> str:
        """The delivery's id, by which a second copy is known.

        Compare in constant time, and accept two secrets at once, so that one can be replaced.

        Raises:
            ForgedError: the channel did not sign this.
            StaleError: it did, but at another time.
        """

    @abstractmethod
    def hints(self, delivery: Delivery) -> Sequence[Hint]:
        """Which records the delivery is about."""
