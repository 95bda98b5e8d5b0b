"""Error codes: `extensions.code` of an error."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, unique


@dataclass(frozen=True, slots=True)
class CodeDefinition:
    """Definition of an error code.

    Attributes:
        status: HTTP status of a response that is this error and has no data.
        text: description for developers of clients.
        draft: HTTP status in the newest draft of GraphQL over HTTP, or None if it is the same.
        lenient: whether a client that accepts `application/json` only gets status 200, as older clients expect.
        retryable: whether the same request may succeed later.
    """

    status: int
    text: str
    draft: int | None = None
    lenient: bool = False
    retryable: bool = False


@unique
class Code(Enum):
    """All error codes. Clients read the name."""

    GRAPHQL_PARSE_FAILED = CodeDefinition(400, "The document has a syntax error.", lenient=True)
    GRAPHQL_VALIDATION_FAILED = CodeDefinition(400, "The document does not match the schema.", draft=422, lenient=True)
    OPERATION_RESOLUTION_FAILURE = CodeDefinition(
        400,
        "The document has several operations and none is selected, or not the selected one.",
        draft=422,
        lenient=True,
    )
    BAD_USER_INPUT = CodeDefinition(400, "A variable or an argument has an invalid value.", draft=422, lenient=True)
    INTROSPECTION_DISABLED = CodeDefinition(400, "Introspection is disabled for this caller.", draft=422, lenient=True)
    MAX_DEPTH_LIMIT = CodeDefinition(400, "The document is nested too deeply.", draft=422, lenient=True)
    MAX_HEIGHT_LIMIT = CodeDefinition(400, "The document has too many distinct fields.", draft=422, lenient=True)
    MAX_ALIASES_LIMIT = CodeDefinition(400, "The document has too many aliases.", draft=422, lenient=True)
    MAX_ROOT_FIELDS_LIMIT = CodeDefinition(400, "The operation has too many root fields.", draft=422, lenient=True)
    MAX_DIRECTIVES_LIMIT = CodeDefinition(400, "The document has too many directives.", draft=422, lenient=True)
    MAX_REPETITIONS_LIMIT = CodeDefinition(400, "The document repeats fields too often.", draft=422, lenient=True)
    MAX_VARIABLES_LIMIT = CodeDefinition(
        400, "The request has too many variables, or values in variables.", draft=422, lenient=True
    )
    COST_ESTIMATED_TOO_EXPENSIVE = CodeDefinition(
        400, "The cost of the operation exceeds the limit.", draft=422, lenient=True
    )
    DEADLINE_EXCEEDED = CodeDefinition(
        400,
        "The query exceeded its deadline, or the mutation could not begin before it and changed nothing.",
        draft=422,
        lenient=True,
        retryable=True,
    )
    ANSWER_TOO_LARGE = CodeDefinition(400, "The response would have too many fields.", draft=422, lenient=True)
    CURSOR_EXPIRED = CodeDefinition(400, "The data that the cursor refers to has expired.", draft=422, lenient=True)
    PERSISTED_QUERY_NOT_FOUND = CodeDefinition(200, "No document has this id. Send its text as well.", draft=404)
    PERSISTED_QUERY_NOT_SUPPORTED = CodeDefinition(
        200, "This form of persisted queries is not supported. Send the text.", draft=400
    )
    PERSISTED_QUERY_HASH_MISMATCH = CodeDefinition(400, "The text does not match the hash.", draft=422)
    PERSISTED_QUERY_ID_REQUIRED = CodeDefinition(
        400, "Texts are not accepted. Send the id of a published document.", draft=422
    )
    DOCUMENT_BLOCKED = CodeDefinition(403, "An operator has blocked the document. The message has the reason.")
    QUERY_NOT_IN_SAFELIST = CodeDefinition(403, "The text is not that of a published document.")
    UNAUTHENTICATED = CodeDefinition(401, "A token is required, or the token is unknown.")
    TOKEN_EXPIRED = CodeDefinition(401, "The token has expired.")
    ISSUER_UNAVAILABLE = CodeDefinition(
        503, "The keys of the token's issuer cannot be read now, so the token cannot be verified.", retryable=True
    )
    FORBIDDEN = CodeDefinition(403, "The token lacks a scope.")
    BAD_REQUEST = CodeDefinition(400, "This is not a GraphQL request.", draft=422)
    CROSS_SITE_REQUEST = CodeDefinition(403, "A browser sends this for a page of another origin that is not allowed.")
    NOT_FOUND = CodeDefinition(404, "The path does not exist.")
    METHOD_NOT_ALLOWED = CodeDefinition(405, "The HTTP method is not allowed for this path or this operation.")
    NOT_ACCEPTABLE = CodeDefinition(406, "The client accepts none of the available media types.")
    REQUEST_TIMEOUT = CodeDefinition(408, "The body did not arrive in time.", retryable=True)
    BODY_TOO_LARGE = CodeDefinition(413, "The body is too large.")
    URI_TOO_LONG = CodeDefinition(414, "The URL is too long.")
    UNSUPPORTED_MEDIA_TYPE = CodeDefinition(415, "The media type or encoding of the body is not supported.")
    RATE_LIMITED = CodeDefinition(429, "The client exceeded its rate limit.", retryable=True)
    OVERLOADED = CodeDefinition(503, "The gateway is overloaded.", retryable=True)
    STORAGE_UNAVAILABLE = CodeDefinition(503, "The gateway's database is unavailable.", retryable=True)
    INTERNAL_SERVER_ERROR = CodeDefinition(
        500, "Internal error. The log has the details, under the request id.", retryable=True
    )

    @property
    def status(self) -> int:
        return self.value.status

    @property
    def draft_status(self) -> int:
        return self.value.draft or self.value.status

    @property
    def retryable(self) -> bool:
        return self.value.retryable
