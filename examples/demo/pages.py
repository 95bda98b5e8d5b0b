"""The page that shows it: three files, and a way to the gateway, which answers other pages only where they live."""

from __future__ import annotations

import asyncio
import urllib.error
import urllib.request
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import Route

FILES = {"/page.js": "page.js", "/page.css": "page.css"}
FOLDER = Path(__file__).with_name("page")
TOKEN = "demo-staff"
PATIENCE = 10.0
FRESH = {"cache-control": "no-store"}


def page_routes(gateway: str) -> list[Route]:
    """What a browser asks for."""

    async def graphql(request: Request) -> Response:
        return await asyncio.to_thread(passed_on, f"{gateway}/graphql", await request.body())

    index = (FOLDER / "index.html").read_text(encoding="utf-8").replace("{gateway}", gateway)

    async def page(_: Request) -> Response:
        return HTMLResponse(index, headers=FRESH)

    files = [_file(path, name) for path, name in FILES.items()]
    return [Route("/", page, methods=["GET"]), *files, Route("/graphql", graphql, methods=["POST"])]


def _file(path: str, name: str) -> Route:
    async def file(_: Request) -> FileResponse:
        return FileResponse(FOLDER / name, headers=FRESH)

    return Route(path, file, methods=["GET"])


def passed_on(address: str, body: bytes) -> Response:
    """The gateway's answer, as staff get it."""
    headers = {"content-type": "application/json", "authorization": f"Bearer {TOKEN}"}
    request = urllib.request.Request(address, body, headers)
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return Response(answer.read(), answer.status, media_type="application/json")
    except urllib.error.HTTPError as error:
        return Response(error.read(), error.code, media_type="application/json")
    except OSError:
        return Response(
            b'{"errors": [{"message": "The gateway does not answer."}]}', 502, media_type="application/json"
        )
