"""The HTTP application: routes only. Opening and closing the gateway is its caller's business."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.routing import Route

from gateway.execution.context import Gateway
from gateway.graphql.schema import build
from gateway.http.endpoint import HEARD, Endpoint, broken, missing
from gateway.http.health import Ready, live


def create_app(gateway: Gateway) -> Starlette:
    """The application in front of an open gateway."""
    app = Starlette(
        routes=[
            Route("/graphql", Endpoint(gateway, build()).answer, methods=HEARD),
            Route("/health/live", live, methods=["GET"]),
            Route("/health/ready", Ready(gateway).answer, methods=["GET"]),
        ],
        exception_handlers={404: missing, 500: broken},
    )
    app.router.redirect_slashes = False  # a redirect would go wherever the Host header says
    return app
