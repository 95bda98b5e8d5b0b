"""Why a token of a shopper is refused. No message contains the token or a claim."""

from __future__ import annotations

from gateway.execution.error_codes import Code
from gateway.execution.errors import QueryError


class LoginError(QueryError):
    """The token is refused."""

    code = Code.UNAUTHENTICATED


class UnknownIssuerError(LoginError):
    """The token is of no issuer of the configuration."""


class UnknownKeyError(LoginError):
    """The token is signed with a key that its issuer does not publish."""


class LoginExpiredError(LoginError):
    """The token has expired."""

    code = Code.TOKEN_EXPIRED


class IssuerUnavailableError(LoginError):
    """The keys of the issuer cannot be read, so its tokens cannot be verified. The token may be valid."""

    code = Code.ISSUER_UNAVAILABLE
