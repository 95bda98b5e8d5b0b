"""Whether the gateway lives, and whether it can be asked."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from gateway.execution.context import Gateway


async def live(_request: Request) -> Response:
    return JSONResponse({"status": "live"})


class Ready:
    """Ready once the first sync of the required channels is through, and from then on."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def answer(self, _request: Request) -> Response:
        if await self._gateway.ready():
            return JSONResponse({"status": "ready"})
        return JSONResponse({"status": "starting"}, 503)
