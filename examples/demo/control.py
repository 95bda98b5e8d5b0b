"""The control server: the outside world, played over HTTP. It sells, changes and breaks the sandboxes."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from examples.demo.pages import page_routes
from examples.demo.storefront import storefront_routes
from examples.storefront.manifest import ids, texts
from gateway.sdk.testing.sandbox import Sandbox, SandboxError, UnsupportedFaultError

Body = dict[str, Any]
Action = Callable[[Sandbox, Body], Awaitable[Body]]
LONGEST_BODY = 10_000
HIGHEST_PRICE = Decimal(1_000_000)


@dataclass(frozen=True, slots=True)
class Outside:
    """The channels that there are, and what the configuration calls their places.

    Attributes:
        places: location key to place, by channel.
        gateway: its address.
        changed: told of each change to a channel whose twin forgets it at its end.
    """

    sandboxes: Mapping[str, Sandbox]
    places: Mapping[str, Mapping[str, str]]
    summary: Mapping[str, Any]
    gateway: str
    changed: Callable[[], None]


def control_app(outside: Outside) -> Starlette:
    """The control server's routes."""

    async def world(_: Request) -> JSONResponse:
        return JSONResponse(dict(outside.summary))

    routes = [Route("/world", world, methods=["GET"]), *page_routes(outside.gateway)]
    routes += storefront_routes(outside.gateway, ids(texts()))
    actions: dict[str, Action] = {
        "sell": lambda sandbox, body: sell(sandbox, body, _places(outside, sandbox)),
        "price": price,
        "product": product,
        "fault": fault,
    }
    for name, action in actions.items():
        routes.append(Route(f"/world/{{channel}}/{name}", _endpoint(outside, action), methods=["POST"]))
    return Starlette(routes=routes)


def _places(outside: Outside, sandbox: Sandbox) -> Mapping[str, str]:
    return next(outside.places[key] for key, one in outside.sandboxes.items() if one is sandbox)


def _endpoint(outside: Outside, action: Action) -> Callable[[Request], Awaitable[JSONResponse]]:
    """What every action has in common: its channel, its body, and one clear line for what cannot be."""

    async def endpoint(request: Request) -> JSONResponse:
        channel = request.path_params["channel"]
        if (sandbox := outside.sandboxes.get(channel)) is None:
            known = ", ".join(outside.sandboxes)
            return JSONResponse({"error": f"there is no channel {channel}; expected one of {known}"}, 404)
        try:
            done = await action(sandbox, await body_of(request))
            if channel != "till":
                outside.changed()
            return JSONResponse(done)
        except UnsupportedFaultError as error:
            return JSONResponse({"error": str(error)}, 409)
        except SandboxError as error:
            return JSONResponse({"error": str(error)}, 400)

    return endpoint


async def body_of(request: Request) -> Body:
    """The request's JSON object."""
    raw = bytearray()
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > LONGEST_BODY:
            raise SandboxError(f"body: more than {LONGEST_BODY} bytes")
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise SandboxError("body: expected a JSON object") from error
    if not isinstance(body, dict):
        raise SandboxError("body: expected a JSON object")
    return body


async def sell(sandbox: Sandbox, body: Body, places: Mapping[str, str]) -> Body:
    """``{sku, quantity, location, seconds_ago}``: sell over the counter, now or a while ago."""
    _only(body, "sku", "quantity", "location", "seconds_ago")
    location, quantity = _text(body, "location"), body.get("quantity", 1)
    if isinstance(quantity, bool) or not isinstance(quantity, int) or not 1 <= quantity <= 1_000_000:
        raise SandboxError("quantity: expected a whole number from 1 to 1000000")
    if location not in places:
        raise SandboxError(f"location: expected one of {', '.join(places)}")
    at = datetime.now(UTC) - timedelta(seconds=_seconds_ago(body))
    return {"order": await sandbox.sell(_text(body, "sku"), quantity, places[location], at=at)}


def _seconds_ago(body: Body) -> int:
    ago = body.get("seconds_ago", 0)
    if isinstance(ago, bool) or not isinstance(ago, int) or not 0 <= ago <= 86_400:
        raise SandboxError("seconds_ago: expected a whole number from 0 to 86400")
    return ago


async def price(sandbox: Sandbox, body: Body) -> Body:
    """``{sku, amount}``: change a price."""
    _only(body, "sku", "amount")
    given = body.get("amount")
    try:
        amount = Decimal(str(given)) if isinstance(given, str | int | float) and given is not True else Decimal("NaN")
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or not 0 <= amount <= HIGHEST_PRICE or amount != round(amount, 2):
        raise SandboxError("amount: expected an amount such as 2.55")
    await sandbox.price(_text(body, "sku"), amount)
    return {"sku": body["sku"], "amount": str(amount)}


async def product(sandbox: Sandbox, body: Body) -> Body:
    """``{sku, title}`` or ``{sku, deleted: true}``."""
    _only(body, "sku", "title", "deleted")
    deleted = body.get("deleted", False)
    if not isinstance(deleted, bool):
        raise SandboxError("deleted: expected true or false")
    title = _text(body, "title") if "title" in body else None
    await sandbox.product(_text(body, "sku"), title=title, deleted=deleted)
    return {"sku": body["sku"], **({"deleted": True} if deleted else {"title": title})}


async def fault(sandbox: Sandbox, body: Body) -> Body:
    """``{mode, seconds}``: break it, for some seconds or until told otherwise."""
    _only(body, "mode", "seconds")
    seconds = body.get("seconds")
    if seconds is not None and (
        isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 < seconds <= 86_400
    ):
        raise SandboxError("seconds: expected a number above 0, at most 86400")
    mode = _text(body, "mode")
    await sandbox.fault(mode, seconds)
    return {"mode": mode, "seconds": seconds}


def _only(body: Body, *names: str) -> None:
    if unknown := sorted(set(body) - set(names)):
        raise SandboxError(f"{unknown[0][:100]}: unknown; expected {', '.join(names)}")


def _text(body: Body, name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value.strip() or len(value) > 255 or not value.isprintable():
        raise SandboxError(f"{name}: expected a text of 1 to 255 characters")
    return value


class ControlServer(uvicorn.Server):
    """A server in the demo's own loop, which leaves the signals to the demo."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def control_server(outside: Outside, port: int) -> ControlServer:
    """The control server, to be served."""
    config = uvicorn.Config(control_app(outside), host="127.0.0.1", port=port, log_level="warning", lifespan="off")
    return ControlServer(config)
