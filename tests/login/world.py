"""A small retailer whose shoppers can log in."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from tests.gateways import Clock
from tests.graphql.shopper import TRUSTING, build_stores
from tests.graphql.world import World, open_world
from tests.login.issuer_server import IssuerServer, run_issuer


@dataclass(frozen=True)
class LoginWorld:
    """A retailer and the issuer of its logins."""

    world: World
    issuer: IssuerServer

    def log_in(self, subject: str = "person-1", **claims: Any) -> str:
        """Return a token of a person."""
        return self.issuer.issue_token(subject, **claims)

    async def fetch_data(self, query: str, token: str | None, **variables: Any) -> Any:
        return await self.world.client.fetch_data(query, token, **variables)


@contextlib.asynccontextmanager
async def open_login_world(url: str, table: dict[str, Any] | None = None, **tables: Any) -> AsyncIterator[LoginWorld]:
    """Open a small retailer with an issuer, at the same time. `table`: changes of the issuer's configuration."""
    async with run_issuer(Clock()) as issuer:
        settings = {**TRUSTING, "login": {"main": issuer.build_table(**(table or {}))}, **tables}
        async with open_world(url, build_stores(), **settings) as world:
            issuer.issuer.clock = world.clock
            yield LoginWorld(world, issuer)
