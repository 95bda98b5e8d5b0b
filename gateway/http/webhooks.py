"""POST /webhooks/{channel}: verifies and stores a delivery before the response, and handles it later (rule S2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from starlette.requests import Request
from starlette.responses import Response

from gateway.http.errors import OverloadedError, RequestError
from gateway.http.request_parsing import read_body
from gateway.sdk.errors import ChannelError, ForgedError, StaleError

MAX_BODY_BYTES = 5_000_000
"""Bytes of a delivery."""

LARGE_BODY_BYTES, MAX_LARGE_BODIES = 250_000, 20
"""Bytes from which on a delivery is large, and how many large ones are read at once. No token is needed to send one."""


class WebhookReceiver(Protocol):
    """The part of a running gateway that receives deliveries."""

    def has_webhooks(self, channel: str) -> bool:
        """Whether this channel has webhooks."""
        ...

    async def receive_webhook(self, channel: str, headers: Mapping[str, str], body: bytes) -> None:
        """Verify and store a delivery."""
        ...


class WebhookEndpoint:
    """Receives deliveries. The status tells the sender whether the delivery is stored, and nothing else."""

    def __init__(self, receiver: WebhookReceiver) -> None:
        self._receiver = receiver
        self._large = 0

    async def receive_delivery(self, request: Request) -> Response:
        """Respond with status 200 if the delivery is stored, now or by an earlier request."""
        channel = request.path_params["channel"]
        if not self._receiver.has_webhooks(channel):
            return Response(status_code=404)
        try:
            body = await self._read_body(request)
            await self._receiver.receive_webhook(channel, _join_headers(request), body)
        except RequestError as error:
            return Response(status_code=error.code.status, headers=error.headers)
        except StaleError:
            return Response(status_code=409)
        except ForgedError:
            return Response(status_code=401)
        except ChannelError:  # the plugin could not verify the delivery; the sender retries
            return Response(status_code=503, headers={"retry-after": "10"})
        return Response(status_code=200)

    async def _read_body(self, request: Request) -> bytes:
        large = _is_large(request)
        if large and self._large >= MAX_LARGE_BODIES:
            raise OverloadedError
        self._large += large
        try:
            return await read_body(request.receive, MAX_BODY_BYTES)
        finally:
            self._large -= large


def _is_large(request: Request) -> bool:
    """Whether the body is large, or may be because the request does not declare its length."""
    length = request.headers.get("content-length", "")
    return not length.isdigit() or int(length) > LARGE_BODY_BYTES


def _join_headers(request: Request) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name, value in request.headers.items():
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers
