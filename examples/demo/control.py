"""The control server: sells, changes records and injects faults in the sandboxes, over HTTP."""

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
from starlette.routing import BaseRoute, Route

from examples.demo.customer_page import create_customer_routes
from examples.demo.login import create_login_route, describe_login
from examples.demo.pages import create_page_routes
from examples.demo.pictures import create_picture_route
from examples.demo.storefront import create_storefront_routes
from examples.storefront.manifest import compute_ids, load_documents
from gateway.sdk.testing.sandbox import Sandbox, SandboxError, UnsupportedFaultError

Body = dict[str, Any]
Action = Callable[[Sandbox, Body], Awaitable[Body]]
MAX_BODY_BYTES = 10_000
MAX_PRICE = Decimal(1_000_000)


@dataclass(frozen=True, slots=True)
class ControlContext:
    """The sandboxes and their configuration.

    Attributes:
        external_locations: external location ids by location key, by channel.
        gateway: the gateway's URL.
        port: the port of the control server.
        on_change: called after each change of a sandbox that saves its data at the end.
    """

    sandboxes: Mapping[str, Sandbox]
    external_locations: Mapping[str, Mapping[str, str]]
    summary: Mapping[str, Any]
    gateway: str
    port: int
    on_change: Callable[[], None]


def create_control_app(outside: ControlContext) -> Starlette:
    """Create the control server's application."""

    async def get_world(_: Request) -> JSONResponse:
        return JSONResponse(dict(outside.summary))

    routes: list[BaseRoute] = [Route("/world", get_world, methods=["GET"]), create_picture_route()]
    routes += [*create_page_routes(outside.gateway), create_login_route(outside.port)]
    routes += create_customer_routes(outside.gateway)
    login = describe_login(outside.port)
    routes += create_storefront_routes(outside.gateway, compute_ids(load_documents()), login)
    actions: dict[str, Action] = {
        "sell": lambda sandbox, body: sell(sandbox, body, _get_external_locations(outside, sandbox)),
        "price": set_price,
        "product": update_product,
        "fault": inject_fault,
    }
    for name, action in actions.items():
        routes.append(Route(f"/world/{{channel}}/{name}", _create_endpoint(outside, action), methods=["POST"]))
    return Starlette(routes=routes)


def _get_external_locations(outside: ControlContext, sandbox: Sandbox) -> Mapping[str, str]:
    return next(outside.external_locations[key] for key, one in outside.sandboxes.items() if one is sandbox)


def _create_endpoint(outside: ControlContext, action: Action) -> Callable[[Request], Awaitable[JSONResponse]]:
    """Create the endpoint of an action: it finds the channel, parses the body, and returns errors as one line."""

    async def handle(request: Request) -> JSONResponse:
        channel = request.path_params["channel"]
        if (sandbox := outside.sandboxes.get(channel)) is None:
            known = ", ".join(outside.sandboxes)
            return JSONResponse({"error": f"there is no channel {channel}; expected one of {known}"}, 404)
        try:
            done = await action(sandbox, await parse_body(request))
            if channel != "till":
                outside.on_change()
            return JSONResponse(done)
        except UnsupportedFaultError as error:
            return JSONResponse({"error": str(error)}, 409)
        except SandboxError as error:
            return JSONResponse({"error": str(error)}, 400)

    return handle


async def parse_body(request: Request) -> Body:
    """Parse the request's JSON object."""
    raw = bytearray()
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > MAX_BODY_BYTES:
            raise SandboxError(f"body: more than {MAX_BODY_BYTES} bytes")
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise SandboxError("body: expected a JSON object") from error
    if not isinstance(body, dict):
        raise SandboxError("body: expected a JSON object")
    return body


async def sell(sandbox: Sandbox, body: Body, external_locations: Mapping[str, str]) -> Body:
    """``{sku, quantity, location, seconds_ago}``: sell a product, now or in the past."""
    _check_fields(body, "sku", "quantity", "location", "seconds_ago")
    location, quantity = _get_text(body, "location"), body.get("quantity", 1)
    if isinstance(quantity, bool) or not isinstance(quantity, int) or not 1 <= quantity <= 1_000_000:
        raise SandboxError("quantity: expected a whole number from 1 to 1000000")
    if location not in external_locations:
        raise SandboxError(f"location: expected one of {', '.join(external_locations)}")
    at = datetime.now(UTC) - timedelta(seconds=_get_seconds_ago(body))
    return {"order": await sandbox.sell(_get_text(body, "sku"), quantity, external_locations[location], at=at)}


def _get_seconds_ago(body: Body) -> int:
    ago = body.get("seconds_ago", 0)
    if isinstance(ago, bool) or not isinstance(ago, int) or not 0 <= ago <= 86_400:
        raise SandboxError("seconds_ago: expected a whole number from 0 to 86400")
    return ago


async def set_price(sandbox: Sandbox, body: Body) -> Body:
    """``{sku, amount}``: change a price."""
    _check_fields(body, "sku", "amount")
    given = body.get("amount")
    try:
        amount = Decimal(str(given)) if isinstance(given, str | int | float) and given is not True else Decimal("NaN")
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or not 0 <= amount <= MAX_PRICE or amount != round(amount, 2):
        raise SandboxError("amount: expected an amount such as 2.55")
    await sandbox.price(_get_text(body, "sku"), amount)
    return {"sku": body["sku"], "amount": str(amount)}


async def update_product(sandbox: Sandbox, body: Body) -> Body:
    """``{sku, title}`` or ``{sku, deleted: true}``: rename or delete a product."""
    _check_fields(body, "sku", "title", "deleted")
    deleted = body.get("deleted", False)
    if not isinstance(deleted, bool):
        raise SandboxError("deleted: expected true or false")
    title = _get_text(body, "title") if "title" in body else None
    await sandbox.product(_get_text(body, "sku"), title=title, deleted=deleted)
    return {"sku": body["sku"], **({"deleted": True} if deleted else {"title": title})}


async def inject_fault(sandbox: Sandbox, body: Body) -> Body:
    """``{mode, seconds}``: inject a fault, for some seconds or until the next change."""
    _check_fields(body, "mode", "seconds")
    seconds = body.get("seconds")
    if seconds is not None and (
        isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 < seconds <= 86_400
    ):
        raise SandboxError("seconds: expected a number above 0, at most 86400")
    mode = _get_text(body, "mode")
    await sandbox.fault(mode, seconds)
    return {"mode": mode, "seconds": seconds}


def _check_fields(body: Body, *names: str) -> None:
    if unknown := sorted(set(body) - set(names)):
        raise SandboxError(f"{unknown[0][:100]}: unknown; expected {', '.join(names)}")


def _get_text(body: Body, name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value.strip() or len(value) > 255 or not value.isprintable():
        raise SandboxError(f"{name}: expected a text of 1 to 255 characters")
    return value


class ControlServer(uvicorn.Server):
    """A server in the demo's event loop, without signal handlers."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def create_control_server(outside: ControlContext) -> ControlServer:
    """Create the control server."""
    config = uvicorn.Config(
        create_control_app(outside), host="127.0.0.1", port=outside.port, log_level="warning", lifespan="off"
    )
    return ControlServer(config)
