"""What a channel is opened with in a plugin's own tests, where it asks nobody over HTTP."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from gateway.sdk.errors import ContractError
from gateway.sdk.requests import Authorize, Http


@dataclass(slots=True)
class StillContext:
    """A `gateway.sdk.Context` whose clock stands still until `time` is set. Every budget can pay."""

    key: str = "channel"
    time: datetime = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)

    def now(self) -> datetime:
        """See `Context.now`."""
        return self.time

    def http(self, base_url: str, authorize: Authorize | None = None) -> Http:
        """There is no client here: a channel that needs one is tested through a gateway."""
        raise ContractError(f"nobody can be asked at {base_url} in this test")

    async def spend(self, budget: str, cost: float = 1) -> None:
        """See `Context.spend`."""

    async def correct(
        self,
        budget: str,
        *,
        left: float | None = None,
        per_second: float | None = None,
        capacity: float | None = None,
    ) -> None:
        """See `Context.correct`."""
