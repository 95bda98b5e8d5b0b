"""Responses to requests that no route handles, and to failures of the gateway."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response

from gateway.execution.error_codes import Code
from gateway.execution.executor import build_error_response
from gateway.http.errors import RequestError, UnavailableError
from gateway.http.request_state import get_state
from gateway.http.responses import JSON, ResponseFormat, choose_media_type, join_header, respond

_log = logging.getLogger(__name__)


async def handle_internal_error(request: Request, error: Exception) -> Response:
    """Respond with status 500. The error is in the log, under the request id."""
    _log.error("request %s failed", get_state(request.scope).request_id, exc_info=error)
    return await _respond(
        request, Code.INTERNAL_SERVER_ERROR, "Internal error. Report the request id to find it in the log."
    )


async def handle_storage_outage(request: Request, _error: Exception) -> Response:
    """Respond with status 503. The database logs its outages, once for all requests."""
    error = UnavailableError()
    return await _respond(request, error.code, str(error), error.headers)


async def handle_not_found(request: Request, _error: Exception) -> Response:
    """Respond with status 404."""
    return await _respond(request, Code.NOT_FOUND, "Not found. Send GraphQL requests to /graphql.")


async def handle_method_not_allowed(request: Request, error: Exception) -> Response:
    """Respond with status 405 and the methods that are allowed."""
    message = "The method is not allowed for this path."
    return await _respond(request, Code.METHOD_NOT_ALLOWED, message, getattr(error, "headers", None))


async def _respond(request: Request, code: Code, message: str, headers: Mapping[str, str] | None = None) -> Response:
    """Respond in the media type that the client prefers, if the gateway has it."""
    state = get_state(request.scope)
    response = build_error_response(RequestError(code, message), state.request_id)
    response_format = ResponseFormat(choose_media_type(join_header(request, "accept")) or JSON)
    return await respond(response, response_format, {**state.headers, **(headers or {})})
