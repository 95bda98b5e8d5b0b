"""POST /webhooks/{channel}: a delivery is proved and stored before it is answered, and looked at later (rule S2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from starlette.requests import Request
from starlette.responses import Response

from gateway.http.admission import overloaded
from gateway.http.requests import RequestError, read_body
from gateway.sdk.errors import ChannelError, ForgedError, StaleError

LARGEST = 5_000_000
"""Bytes of a delivery."""

LARGE, MOST_LARGE = 250_000, 20
"""Bytes from which on a delivery is a large one, and how many of these may come at once: anybody can send them."""


class Receiver(Protocol):
    """What takes deliveries."""

    def hears(self, channel: str) -> bool: ...
    async def receive(self, channel: str, headers: Mapping[str, str], body: bytes) -> None: ...


class Webhooks:
    """Answers deliveries. Who sends one is told whether it was taken, and nothing else."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver
        self._large = 0

    async def answer(self, request: Request) -> Response:
        """200: it is stored, or was before."""
        channel = request.path_params["channel"]
        if not self._receiver.hears(channel):
            return Response(status_code=404)
        try:
            body = await self._body(request)
            await self._receiver.receive(channel, _headers(request), body)
        except RequestError as error:
            return Response(status_code=error.code.status, headers=error.headers)
        except StaleError:
            return Response(status_code=409)
        except ForgedError:
            return Response(status_code=401)
        except ChannelError:  # it could not be looked at; who sends it tries again
            return Response(status_code=503, headers={"retry-after": "10"})
        return Response(status_code=200)

    async def _body(self, request: Request) -> bytes:
        large = _is_large(request)
        if large and self._large >= MOST_LARGE:
            raise overloaded()
        self._large += large
        try:
            return await read_body(request, LARGEST)
        finally:
            self._large -= large


def _is_large(request: Request) -> bool:
    """Whether its body may turn out to be large: it is, or does not say how large it is."""
    length = request.headers.get("content-length", "")
    return not length.isdigit() or int(length) > LARGE


def _headers(request: Request) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in request.headers.items():
        found[name] = f"{found[name]}, {value}" if name in found else value
    return found
