"""What changes need of a running gateway, beyond what queries do."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import Protocol, cast

from gateway.commerce.selling import Selling
from gateway.commerce.taking import Rules
from gateway.execution.context import Context
from gateway.execution.context import Gateway as Asked
from gateway.storage.database import Connection
from gateway.sync.outbox import Delivery


class House(Asked, Protocol):
    """A running gateway."""

    @property
    def rules(self) -> Rules: ...
    @property
    def selling(self) -> Selling: ...
    def begin(self, conn: Connection, wishes: Mapping[str, Collection[str]]) -> Sequence[Delivery]: ...
    async def tell(self, deliveries: Sequence[Delivery], within: timedelta) -> None: ...


def house(context: Context) -> House:
    """The gateway that a request runs in."""
    return cast(House, context.gateway)
