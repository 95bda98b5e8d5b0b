"""What changes need of a running gateway, beyond what queries do."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Protocol, cast

from gateway.commerce.selling import Selling
from gateway.commerce.taking import Rules
from gateway.execution.context import Context
from gateway.execution.context import Gateway as Asked


class House(Asked, Protocol):
    """A running gateway."""

    @property
    def rules(self) -> Rules: ...
    @property
    def selling(self) -> Selling: ...
    async def tell(self, wishes: Mapping[str, Collection[str]], within: timedelta) -> None: ...


def house(context: Context) -> House:
    """The gateway that a request runs in."""
    return cast(House, context.gateway)
