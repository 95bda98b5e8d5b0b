"""The storefront beside the demo's own page: its files, the ids of its documents, its way to the gateway."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from examples.demo.passing import pass_on
from examples.storefront import manifest

FOLDER = Path(manifest.__file__).parent
AT = "/storefront/"
FILES = {
    "": "index.html",
    "storefront.js": "storefront.js",
    "gateway.js": "gateway.js",
    "storefront.css": "storefront.css",
}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
FRESH = {"cache-control": "no-store", "content-security-policy": POLICY, "x-content-type-options": "nosniff"}


def storefront_routes(gateway: str, ids: Mapping[str, str]) -> list[Route]:
    """What a shopper's browser asks for. `ids`: of the documents that were pushed."""

    async def documents(_: Request) -> Response:
        return JSONResponse(dict(ids), headers=FRESH)

    async def graphql(request: Request) -> Response:
        return await pass_on(request, f"{gateway}/graphql")

    async def slash(_: Request) -> Response:
        return RedirectResponse(AT)

    files = [Route(AT + path, _file(name), methods=["GET"]) for path, name in FILES.items()]
    asked = Route(f"{AT}graphql", graphql, methods=["GET", "POST"])
    return [*files, Route(f"{AT}documents.json", documents), asked, Route(AT.rstrip("/"), slash)]


def _file(name: str) -> Callable[[Request], FileResponse]:
    def file(_: Request) -> FileResponse:
        return FileResponse(FOLDER / name, headers=FRESH)

    return file
