"""GraphiQL, the query page that a browser gets at /graphql, with its files. `make playground` builds them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from gateway.http.compression import IDENTITY, compress
from gateway.http.responses import choose_encoding, join_header

FOLDER = Path(__file__).with_name("generated")

MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".ttf": "font/ttf",
    ".txt": "text/plain; charset=utf-8",
}

DEFAULT_QUERY = """\
query Products {
  products(first: 5) {
    nodes { title priceRange { min { amount currencyCode } } availableForSale }
    sources { channel { key } state asOf }
  }
}
"""

POLICY = (  # the editor writes styles into the page as it measures and colors the text
    "default-src 'none'; connect-src 'self'; script-src 'self'; worker-src 'self'; style-src 'self' 'unsafe-inline'; "
    "font-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
SAFE = {"content-security-policy": POLICY, "referrer-policy": "no-referrer", "x-content-type-options": "nosniff"}
PAGE_HEADERS = {**SAFE, "cache-control": "no-store", "vary": "Accept"}
FILE_HEADERS = {**SAFE, "cache-control": "public, max-age=31536000, immutable", "vary": "Accept-Encoding"}
"""The name of a file contains a hash of its content."""


class Playground:
    """The page and its files.

    Args:
        queries: documents that the page shows in tabs.
    """

    def __init__(self, queries: Sequence[str]) -> None:
        self._names = {path.name for path in FOLDER.iterdir() if path.suffix in MEDIA_TYPES}
        self._page = _render_page(queries or (DEFAULT_QUERY,))
        self._bodies: dict[tuple[str, str], bytes] = {}

    def respond(self) -> Response:
        """Respond with the page."""
        return HTMLResponse(self._page, headers=PAGE_HEADERS)

    async def serve_file(self, request: Request) -> Response:
        """Respond with a file of the page, or with status 404."""
        name = request.path_params["name"]
        if name not in self._names:
            raise HTTPException(404)
        encoding = choose_encoding(join_header(request, "accept-encoding"))
        headers = {**FILE_HEADERS, "content-type": MEDIA_TYPES[Path(name).suffix]}
        if encoding != IDENTITY:
            headers["content-encoding"] = encoding
        return Response(await self._load(name, encoding), headers=headers)

    async def _load(self, name: str, encoding: str) -> bytes:
        if (name, encoding) not in self._bodies:
            content = await asyncio.to_thread((FOLDER / name).read_bytes)
            self._bodies[name, encoding] = await compress(content, encoding)
        return self._bodies[name, encoding]


def _render_page(queries: Sequence[str]) -> str:
    """Write the tabs into the page as data, in which no text can end the element."""
    tabs = orjson.dumps([{"query": query} for query in queries]).decode().replace("<", "\\u003c")
    return (FOLDER / "index.html").read_text(encoding="utf-8").replace("{tabs}", tabs)
