"""Whether the gateway lives, and whether it can be asked."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from gateway.execution.context import Gateway


async def live(_request: Request) -> Response:
    return JSONResponse({"status": "live"})


class Ready:
    """Ready once the first sync of the required channels is through, and from then on until the process is to end."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def answer(self, _request: Request) -> Response:
        if self._gateway.leaving:
            return JSONResponse({"status": "leaving"}, 503)
        if await self._gateway.ready():
            return JSONResponse({"status": "ready"})
        return JSONResponse({"status": "starting"}, 503)
