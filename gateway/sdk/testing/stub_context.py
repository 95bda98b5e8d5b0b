"""A stub of `gateway.sdk.Context` for unit tests of plugins that send no HTTP requests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from gateway.sdk._deprecated import alias_names
from gateway.sdk.errors import ContractError
from gateway.sdk.http import Authorize, Http


@dataclass(slots=True)
class StubContext:
    """A `gateway.sdk.Context` whose clock only changes when `time` is set. Its budgets never run out.

    Attributes:
        key: Key of the channel.
        attributes: See `Context.attributes`.
        references: See `Context.references`.
        time: The current time.
    """

    key: str = "channel"
    time: datetime = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
    attributes: frozenset[str] = frozenset()
    references: Mapping[str, str] = field(default_factory=dict)

    def now(self) -> datetime:
        """Return `time`; see `Context.now`."""
        return self.time

    def http(self, base_url: str, authorize: Authorize | None = None) -> Http:
        """Raise an error: test channels that send HTTP requests through a gateway."""
        raise ContractError(f"this test has no HTTP client for {base_url}; test the channel through a gateway")

    async def spend(self, budget: str, cost: float = 1) -> None:
        """Do nothing; see `Context.spend`."""

    async def correct(
        self,
        budget: str,
        *,
        left: float | None = None,
        per_second: float | None = None,
        capacity: float | None = None,
    ) -> None:
        """Do nothing; see `Context.correct`."""


if not TYPE_CHECKING:
    __getattr__ = alias_names(
        __name__,
        {
            "StillContext": "StubContext",
        },
    )
