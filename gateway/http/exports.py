"""GET /privacy/exports/{token}: the file of an export, decrypted, to who has the token (rule C13)."""

from __future__ import annotations

from typing import Protocol

from starlette.requests import Request
from starlette.responses import Response

HEADERS = {
    "cache-control": "no-store",
    "content-disposition": 'attachment; filename="personal-data.json"',
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


class ExportReader(Protocol):
    """The part of a running gateway that reads the files of exports."""

    async def read_export(self, token: str) -> bytes | None:
        """Return the file of a token. None: there is none, or not any more."""
        ...


class ExportEndpoint:
    """Sends the files of exports."""

    def __init__(self, reader: ExportReader) -> None:
        self._reader = reader

    async def send_file(self, request: Request) -> Response:
        """Respond with the file, or with status 404."""
        content = await self._reader.read_export(request.path_params["token"])
        if content is None:
            return Response(status_code=404, headers={"cache-control": "no-store"})
        return Response(content, media_type="application/json", headers=HEADERS)
