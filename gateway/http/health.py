"""Health checks: whether the process is alive, and whether it is ready for requests."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from gateway.execution.query_runtime import QueryRuntime
from gateway.storage.errors import StorageUnavailableError

PROOF_TIMEOUT = 5.0
"""Seconds in which the database must have stored a value. A load balancer does not wait longer."""

RETRY_HEADERS = {"retry-after": "1"}


async def report_liveness(_request: Request) -> Response:
    """Respond with status 200 as long as the process can respond."""
    return JSONResponse({"status": "live"})


class ReadinessCheck:
    """Reports ready after the first sync of the required channels, while the database can be written, until the process
    begins to shut down.
    """

    def __init__(self, gateway: QueryRuntime) -> None:
        self._gateway = gateway

    async def report_readiness(self, _request: Request) -> Response:
        """Respond with status 200 if the gateway is ready, else with status 503."""
        if self._gateway.is_shutting_down:
            return JSONResponse({"status": "leaving"}, 503)
        try:
            async with asyncio.timeout(PROOF_TIMEOUT):
                await self._gateway.prove_storage()
                is_ready = await self._gateway.check_ready()
        except (StorageUnavailableError, TimeoutError):
            return JSONResponse({"status": "storage unavailable"}, 503, RETRY_HEADERS)
        return JSONResponse({"status": "ready"}) if is_ready else JSONResponse({"status": "starting"}, 503)
