"""Binding of logins to identities, in the database."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from gateway.commerce.customers import accounts
from gateway.model.customers.logins import VerifiedLogin
from gateway.storage.database import Database


class LoginBinding:
    """Binds logins to identities, as the registry of logins needs it."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock

    async def bind(self, login: VerifiedLogin) -> str | None:
        """Bind a login to its identity, and return the id. None: it was issued before its subject was erased."""
        return await self._database.write(accounts.bind_login, login, self._clock())

    async def is_valid(self, identity_id: str, issued_at: datetime) -> bool:
        """Return whether a login that was issued at this time still holds: its subject was not erased since."""
        return await self._database.read(accounts.is_login_valid, identity_id, issued_at)
