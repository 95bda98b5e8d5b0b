"""Errors of requests, each with the code that clients read."""

from __future__ import annotations

from gateway.execution.error_codes import Code


class QueryError(Exception):
    """Base class. The message is written for developers of clients."""

    code = Code.INTERNAL_SERVER_ERROR

    @property
    def draft_status(self) -> int:
        """HTTP status in the newest draft of GraphQL over HTTP, if the response has no data."""
        return self.code.draft_status


class MalformedError(QueryError):
    """The request is not a GraphQL request."""

    code = Code.BAD_REQUEST


class BadUserInputError(QueryError):
    """An argument has an invalid value."""

    code = Code.BAD_USER_INPUT


class OperationNotFoundError(QueryError):
    """The document has several operations and none is selected, or not the selected one."""

    code = Code.OPERATION_RESOLUTION_FAILURE


class AnswerTooLargeError(QueryError):
    """The response has more fields than allowed: nested lists multiply."""

    code = Code.ANSWER_TOO_LARGE

    def __init__(self) -> None:
        super().__init__("The response would be too large. Request shorter lists, or fewer nested lists.")


class DeadlineError(QueryError):
    """The operation exceeded its deadline: a query, or a mutation that had not begun to write."""

    code = Code.DEADLINE_EXCEEDED

    def __init__(self, seconds: float, *, is_mutation: bool = False) -> None:
        super().__init__(
            f"The mutation could not begin within {seconds:g} s. It has changed nothing: retry it with the same key."
            if is_mutation
            else f"The query took more than {seconds:g} s. Request less data at once."
        )


class IntrospectionError(QueryError):
    """Introspection is disabled for this caller."""

    code = Code.INTROSPECTION_DISABLED

    def __init__(self) -> None:
        super().__init__(
            "Introspection is disabled for unauthenticated clients. Send a token with the scope schema:read."
        )


class UnauthenticatedError(QueryError):
    """A token is required, or the token is unknown."""

    code = Code.UNAUTHENTICATED


class ForbiddenError(QueryError):
    """The token lacks a scope."""

    code = Code.FORBIDDEN


class TooManyAttemptsError(QueryError):
    """The client has tried to guess something too often. `retry_after`: seconds."""

    code = Code.RATE_LIMITED

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"Too many attempts. Try again in {retry_after:,} s.")
        self.retry_after = retry_after


class CursorExpiredError(QueryError):
    """The data that a cursor refers to has expired. The client must start again without a cursor."""

    code = Code.CURSOR_EXPIRED


class DocumentNotFoundError(QueryError):
    """No document has this id. Clients match this message, and then send the text as well."""

    code = Code.PERSISTED_QUERY_NOT_FOUND

    def __init__(self) -> None:
        super().__init__("PersistedQueryNotFound")


class PersistedQueryNotSupportedError(QueryError):
    """The request uses an unsupported form of persisted queries. Clients match this message."""

    code = Code.PERSISTED_QUERY_NOT_SUPPORTED

    def __init__(self) -> None:
        super().__init__("PersistedQueryNotSupported")


class DocumentBlockedError(QueryError):
    """An operator has blocked the document."""

    code = Code.DOCUMENT_BLOCKED

    def __init__(self, reason: str | None) -> None:
        super().__init__(f"The document is blocked: {reason}" if reason else "The document is blocked.")


class DocumentRateError(QueryError):
    """The document was executed as often in this minute as its policy allows."""

    code = Code.RATE_LIMITED

    def __init__(self, most: int) -> None:
        super().__init__(f"This document may be executed {most} times in a minute. Try again in a minute.")


class HashMismatchError(QueryError):
    """The request has a text and the hash of another one."""

    code = Code.PERSISTED_QUERY_HASH_MISMATCH

    def __init__(self) -> None:
        super().__init__("The hash does not match the text that was sent with it.")


class DocumentIdRequiredError(QueryError):
    """The request has a text, but only ids of published documents are accepted."""

    code = Code.PERSISTED_QUERY_ID_REQUIRED

    def __init__(self) -> None:
        super().__init__("Texts are not accepted. Send the id of a published document, and no query.")


class NotInSafelistError(QueryError):
    """The request has a text that is not that of a published document."""

    code = Code.QUERY_NOT_IN_SAFELIST

    def __init__(self) -> None:
        super().__init__(
            "This document is not published. Only published documents are accepted, character by character."
        )
