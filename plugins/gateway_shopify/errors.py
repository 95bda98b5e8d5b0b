"""Mapping of Shopify's errors to those of the SDK. Shopify's texts are not passed on, only names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from gateway.sdk import AuthError, ChannelError, ContractError, RateLimitedError, UnavailableError
from gateway_shopify.graphql_values import convert_number, convert_object

ACCESS_SCOPES = {
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
    "customerrequestdataerasure": "write_customer_data_erasure",
    "customer": "read_customers",
    "order": "read_orders",
    "return": "read_returns",
}
"""Access scopes by the beginning of the field that needs them."""

_CODE = re.compile(r"[A-Za-z_]{1,60}")
_SCOPE = re.compile(r"`?\b((?:read|write)_[a-z_]+)\b`?")


def map_status(status: int, shop: str) -> ChannelError | None:
    """Map an HTTP status; None if it is no error."""
    if status == 402:
        return UnavailableError(f"{shop} is frozen: its bill is unpaid (402)")
    if status == 404:
        return ContractError(f"there is no shop {shop}, or it no longer has this version of the API (404)")
    if status == 423:
        return UnavailableError(f"{shop} is locked (423)")
    if status == 430:
        return RateLimitedError(f"{shop} treats the gateway as an attacker (430); reduce the rate of requests")
    return ContractError(f"{shop} rejected the request as malformed (status {status})") if status >= 400 else None


def map_errors(errors: object, cost: Mapping[str, Any], operation: str) -> ChannelError:
    """Map the first of the `errors` of a response."""
    first = convert_object(errors[0] if isinstance(errors, list) and errors else None)
    code, path = convert_object(first.get("extensions")).get("code"), first.get("path")
    where = str(path[0]) if isinstance(path, list) and path else operation
    return map_code(str(code or ""), str(first.get("message") or ""), where, cost, operation)


def map_code(code: str, message: str, path: str, cost: Mapping[str, Any], operation: str) -> ChannelError:
    """Map an error code."""
    if code == "THROTTLED" or message == "Throttled":
        return RateLimitedError(f"the shop's cost bucket is empty ({operation})", get_retry_after(cost))
    if code == "ACCESS_DENIED":
        scope = find_scope(message, path)
        return AuthError(
            f"the app has no access to {operation}: grant the access scope {scope} and install the app again"
        )
    if code == "SHOP_INACTIVE":
        return UnavailableError("the shop is closed or frozen")
    if code in ("INTERNAL_SERVER_ERROR", "TIMEOUT"):
        return UnavailableError(f"Shopify had an internal error ({operation})")
    if code == "MAX_COST_EXCEEDED":
        return ContractError(f"{operation} costs more than the shop allows for one query")
    named = code if _CODE.fullmatch(code) else "unknown code"
    return ContractError(f"Shopify rejected {operation} as malformed ({named})")


def get_retry_after(cost: Mapping[str, Any]) -> timedelta | None:
    """Return the time until the bucket holds the requested cost; None if unknown."""
    requested, (available, rate, _) = convert_number(cost.get("requestedQueryCost")), get_bucket(cost)
    if requested is None or available is None or not rate:
        return None
    return timedelta(seconds=min(3600.0, max(0.0, (requested - available) / rate)))


def get_bucket(cost: Mapping[str, Any]) -> tuple[float | None, float | None, float | None]:
    """Return the available points, the restore rate per second and the capacity of the bucket."""
    status = convert_object(cost.get("throttleStatus"))
    available, rate, capacity = (
        convert_number(status.get(name)) for name in ("currentlyAvailable", "restoreRate", "maximumAvailable")
    )
    return available, rate, capacity


def find_scope(message: str, path: str) -> str:
    """Return the missing access scope: from the message, otherwise from the field."""
    match = _SCOPE.search(message)
    candidates = (scope for word, scope in ACCESS_SCOPES.items() if word in path.lower())
    return match[1] if match else next(candidates, "named in the documentation of the plugin")
