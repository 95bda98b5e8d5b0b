"""Executes documents and builds responses. Every error has a code, and no error reveals internal details."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Sequence
from typing import Any

from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLError,
    GraphQLSchema,
    OperationType,
    execute,
    get_operation_ast,
)

from gateway.execution.bounded_executor import BoundedExecutor, CacheTrackingExecutor
from gateway.execution.compiler.compiled_operation import execute_compiled, execute_compiled_mutation
from gateway.execution.compiler.plan import DocumentPlans
from gateway.execution.context import Context
from gateway.execution.document_cache import PreparedDocument
from gateway.execution.error_codes import Code
from gateway.execution.errors import AnswerTooLargeError, OperationNotFoundError, QueryError, TooManyAttemptsError
from gateway.execution.request import GraphQLRequest
from gateway.execution.response import GraphQLResponse

_log = logging.getLogger(__name__)

MAX_MESSAGE_LENGTH = 500
"""Messages of the GraphQL library quote input of the client, of any length."""

SUGGESTION = " Did you mean "
"""How suggestions begin in messages of the GraphQL library."""


def build_error_response(error: QueryError, request_id: str) -> GraphQLResponse:
    """Build a response that is one error."""
    extensions = {"code": error.code.name, "requestId": request_id}
    return GraphQLResponse(
        {"errors": [{"message": _truncate(str(error)), "extensions": extensions}]}, error.code, error.draft_status
    )


def get_operation_type(prepared: PreparedDocument, name: str | None) -> OperationType | None:
    """Return the type of the operation that is to be executed, or None if the document has no such operation."""
    if prepared.document is None:
        return None
    operation = get_operation_ast(prepared.document, name)
    return None if operation is None else operation.operation


async def execute_operation(
    schema: GraphQLSchema, prepared: PreparedDocument, context: Context, request: GraphQLRequest
) -> GraphQLResponse:
    """Execute the operation that the request names, or the only one of the document.

    Raises:
        StorageUnavailableError: the database could not be used for one of its fields.
    """
    name = request.operation_name
    if prepared.document is None or prepared.errors:
        return _build_validation_response(prepared, context)
    operation = get_operation_ast(prepared.document, name)
    if operation is None:
        return build_error_response(OperationNotFoundError(_describe_missing(name)), context.request_id)
    context.schema = schema
    if prepared.plans is not None and prepared.plans.count_execution():
        execute_plan = execute_compiled if operation.operation is OperationType.QUERY else execute_compiled_mutation
        compiled = await execute_plan(schema, prepared.document, prepared.plans, context, request)
        if compiled is not None:
            return compiled
    result = await execute_by_reference(schema, prepared.document, context, request)
    if context.storage_error is not None:
        raise context.storage_error
    if context.plan_error is not None and result.errors is None and prepared.plans is not None:
        _stop_compiling(prepared.plans, context.plan_error)
    if context.denials:
        await _record_denials(context)
    if context.is_exhausted:
        return build_error_response(AnswerTooLargeError(), context.request_id)
    response = build_response(result, context.request_id)
    _hide_suggestions(response.body.get("errors", ()), context)
    return response


def _stop_compiling(plans: DocumentPlans, error: Exception) -> None:
    """Leave the document to the reference executor: it has met no error where the compiled function has."""
    if not plans.is_disabled:
        _log.error("a compiled document failed, and is not compiled any more", exc_info=error)
    plans.is_disabled = True


async def execute_by_reference(
    schema: GraphQLSchema, document: DocumentNode, context: Context, request: GraphQLRequest
) -> ExecutionResult:
    if context.is_exhausted:
        return ExecutionResult(None, None)
    running = execute(
        schema,
        document,
        context_value=context,
        variable_values=dict(request.variables),
        operation_name=request.operation_name,
        executor_class=CacheTrackingExecutor if context.by_get else BoundedExecutor,
        hide_suggestions=not context.may_see_schema,
    )
    return await running if inspect.isawaitable(running) else running


def _build_validation_response(prepared: PreparedDocument, context: Context) -> GraphQLResponse:
    errors = [format_error(error, context.request_id, prepared.code) for error in prepared.errors]
    _hide_suggestions(errors, context)
    return GraphQLResponse({"errors": errors}, prepared.code)


def _hide_suggestions(errors: Sequence[dict[str, Any]], context: Context) -> None:
    """Cut off suggestions: the GraphQL library does not leave all of them out."""
    if not context.may_see_schema:
        for error in errors:
            error["message"] = error["message"].partition(SUGGESTION)[0]


async def _record_denials(context: Context) -> None:
    """Record mutations that were denied for lack of a scope or token; those of clients that anyone can be are counted
    only.
    """
    if not context.caller.is_trusted:
        for action, code in context.denials:
            context.count_refusal(action, code)
    else:
        await context.gateway.record_denials(context.caller.actor, context.denials, context.request_id)


def _describe_missing(name: str | None) -> str:
    if name is None:
        return "The document does not have exactly one operation. Select one with operationName."
    return f"The document has no operation named {name!r}."


def build_response(result: ExecutionResult, request_id: str) -> GraphQLResponse:
    """Build the response from the result of an operation."""
    errors = [format_error(error, request_id) for error in result.errors or ()]
    if result.data is None and all(error.path is None for error in result.errors or ()):
        return GraphQLResponse({"errors": errors}, Code.BAD_USER_INPUT)
    return GraphQLResponse({"data": result.data, **({"errors": errors} if errors else {})})


def format_error(error: GraphQLError, request_id: str, code: Code | None = None) -> dict[str, Any]:
    """Format an error for the client."""
    public_code = code or _get_code(error)
    message = error.message
    if public_code is None:
        message = "Internal error. Report the request id to find it in the log."
        _log.error("request %s failed at %s", request_id, error.path, exc_info=error.original_error or error)
    shown_code = public_code or Code.INTERNAL_SERVER_ERROR
    extensions = {"code": shown_code.name, "requestId": request_id, **_format_wait(error.original_error)}
    return {"message": _truncate(message), **_format_location(error), "extensions": extensions}


def _format_wait(cause: Exception | None) -> dict[str, Any]:
    return {"retryAfterSeconds": cause.retry_after} if isinstance(cause, TooManyAttemptsError) else {}


def _truncate(message: str) -> str:
    return message if len(message) <= MAX_MESSAGE_LENGTH else message[: MAX_MESSAGE_LENGTH - 1] + "…"


def _format_location(error: GraphQLError) -> dict[str, Any]:
    location: dict[str, Any] = {}
    if error.locations:
        location["locations"] = [{"line": item.line, "column": item.column} for item in error.locations]
    if error.path is not None:
        location["path"] = error.path
    return location


def _get_code(error: GraphQLError) -> Code | None:
    """Return the code of an error whose message is for clients, else None."""
    cause = error.original_error
    if isinstance(cause, QueryError):
        return cause.code
    if cause is not None and not isinstance(cause, GraphQLError):
        return None
    if error.path is None:  # the variables are invalid
        return Code.BAD_USER_INPUT
    return (
        Code.BAD_USER_INPUT if cause is not None and cause.nodes else None
    )  # an argument has a location in the document
