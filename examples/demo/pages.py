"""The page that shows it: three files, and a way to the gateway for them, as staff."""

from __future__ import annotations

from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import Route

from examples.demo.passing import pass_on

FILES = {"/page.js": "page.js", "/page.css": "page.css"}
FOLDER = Path(__file__).with_name("page")
STAFF = {"authorization": "Bearer demo-staff", "content-type": "application/json"}
FRESH = {"cache-control": "no-store"}


def page_routes(gateway: str) -> list[Route]:
    """What a browser asks for."""

    async def graphql(request: Request) -> Response:
        return await pass_on(request, f"{gateway}/graphql", STAFF)

    index = (FOLDER / "index.html").read_text(encoding="utf-8").replace("{gateway}", gateway)

    async def page(_: Request) -> Response:
        return HTMLResponse(index, headers=FRESH)

    files = [_file(path, name) for path, name in FILES.items()]
    return [Route("/", page, methods=["GET"]), *files, Route("/graphql", graphql, methods=["POST"])]


def _file(path: str, name: str) -> Route:
    async def file(_: Request) -> FileResponse:
        return FileResponse(FOLDER / name, headers=FRESH)

    return Route(path, file, methods=["GET"])
