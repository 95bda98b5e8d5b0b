"""The HTTP application: routes and middleware. The caller opens and closes the gateway behind it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from graphql import GraphQLSchema
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.types import ASGIApp

from gateway.execution.document_cache import DocumentCache
from gateway.execution.persisted.resolver import DocumentResolver
from gateway.graphql.runtime_protocol import MutationRuntime
from gateway.graphql.schema import create_schema
from gateway.http.admission.fair_queue import AdmissionQueue
from gateway.http.admission.middleware import Admission, AdmissionMiddleware
from gateway.http.auth import ClientIdentifier
from gateway.http.cors import CorsHeaders, CorsMiddleware
from gateway.http.error_handlers import (
    handle_internal_error,
    handle_method_not_allowed,
    handle_not_found,
    handle_storage_outage,
)
from gateway.http.exact_route import ExactRoute
from gateway.http.exports import ExportEndpoint, ExportReader
from gateway.http.graphql.endpoint import HANDLED_METHODS, GraphQLEndpoint
from gateway.http.graphql.hot_path import HotPath
from gateway.http.graphql.operation_policy import OperationPolicy
from gateway.http.graphql.playground import Playground
from gateway.http.graphql.ready_responses import ReadyResponses
from gateway.http.graphql.request_head import HeadReader
from gateway.http.health import ReadinessCheck, report_liveness
from gateway.http.host_check import HostMiddleware
from gateway.http.origins import AllowedOrigins
from gateway.http.rate_limit.limiter import RateLimiter, create_shared_storage
from gateway.http.request_state import RequestStateMiddleware
from gateway.http.webhooks import WebhookEndpoint, WebhookReceiver
from gateway.storage.errors import StorageUnavailableError


class HttpRuntime(MutationRuntime, WebhookReceiver, ExportReader, Protocol):
    """The part of a running gateway that the application needs."""


def create_app(gateway: HttpRuntime, schema: GraphQLSchema | None = None, *, has_hot_path: bool = True) -> ASGIApp:
    """Create the application for an open gateway.

    Args:
        schema: the GraphQL schema, if the caller has built it already. Building it takes about a second.
        has_hot_path: whether cached responses are sent without the framework. It changes nothing else.
    """
    limits, server = gateway.settings.limits, gateway.settings.server
    queue = AdmissionQueue(limits.queue_size, limits.queue_timeout.total_seconds())
    limiter = _create_rate_limiter(gateway)
    page = Playground(server.graphiql_queries) if server.serves_graphiql else None
    origins = AllowedOrigins.read(server)
    cors = CorsHeaders(server.cors, origins) if origins else None
    policy = OperationPolicy(gateway, queue, limiter)
    schema = schema or create_schema()
    ready = ReadyResponses(gateway, _create_resolver(gateway, schema), policy)
    endpoint = GraphQLEndpoint(gateway, schema, policy, ready, page, origins)
    admission = Admission(_create_identifier(gateway), queue, limiter)
    middleware = [  # outermost first
        Middleware(RequestStateMiddleware),  # sets the request id on every response
        # a page can read why its request is rejected
        *([Middleware(CorsMiddleware, cors, server.cors, origins)] if cors else []),
        Middleware(AdmissionMiddleware, admission),  # rejects before the body is read
        Middleware(HostMiddleware),
    ]
    app = _wrap(_create_router(gateway, endpoint, page), middleware)
    if not has_hot_path:
        return app
    heads = HeadReader(origins, cors, draft=server.draft_status_codes)
    return HotPath(app, gateway, admission, ready, heads, cors)


def _create_identifier(gateway: HttpRuntime) -> ClientIdentifier:
    return ClientIdentifier(gateway.tokens, gateway.logins, gateway.settings.limits.trusted_proxies, gateway.now)


def _create_resolver(gateway: HttpRuntime, schema: GraphQLSchema) -> DocumentResolver:
    settings = gateway.settings
    documents = DocumentCache(schema, settings.limits, suggests=settings.server.exposes_schema)
    gateway.cache_sizes.add(documents.list_sizes())
    return DocumentResolver(documents, gateway.registry, settings.documents)


def _create_router(gateway: HttpRuntime, endpoint: GraphQLEndpoint, page: Playground | None) -> Starlette:
    app = Starlette(
        routes=[
            ExactRoute("/graphql", endpoint.handle, methods=HANDLED_METHODS),
            *([ExactRoute("/graphql/{name}", page.serve_file, methods=["GET"])] if page else []),
            ExactRoute("/webhooks/{channel}", WebhookEndpoint(gateway).receive_delivery, methods=["POST"]),
            ExactRoute("/privacy/exports/{token}", ExportEndpoint(gateway).send_file, methods=["GET"]),
            ExactRoute("/health/live", report_liveness, methods=["GET"]),
            ExactRoute("/health/ready", ReadinessCheck(gateway).report_readiness, methods=["GET"]),
        ],
        exception_handlers={
            404: handle_not_found,
            405: handle_method_not_allowed,
            500: handle_internal_error,
            StorageUnavailableError: handle_storage_outage,
        },
    )
    app.router.redirect_slashes = False  # a redirect would point to whatever the Host header names
    return app


def _wrap(app: ASGIApp, middleware: Sequence[Middleware]) -> ASGIApp:
    """Wrap the application in middleware. Starlette's own list is inside its handler of status 500, ours is outside."""
    for factory, args, kwargs in reversed(middleware):
        app = factory(app, *args, **kwargs)
    return app


def _create_rate_limiter(gateway: HttpRuntime) -> RateLimiter:
    limits = gateway.settings.limits
    shared = None if limits.redis is None else create_shared_storage(limits.redis.get_secret_value())
    return RateLimiter(limits, gateway.now, shared, has_default_quota=not gateway.settings.server.exposes_schema)
