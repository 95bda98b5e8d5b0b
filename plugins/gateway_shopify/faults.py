"""What Shopify says when it fails, as the errors of the SDK. Of its own text nothing is passed on but names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from gateway.sdk import AuthError, ChannelError, ContractError, RateLimitedError, UnavailableError
from gateway_shopify.answers import figure, mapping

SCOPES = {
    "ordercreate": "write_orders",
    "ordercancel": "write_orders",
    "fulfillmentordermove": "write_merchant_managed_fulfillment_orders",
    "fulfillmentcreate": "write_merchant_managed_fulfillment_orders",
    "fulfillmentorder": "read_merchant_managed_fulfillment_orders",
    "inventoryadjust": "write_inventory",
    "inventoryset": "write_inventory",
    "product": "read_products",
    "inventory": "read_inventory",
    "location": "read_locations",
    "customermerge": "read_customer_merge",
    "customer": "read_customers",
    "order": "read_orders",
    "return": "read_returns",
}
"""The access scopes that are asked for, by the beginning of what needs them."""

_CODE = re.compile(r"[A-Za-z_]{1,60}")
_SCOPE = re.compile(r"`?\b((?:read|write)_[a-z_]+)\b`?")


def of_status(status: int, shop: str) -> ChannelError | None:
    """The error that a status says, which is no answer to a question."""
    if status == 402:
        return UnavailableError(f"{shop} is frozen: its bill is unpaid (402)")
    if status == 404:
        return ContractError(f"there is no shop {shop}, or it no longer has this version of the API (404)")
    if status == 423:
        return UnavailableError(f"{shop} is locked (423)")
    if status == 430:
        return RateLimitedError(f"{shop} takes the gateway for an attack (430); ask less")
    return ContractError(f"{shop} does not understand the question (status {status})") if status >= 400 else None


def of_errors(errors: object, cost: Mapping[str, Any], doing: str) -> ChannelError:
    """The error that the first of an answer's `errors` is."""
    first = mapping(errors[0] if isinstance(errors, list) and errors else None)
    code, path = mapping(first.get("extensions")).get("code"), first.get("path")
    where = str(path[0]) if isinstance(path, list) and path else doing
    return of_code(str(code or ""), str(first.get("message") or ""), where, cost, doing)


def of_code(code: str, message: str, path: str, cost: Mapping[str, Any], doing: str) -> ChannelError:
    """What can be done about an error with this code."""
    if code == "THROTTLED" or message == "Throttled":
        return RateLimitedError(f"the shop's cost bucket is empty ({doing})", restored_after(cost))
    if code == "ACCESS_DENIED":
        scope = scope_of(message, path)
        return AuthError(f"the app may not do {doing}: give it the access scope {scope}, and install it again")
    if code == "SHOP_INACTIVE":
        return UnavailableError("the shop is closed or frozen")
    if code in ("INTERNAL_SERVER_ERROR", "TIMEOUT"):
        return UnavailableError(f"Shopify failed inside ({doing})")
    if code == "MAX_COST_EXCEEDED":
        return ContractError(f"{doing} costs more than the shop allows for one query")
    named = code if _CODE.fullmatch(code) else "no code that is known"
    return ContractError(f"Shopify does not understand {doing} ({named})")


def restored_after(cost: Mapping[str, Any]) -> timedelta | None:
    """How long the bucket takes to hold what was asked; None where the answer does not say."""
    wanted, (left, rate, _) = figure(cost.get("requestedQueryCost")), bucket(cost)
    if wanted is None or left is None or not rate:
        return None
    return timedelta(seconds=min(3600.0, max(0.0, (wanted - left) / rate)))


def bucket(cost: Mapping[str, Any]) -> tuple[float | None, float | None, float | None]:
    """What the bucket holds, regains each second, and holds at most."""
    status = mapping(cost.get("throttleStatus"))
    left, rate, most = (figure(status.get(one)) for one in ("currentlyAvailable", "restoreRate", "maximumAvailable"))
    return left, rate, most


def scope_of(message: str, path: str) -> str:
    """The access scope that is missing: as the message names it, else as what was asked needs it."""
    found = _SCOPE.search(message)
    needed = (scope for word, scope in SCOPES.items() if word in path.lower())
    return found[1] if found else next(needed, "that the documentation of the plugin names")
