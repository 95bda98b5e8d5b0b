"""What a query can fail with, each with the code that clients see."""

from __future__ import annotations


class QueryError(Exception):
    """The base: its message is written for the client's developer."""

    code = "INTERNAL_SERVER_ERROR"


class BadUserInputError(QueryError):
    """An argument that cannot be."""

    code = "BAD_USER_INPUT"


class UnauthenticatedError(QueryError):
    """A token is needed, or the one that came is not known."""

    code = "UNAUTHENTICATED"


class ForbiddenError(QueryError):
    """The token lacks a scope."""

    code = "FORBIDDEN"
