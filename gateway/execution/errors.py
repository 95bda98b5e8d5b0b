"""What a query can fail with, each with the code that clients see."""

from __future__ import annotations


class QueryError(Exception):
    """The base: its message is written for the client's developer."""

    code = "INTERNAL_SERVER_ERROR"


class BadUserInputError(QueryError):
    """An argument that cannot be."""

    code = "BAD_USER_INPUT"


class AnswerTooLargeError(QueryError):
    """The answer would have more fields than one answer may: lists within lists multiply."""

    code = "ANSWER_TOO_LARGE"

    def __init__(self) -> None:
        super().__init__("The answer would be too large: ask for shorter lists, or for fewer lists within lists.")


class UnauthenticatedError(QueryError):
    """A token is needed, or the one that came is not known."""

    code = "UNAUTHENTICATED"


class ForbiddenError(QueryError):
    """The token lacks a scope."""

    code = "FORBIDDEN"


class CursorExpiredError(QueryError):
    """What a cursor goes on with is no longer kept: begin anew."""

    code = "CURSOR_EXPIRED"
