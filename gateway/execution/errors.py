"""What a query can fail with, each with the code that clients see."""

from __future__ import annotations

from gateway.execution.codes import Code


class QueryError(Exception):
    """The base: its message is written for the client's developer."""

    code = Code.INTERNAL_SERVER_ERROR

    @property
    def draft_status(self) -> int:
        """The HTTP status by the newest draft, where nothing but this is answered."""
        return self.code.draft_status


class MalformedError(QueryError):
    """This is no GraphQL request."""

    code = Code.BAD_REQUEST


class BadUserInputError(QueryError):
    """An argument that cannot be."""

    code = Code.BAD_USER_INPUT


class OperationUnknownError(QueryError):
    """It is not clear which operation of a document is to run."""

    code = Code.OPERATION_RESOLUTION_FAILURE


class AnswerTooLargeError(QueryError):
    """The answer would have more fields than one answer may: lists within lists multiply."""

    code = Code.ANSWER_TOO_LARGE

    def __init__(self) -> None:
        super().__init__("The answer would be too large: ask for shorter lists, or for fewer lists within lists.")


class DeadlineError(QueryError):
    """The query took longer than it may."""

    code = Code.DEADLINE_EXCEEDED

    def __init__(self, seconds: float) -> None:
        super().__init__(f"The query took more than {seconds:g} s: ask for less at once.")


class IntrospectionError(QueryError):
    """The schema is not told to this caller."""

    code = Code.INTROSPECTION_DISABLED

    def __init__(self) -> None:
        super().__init__("The schema is not told to strangers here: send a token with the scope schema:read.")


class UnauthenticatedError(QueryError):
    """A token is needed, or the one that came is not known."""

    code = Code.UNAUTHENTICATED


class ForbiddenError(QueryError):
    """The token lacks a scope."""

    code = Code.FORBIDDEN


class CursorExpiredError(QueryError):
    """What a cursor goes on with is no longer kept: begin anew."""

    code = Code.CURSOR_EXPIRED


class DocumentUnknownError(QueryError):
    """No document has this name. Clients look for this very message, and then send the text as well."""

    code = Code.PERSISTED_QUERY_NOT_FOUND

    def __init__(self) -> None:
        super().__init__("PersistedQueryNotFound")


class HashingUnknownError(QueryError):
    """A document is asked for in a way that is not known here. Clients look for this very message."""

    code = Code.PERSISTED_QUERY_NOT_SUPPORTED

    def __init__(self) -> None:
        super().__init__("PersistedQueryNotSupported")


class HashWrongError(QueryError):
    """A text came with the hash of another one."""

    code = Code.PERSISTED_QUERY_HASH_MISMATCH

    def __init__(self) -> None:
        super().__init__("The hash is not that of the text that came with it.")


class NameNeededError(QueryError):
    """A text was sent where documents can only be asked for by name."""

    code = Code.PERSISTED_QUERY_ID_REQUIRED

    def __init__(self) -> None:
        super().__init__("Texts are not taken here: send the id of a document that was pushed, and no query.")


class TextUnknownError(QueryError):
    """A text was sent that no shipped app holds."""

    code = Code.QUERY_NOT_IN_SAFELIST

    def __init__(self) -> None:
        super().__init__("This text was not pushed. Only those that were, to the letter, are run here.")
