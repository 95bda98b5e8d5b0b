"""The merchant's offers: patches are accepted at once and applied later, regardless of sales in between."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway_amazon_sandbox.errors import make_invalid_input
from gateway_amazon_sandbox.state import Account, Shape

AVAILABILITY_PATH = "/attributes/fulfillment_availability"
MERCHANT_CHANNEL = "DEFAULT"
OPERATIONS = ("add", "replace", "merge", "delete")


@dataclass(slots=True)
class MerchantOffers:
    """The merchant's quantities of an account.

    Attributes:
        lag: Seconds until a patch is applied.
        issue: Error code that patches get when they are applied; None: they succeed.
    """

    account: Account
    lag: float = 0.0
    issue: str | None = None
    _submissions: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def accept_patch(self, sku: str, body: Shape, *, preview: bool = False) -> Shape:
        """Accept a patch if it is valid. A preview only validates it."""
        patches = parse_patches(body)
        problem = _find_problem(patches) or (None if self.account.has_record("listings", sku) else "the SKU is unknown")
        answer = {"sku": sku, "submissionId": f"submission-{next(self._submissions)}"}
        if problem is not None:
            return {**answer, "status": "INVALID", "issues": [_build_issue("90000900", problem)]}
        if preview:
            return {**answer, "status": "VALID", "issues": []}
        self.account.schedule(self.lag, lambda: self._apply_patch(sku, patches[0]))
        return {**answer, "status": "ACCEPTED", "issues": []}

    def set_quantity(self, sku: str, quantity: int) -> None:
        """Set the offered quantity. An FBA listing becomes merchant-fulfilled. The date of change stays."""
        listing = self.account.get_current("listings", sku)
        listing["fulfillmentAvailability"] = [{"fulfillmentChannelCode": MERCHANT_CHANNEL, "quantity": quantity}]
        filed = listing["attributes"].setdefault(
            "fulfillment_availability", [{"fulfillment_channel_code": MERCHANT_CHANNEL}]
        )
        filed[0] |= {"fulfillment_channel_code": MERCHANT_CHANNEL, "quantity": quantity}
        self.account.save("listings", sku, listing)

    def _apply_patch(self, sku: str, patch: Mapping[str, Any]) -> None:
        if not self.account.has_record("listings", sku):
            return
        listing = self.account.get_current("listings", sku)
        if self.issue is not None:
            listing["issues"] = [_build_issue(self.issue, "the quantity is not taken")]
            self.account.save("listings", sku, listing)
            return
        listing.pop("issues", None)
        if patch["op"] != "merge":  # other fields of the attribute are lost
            listing["attributes"].pop("fulfillment_availability", None)
        self.account.save("listings", sku, listing)
        self.set_quantity(sku, patch["value"][0]["quantity"])


def parse_patches(body: Shape) -> list[Shape]:
    """Return the patches of a request that is as in Amazon's model. Raises `RejectedRequestError`."""
    product_type, patches = body.get("productType"), body.get("patches")
    if not isinstance(product_type, str) or not product_type or not isinstance(patches, list) or not patches:
        raise make_invalid_input("productType and patches are required")
    for patch in patches:
        if not isinstance(patch, dict) or patch.get("op") not in OPERATIONS or not isinstance(patch.get("path"), str):
            raise make_invalid_input(f"a patch must have a path, and an op of {', '.join(OPERATIONS)}")
        values = patch.get("value", [])
        if not isinstance(values, list) or not all(isinstance(value, dict) for value in values):
            raise make_invalid_input("the value of a patch must be a list of objects")
    return patches


def _find_problem(patches: list[Shape]) -> str | None:
    """Return why patches are invalid; None if they are valid. Only the quantity can be changed here."""
    (patch, *more), values = patches, patches[0].get("value") or [{}]
    if more or patch["path"] != AVAILABILITY_PATH or patch["op"] == "delete":
        return "only the quantity in fulfillment_availability can be changed"
    if values[0].get("fulfillment_channel_code") != MERCHANT_CHANNEL or len(values) > 1:
        return "the fulfillment channel is not that of the merchant"
    quantity = values[0].get("quantity")
    is_valid = isinstance(quantity, int) and not isinstance(quantity, bool) and 0 <= quantity < 10**9
    return None if is_valid else "the quantity is not a valid number"


def _build_issue(code: str, message: str) -> Shape:
    return {
        "code": code,
        "message": message,
        "severity": "ERROR",
        "attributeNames": ["fulfillment_availability"],
        "categories": ["INVALID_ATTRIBUTE"],
    }
