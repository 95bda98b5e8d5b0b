"""Verification of tokens. What a token says is used only after its signature was verified with a key of its issuer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from joserfc import jws
from joserfc.errors import JoseError

from gateway.execution.login.claims import read_login
from gateway.execution.login.errors import LoginError, UnknownIssuerError
from gateway.execution.login.json_web_keys import VerificationKey
from gateway.execution.login.key_cache import KeyCache
from gateway.execution.login.key_client import HttpKeySource, KeySource
from gateway.execution.login.token_parts import MAX_LENGTH, TokenParts, parse_token
from gateway.model.customers.logins import VerifiedLogin
from gateway.settings.login import LoginTable

CreateSource = Callable[[LoginTable], KeySource]


@dataclass(frozen=True, slots=True)
class Issuer:
    """An issuer of the configuration. `name`: its key there."""

    name: str
    table: LoginTable
    keys: KeyCache


@dataclass(frozen=True, slots=True)
class Verification:
    """A token that was verified, with the thumbprint of the key that has signed it."""

    login: VerifiedLogin
    issuer: Issuer
    thumbprint: str


def create_http_source(table: LoginTable) -> KeySource:
    """Create the source that reads the keys of an issuer by HTTP."""
    return HttpKeySource(table.jwks_url, allows_private=table.private_addresses)


class LoginVerifier:
    """Verifies tokens of the issuers of the configuration."""

    def __init__(
        self,
        tables: Mapping[str, LoginTable],
        clock: Callable[[], datetime],
        create_source: CreateSource = create_http_source,
    ) -> None:
        self._clock = clock
        self._issuers = {
            table.issuer: Issuer(name, table, KeyCache(name, create_source(table), clock))
            for name, table in tables.items()
        }

    async def verify(self, token: str) -> Verification:
        """Verify a token.

        Raises:
            LoginError: it is not valid, or the keys of its issuer cannot be read.
        """
        parts = parse_token(token)
        issuer = self._find_issuer(parts)
        if parts.algorithm not in issuer.table.algorithms:
            raise LoginError("The token is signed with an algorithm that its issuer does not use.")
        keys = await issuer.keys.find_keys(parts.key_id, parts.algorithm)
        key = _find_signer(token, parts.algorithm, keys)
        return Verification(read_login(issuer.name, issuer.table, parts.claims, self._clock()), issuer, key.thumbprint)

    async def close(self) -> None:
        """Stop reading keys."""
        for issuer in self._issuers.values():
            await issuer.keys.close()

    def _find_issuer(self, parts: TokenParts) -> Issuer:
        name = parts.claims.get("iss")
        issuer = self._issuers.get(name) if isinstance(name, str) else None
        if issuer is None:
            raise UnknownIssuerError("The token is of an unknown issuer.")
        return issuer


def _find_signer(token: str, algorithm: str, keys: Iterable[VerificationKey]) -> VerificationKey:
    for key in keys:
        if _is_signed(token, algorithm, key):
            return key
    raise LoginError("The signature of the token is wrong.")


def _is_signed(token: str, algorithm: str, key: VerificationKey) -> bool:
    try:
        jws.deserialize_compact(token, key.key, registry=_create_registry(algorithm))
    except (JoseError, ValueError):
        return False
    return True


def _create_registry(algorithm: str) -> jws.JWSRegistry:
    """Create what the library checks a token by. Issuers add parameters of their own to the header."""
    registry = jws.JWSRegistry(algorithms=[algorithm], strict_check_header=False)
    registry.max_header_length = registry.max_signature_length = registry.max_payload_length = MAX_LENGTH
    return registry
