"""The demo's page: three files, and a proxy to the gateway with the staff token."""

from __future__ import annotations

from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import Route

from examples.demo.proxy import forward_request

FILES = {"/page.js": "page.js", "/page.css": "page.css"}
FOLDER = Path(__file__).with_name("page")
STAFF = {"authorization": "Bearer demo-staff", "content-type": "application/json"}
FRESH = {"cache-control": "no-store"}


def create_page_routes(gateway: str) -> list[Route]:
    """Create the routes of the page."""

    async def forward_query(request: Request) -> Response:
        return await forward_request(request, f"{gateway}/graphql", STAFF)

    index = (FOLDER / "index.html").read_text(encoding="utf-8").replace("{gateway}", gateway)

    async def page(_: Request) -> Response:
        return HTMLResponse(index, headers=FRESH)

    files = [_create_file_route(path, name) for path, name in FILES.items()]
    return [Route("/", page, methods=["GET"]), *files, Route("/graphql", forward_query, methods=["POST"])]


def _create_file_route(path: str, name: str) -> Route:
    async def serve_file(_: Request) -> FileResponse:
        return FileResponse(FOLDER / name, headers=FRESH)

    return Route(path, serve_file, methods=["GET"])
