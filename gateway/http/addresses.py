"""Addresses, to the letter."""

from __future__ import annotations

from starlette.routing import Match, Route
from starlette.types import Scope


class Address(Route):
    """A route with this address alone: Starlette's own can also be had with a line break at the end."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        return (Match.NONE, {}) if scope["path"].endswith("\n") else super().matches(scope)
