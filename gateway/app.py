"""The HTTP application: routes only. Opening and closing the gateway is its caller's business."""

from __future__ import annotations

from typing import Protocol

from graphql import GraphQLSchema
from starlette.applications import Starlette
from starlette.types import ASGIApp

from gateway.graphql.house import House
from gateway.graphql.schema import build
from gateway.http.addresses import Address
from gateway.http.admission import Admission
from gateway.http.auth import Tokens
from gateway.http.clients import Clients
from gateway.http.cors import Cors
from gateway.http.endpoint import HEARD, Endpoint, broken, missing, misused
from gateway.http.gate import Gate
from gateway.http.guard import Guard
from gateway.http.health import Ready, live
from gateway.http.rates import Rates, shared_storage
from gateway.http.request_ids import RequestIds
from gateway.http.webhooks import Receiver, Webhooks


class Gateway(House, Receiver, Protocol):
    """What the application needs of a running gateway."""


def create_app(gateway: Gateway, schema: GraphQLSchema | None = None) -> ASGIApp:
    """The application in front of an open gateway. `schema`: one that is built already, since that takes its time."""
    limits = gateway.settings.limits
    gate, rates = Gate(limits.crowd, limits.crowd_waits.total_seconds()), _rates(gateway)
    endpoint = Endpoint(gateway, schema or build(), Guard(gateway, gate, rates))
    app = Starlette(
        routes=[
            Address("/graphql", endpoint.answer, methods=HEARD),
            Address("/webhooks/{channel}", Webhooks(gateway).answer, methods=["POST"]),
            Address("/health/live", live, methods=["GET"]),
            Address("/health/ready", Ready(gateway).answer, methods=["GET"]),
        ],
        exception_handlers={404: missing, 405: misused, 500: broken},
    )
    app.router.redirect_slashes = False  # a redirect would go wherever the Host header says
    cors = gateway.settings.server.cors
    clients = Clients(Tokens(gateway.settings.tokens), gateway.settings.limits.trusted_proxies)
    admitting = Admission(app, clients, gate, rates)
    return RequestIds(Cors(admitting, cors) if cors.origins else admitting)  # a page may read why it was refused


def _rates(gateway: Gateway) -> Rates:
    limits = gateway.settings.limits
    shared = None if limits.redis is None else shared_storage(limits.redis.get_secret_value())
    return Rates(limits, gateway.now, shared, by_default=not gateway.settings.server.is_open)
