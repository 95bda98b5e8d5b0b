"""Binding of logins to identities, in the database."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from gateway.commerce.config import SellingConfig
from gateway.commerce.customers import accounts
from gateway.commerce.customers.accounts import BoundLogin
from gateway.commerce.customers.shopper_tokens import read_shopper_token
from gateway.model.customers.logins import ShopperToken, VerifiedLogin
from gateway.storage.database import Database


class LoginBinding:
    """Binds logins to identities, as the registry of logins needs it."""

    def __init__(self, database: Database, config: SellingConfig, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._config = config
        self._clock = clock

    async def bind(self, login: VerifiedLogin) -> BoundLogin | None:
        """Bind a login to its identity, and return that. None: it was issued before its subject was erased."""
        known = await self._database.read(accounts.find_login, login)  # most tokens are new ones of known subjects
        return known or await self._database.write(accounts.bind_login, login, self._config, self._clock())

    async def is_valid(self, identity_id: str, issued_at: datetime) -> bool:
        """Return whether a login that was issued at this time still holds: its subject was not erased since."""
        return await self._database.read(accounts.is_login_valid, identity_id, issued_at)


class SignedShopperTokens:
    """Reads tokens that the gateway has signed. `secrets`: those whose signatures are accepted."""

    def __init__(self, secrets: Sequence[bytes]) -> None:
        self._secrets = secrets

    def read(self, token: str) -> ShopperToken | None:
        """Read a token. None: the gateway has not signed it."""
        return read_shopper_token(self._secrets, token)
