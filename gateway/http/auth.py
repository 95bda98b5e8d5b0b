"""Bearer tokens from the configuration (RFC 6750)."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping

from gateway.execution.caller import ANONYMOUS, Caller, CallerKind
from gateway.execution.codes import Code
from gateway.http.requests import RequestError
from gateway.settings import TokenTable


class Tokens:
    """Who each token stands for. Tokens are compared by their hashes, all of them, in constant time."""

    def __init__(self, tables: Mapping[str, TokenTable]) -> None:
        self._callers = [
            (
                _hash(table.token.get_secret_value()),
                Caller(CallerKind(table.kind), table.scopes, table.channel, principal=f"token {name}"),
            )
            for name, table in tables.items()
            if table.token.get_secret_value().strip()  # an empty variable in the environment opens nothing
        ]

    def caller(self, header: str | None) -> Caller:
        """Who sends this Authorization header.

        Raises:
            RequestError: the token is not known.
        """
        if header is None:
            return ANONYMOUS
        scheme, _, token = header.partition(" ")
        if scheme.lower() == "bearer" and (found := self._known(token.strip())) is not None:
            return found
        if scheme.lower() != "bearer":
            message = "Expected the header Authorization to be Bearer, a space, and the token."
            raise RequestError(Code.UNAUTHENTICATED, message, {"www-authenticate": "Bearer"})
        challenge = {"www-authenticate": 'Bearer error="invalid_token"'}
        raise RequestError(Code.UNAUTHENTICATED, "The token is not known.", challenge)

    def _known(self, token: str) -> Caller | None:
        sent = _hash(token)
        matches = [caller for known, caller in self._callers if hmac.compare_digest(known, sent)]
        return matches[0] if matches else None


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
