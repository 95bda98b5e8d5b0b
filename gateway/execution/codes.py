"""The codes of errors: what a client reads in `extensions.code`, and what it can do about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, unique


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a code says.

    Attributes:
        status: the HTTP status of an answer that is this error and has no data.
        text: for the client's developer.
        draft: the status that the newest draft of GraphQL over HTTP wants instead; None: the same.
        lenient: a client that takes `application/json` alone is answered with 200, as older clients expect.
        retryable: the same request can work later, unchanged.
    """

    status: int
    text: str
    draft: int | None = None
    lenient: bool = False
    retryable: bool = False


@unique
class Code(Enum):
    """Every code that there is. Its name is what clients read."""

    GRAPHQL_PARSE_FAILED = Meaning(400, "The document is not GraphQL.", lenient=True)
    GRAPHQL_VALIDATION_FAILED = Meaning(400, "The document does not fit the schema.", draft=422, lenient=True)
    OPERATION_RESOLUTION_FAILURE = Meaning(400, "It is not clear which operation is to run.", draft=422, lenient=True)
    BAD_USER_INPUT = Meaning(400, "A variable or an argument has a value that cannot be.", draft=422, lenient=True)
    INTROSPECTION_DISABLED = Meaning(400, "The schema is not told to this caller.", draft=422, lenient=True)
    MAX_DEPTH_LIMIT = Meaning(400, "The document is nested too deeply.", draft=422, lenient=True)
    MAX_HEIGHT_LIMIT = Meaning(400, "The document has too many different fields.", draft=422, lenient=True)
    MAX_ALIASES_LIMIT = Meaning(400, "The document has too many aliases.", draft=422, lenient=True)
    MAX_ROOT_FIELDS_LIMIT = Meaning(400, "The operation begins with too many fields.", draft=422, lenient=True)
    MAX_DIRECTIVES_LIMIT = Meaning(400, "The document has too many directives.", draft=422, lenient=True)
    MAX_REPETITIONS_LIMIT = Meaning(400, "The document says the same too often.", draft=422, lenient=True)
    MAX_VARIABLES_LIMIT = Meaning(400, "There are too many variables, or values in them.", draft=422, lenient=True)
    COST_ESTIMATED_TOO_EXPENSIVE = Meaning(400, "The operation would cost too much.", draft=422, lenient=True)
    DEADLINE_EXCEEDED = Meaning(400, "The query took too long.", draft=422, lenient=True, retryable=True)
    ANSWER_TOO_LARGE = Meaning(400, "The answer would have too many fields.", draft=422, lenient=True)
    CURSOR_EXPIRED = Meaning(400, "What the cursor goes on with is no longer kept.", draft=422, lenient=True)
    PERSISTED_QUERY_NOT_FOUND = Meaning(200, "No document has this id: send its text as well.", draft=404)
    PERSISTED_QUERY_NOT_SUPPORTED = Meaning(200, "Documents are not asked for in this way here: send texts.", draft=400)
    PERSISTED_QUERY_HASH_MISMATCH = Meaning(400, "The text is another one than the hash says.", draft=422)
    PERSISTED_QUERY_ID_REQUIRED = Meaning(400, "Texts are not taken: send the id of a document.", draft=422)
    QUERY_NOT_IN_SAFELIST = Meaning(403, "The text is none of those that were pushed.")
    UNAUTHENTICATED = Meaning(401, "A token is needed, or the one that came is not known.")
    FORBIDDEN = Meaning(403, "The token lacks a scope.")
    BAD_REQUEST = Meaning(400, "This is no GraphQL request.", draft=422)
    CROSS_SITE_REQUEST = Meaning(403, "A browser sends this for a page of another origin that may not ask.")
    NOT_FOUND = Meaning(404, "There is nothing at this address.")
    METHOD_NOT_ALLOWED = Meaning(405, "The method does not work here, or not for this operation.")
    NOT_ACCEPTABLE = Meaning(406, "The answer would have none of the media types that are wanted.")
    REQUEST_TIMEOUT = Meaning(408, "The body did not come in time.", retryable=True)
    BODY_TOO_LARGE = Meaning(413, "The body is too large.")
    URI_TOO_LONG = Meaning(414, "The address is too long.")
    UNSUPPORTED_MEDIA_TYPE = Meaning(415, "The body has a type or an encoding that is not read.")
    RATE_LIMITED = Meaning(429, "This client has asked for too much within a minute.", retryable=True)
    OVERLOADED = Meaning(503, "Too much is asked of the gateway at the moment.", retryable=True)
    INTERNAL_SERVER_ERROR = Meaning(500, "Something is broken here, and told to nobody but the log.", retryable=True)

    @property
    def status(self) -> int:
        return self.value.status

    @property
    def draft_status(self) -> int:
        return self.value.draft or self.value.status

    @property
    def retryable(self) -> bool:
        return self.value.retryable
