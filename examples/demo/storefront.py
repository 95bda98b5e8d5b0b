"""The example storefront: its files, the ids of its documents, and a proxy to the gateway."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from examples.demo.proxy import forward_request
from examples.storefront import manifest

FOLDER = Path(manifest.__file__).parent
BASE_PATH = "/storefront/"
PAGES = ("", "products/{handle}", "cart", "order", "login", "account")
"""Paths of pages, which are all the same file."""

FILES = (
    "storefront.css",
    *(
        f"{name}.js"
        for name in (
            *("storefront", "page", "gateway", "dom", "format", "intents"),
            *("shops", "catalog", "collections", "product", "cart", "checkout", "order"),
            *("token", "login", "account", "points", "purchases", "consents", "privacy"),
        )
    ),
)
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
FRESH = {"cache-control": "no-store", "content-security-policy": POLICY, "x-content-type-options": "nosniff"}


def create_storefront_routes(gateway: str, ids: Mapping[str, str], login: Mapping[str, str]) -> list[Route]:
    """Create the storefront's routes. `ids`: of the pushed documents; `login`: the issuer of logins."""

    async def list_documents(_: Request) -> Response:
        return JSONResponse(dict(ids), headers=FRESH)

    async def get_login(_: Request) -> Response:
        return JSONResponse(dict(login), headers=FRESH)

    async def forward_query(request: Request) -> Response:
        return await forward_request(request, f"{gateway}/graphql")

    async def redirect(_: Request) -> Response:
        return RedirectResponse(BASE_PATH)

    served = {**dict.fromkeys(PAGES, "index.html"), **{name: name for name in FILES}}
    files = [Route(BASE_PATH + path, _create_file_endpoint(name), methods=["GET"]) for path, name in served.items()]
    asked = Route(f"{BASE_PATH}graphql", forward_query, methods=["GET", "POST"])
    described = [
        Route(f"{BASE_PATH}documents.json", list_documents),
        Route(f"{BASE_PATH}login.json", get_login),
    ]
    return [*files, *described, asked, Route(BASE_PATH.rstrip("/"), redirect)]


def _create_file_endpoint(name: str) -> Callable[[Request], FileResponse]:
    def serve_file(_: Request) -> FileResponse:
        return FileResponse(FOLDER / name, headers=FRESH)

    return serve_file
