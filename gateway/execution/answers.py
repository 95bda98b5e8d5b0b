"""Running a document, and what a client is told: every error has a code, and no error says what only we should know."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from graphql import ExecutionResult, Executor, GraphQLError, GraphQLSchema, OperationType, execute, get_operation_ast

from gateway.execution.caller import SEES_SCHEMA
from gateway.execution.codes import Code
from gateway.execution.context import Context
from gateway.execution.documents import Prepared
from gateway.execution.errors import AnswerTooLargeError, OperationUnknownError, QueryError

log = logging.getLogger(__name__)

LONGEST_MESSAGE = 500
"""Messages of the GraphQL library quote what a client sent, however long it is."""


FAILED = 100
"""How many plain fields cost as much as one that fails."""

LINE = 100
"""How many characters of a text are counted like a field."""


class BoundedExecutor(Executor[None]):
    """Counts what is answered: fields, those of introspection too, long texts, and errors."""

    def execute_fields(
        self, parent_type: Any, source_value: Any, path: Any, grouped_field_set: Any, position_context: None
    ) -> Any:
        self.context_value.spend(len(grouped_field_set))
        return super().execute_fields(parent_type, source_value, path, grouped_field_set, position_context)

    def complete_leaf_value(self, return_type: Any, result: Any) -> Any:  # type: ignore[override]
        found = Executor.complete_leaf_value(return_type, result)
        if isinstance(found, str) and len(found) >= LINE:
            self.context_value.spend(len(found) // LINE)
        return found

    def handle_field_error(self, raw_error: Exception, return_type: Any, field_details_list: Any, path: Any) -> None:
        self.context_value.spend(FAILED)
        super().handle_field_error(raw_error, return_type, field_details_list, path)


class NotingExecutor(BoundedExecutor):
    """Notes what the answer contains, besides: for caches."""

    def execute_fields(
        self, parent_type: Any, source_value: Any, path: Any, grouped_field_set: Any, position_context: None
    ) -> Any:
        names = [details[0].node.name.value for details in grouped_field_set.values()]
        self.context_value.keeping.see(parent_type, names, source_value)
        return super().execute_fields(parent_type, source_value, path, grouped_field_set, position_context)


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent.

    Attributes:
        refused: why the operation was not begun, and there is no data.
        draft_status: the HTTP status of a refusal by the newest draft, where the code alone does not say it.
    """

    body: dict[str, Any]
    refused: Code | None = None
    draft_status: int | None = None


def refusal(error: QueryError, request_id: str) -> Answer:
    """An answer with one error."""
    extensions = {"code": error.code.name, "requestId": request_id}
    return Answer(
        {"errors": [{"message": _shortened(str(error)), "extensions": extensions}]}, error.code, error.draft_status
    )


def operation_type(prepared: Prepared, name: str | None) -> OperationType | None:
    """Of the operation that is to run; None where it cannot be told which."""
    if prepared.document is None:
        return None
    found = get_operation_ast(prepared.document, name)
    return None if found is None else found.operation


async def run(
    schema: GraphQLSchema, prepared: Prepared, context: Context, variables: Mapping[str, Any], name: str | None
) -> Answer:
    """Run the operation with this name, or the only one."""
    if prepared.document is None or prepared.errors:
        errors = [coded(error, context.request_id, prepared.code) for error in prepared.errors]
        return Answer({"errors": errors}, prepared.code)
    if get_operation_ast(prepared.document, name) is None:
        return refusal(OperationUnknownError(_which(name)), context.request_id)
    running = execute(
        schema,
        prepared.document,
        context_value=context,
        variable_values=dict(variables),
        operation_name=name,
        executor_class=NotingExecutor if context.by_get else BoundedExecutor,
        hide_suggestions=not (context.gateway.settings.server.is_open or context.caller.may(SEES_SCHEMA)),
    )
    result = await running if inspect.isawaitable(running) else running
    if context.is_spent:
        return refusal(AnswerTooLargeError(), context.request_id)
    return answered(result, context.request_id)


def _which(name: str | None) -> str:
    if name is None:
        return "The document has several operations, or none: operationName tells which one to run."
    return f"The document has no operation named {name!r}."


def answered(result: ExecutionResult, request_id: str) -> Answer:
    """The answer to an operation."""
    errors = [coded(error, request_id) for error in result.errors or ()]
    if result.data is None and all(error.path is None for error in result.errors or ()):
        return Answer({"errors": errors}, Code.BAD_USER_INPUT)
    return Answer({"data": result.data, **({"errors": errors} if errors else {})})


def coded(error: GraphQLError, request_id: str, code: Code | None = None) -> dict[str, Any]:
    """An error as a client sees it."""
    known = code or _code(error)
    message = error.message
    if known is None:
        message = "Something went wrong here. The request id tells us what."
        log.error("request %s failed at %s", request_id, error.path, exc_info=error.original_error or error)
    found = known or Code.INTERNAL_SERVER_ERROR
    extensions = {"code": found.name, "requestId": request_id}
    return {"message": _shortened(message), **_place(error), "extensions": extensions}


def _shortened(message: str) -> str:
    return message if len(message) <= LONGEST_MESSAGE else message[: LONGEST_MESSAGE - 1] + "…"


def _place(error: GraphQLError) -> dict[str, Any]:
    place: dict[str, Any] = {}
    if error.locations:
        place["locations"] = [{"line": one.line, "column": one.column} for one in error.locations]
    if error.path is not None:
        place["path"] = error.path
    return place


def _code(error: GraphQLError) -> Code | None:
    """The code of an error whose text is for clients; None for all others."""
    cause = error.original_error
    if isinstance(cause, QueryError):
        return cause.code
    if cause is not None and not isinstance(cause, GraphQLError):
        return None
    if error.path is None:  # the variables could not be read
        return Code.BAD_USER_INPUT
    return Code.BAD_USER_INPUT if cause is not None and cause.nodes else None  # an argument has a place in the document
