"""The customer page of the demo: its files, and a proxy to the gateway with the token of customer service."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from examples.demo.proxy import forward_request

FOLDER = Path(__file__).with_name("page") / "customers"
BASE_PATH = "/customers"
FILES = (
    "customers.css",
    *(
        f"{name}.js"
        for name in (
            *("customers", "customer", "search", "merge", "reviews", "requests"),
            *("page", "gateway", "documents", "wording"),
        )
    ),
)
SERVICE = {"authorization": "Bearer demo-service"}
"""Added to each query here, so that no page contains the token. The content type stays that of the client: the gateway
accepts JSON only, which a page of another origin cannot send.
"""
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
FRESH = {"cache-control": "no-store", "content-security-policy": POLICY, "x-content-type-options": "nosniff"}


def create_customer_routes(gateway: str) -> list[Route]:
    """Create the routes of the page."""

    async def forward_query(request: Request) -> Response:
        return await forward_request(request, f"{gateway}/graphql", SERVICE)

    files = [Route(f"{BASE_PATH}/{name}", _create_file_endpoint(name), methods=["GET"]) for name in FILES]
    page = Route(BASE_PATH, _create_file_endpoint("index.html"), methods=["GET"])
    return [page, *files, Route(f"{BASE_PATH}/graphql", forward_query, methods=["POST"])]


def _create_file_endpoint(name: str) -> Callable[[Request], FileResponse]:
    def serve_file(_: Request) -> FileResponse:
        return FileResponse(FOLDER / name, headers=FRESH)

    return serve_file
