"""What the merchant offers: told by patches, which are taken at once and applied later, whatever was sold meanwhile."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway_amazon.sandbox.account import Account, Shape
from gateway_amazon.sandbox.refusals import invalid

PATH = "/attributes/fulfillment_availability"
CODE = "DEFAULT"


@dataclass(slots=True)
class Offers:
    """The merchant's quantities of one account.

    Attributes:
        lag: after so many seconds a patch is applied.
        issue: the code of what is found wrong with the next patches once they are looked at; None: nothing.
    """

    account: Account
    lag: float = 0.0
    issue: str | None = None
    _submissions: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def patched(self, sku: str, body: Shape) -> Shape:
        """Take a patch, if it is one."""
        problem = _problem(body) or (None if self.account.has("listings", sku) else "the SKU is not known")
        answer = {"sku": sku, "submissionId": f"submission-{next(self._submissions)}"}
        if problem is not None:
            return {**answer, "status": "INVALID", "issues": [_issue("90000900", problem)]}
        patch = body["patches"][0]
        self.account.later(self.lag, lambda: self._apply(sku, patch))
        return {**answer, "status": "ACCEPTED", "issues": []}

    def set(self, sku: str, quantity: int) -> None:
        """Offer so many. Who keeps them is not asked: Amazon's own become the merchant's. Its date of change stays."""
        listing = self.account.one("listings", sku)
        listing["fulfillmentAvailability"] = [{"fulfillmentChannelCode": CODE, "quantity": quantity}]
        filed = listing["attributes"].setdefault("fulfillment_availability", [{"fulfillment_channel_code": CODE}])
        filed[0] |= {"fulfillment_channel_code": CODE, "quantity": quantity}
        self.account.put("listings", sku, listing)

    def _apply(self, sku: str, patch: Mapping[str, Any]) -> None:
        if not self.account.has("listings", sku):
            return
        listing = self.account.one("listings", sku)
        if self.issue is not None:
            listing["issues"] = [_issue(self.issue, "the quantity is not taken")]
            self.account.put("listings", sku, listing)
            return
        listing.pop("issues", None)
        if patch["op"] != "merge":  # all else that was filed there is lost
            listing["attributes"].pop("fulfillment_availability", None)
        self.account.put("listings", sku, listing)
        self.set(sku, patch["value"][0]["quantity"])


def _problem(body: Shape) -> str | None:
    if not isinstance(body, dict) or not body.get("productType") or not body.get("patches"):
        raise invalid("productType and patches are needed")
    (patch, *more) = body["patches"]
    values = patch.get("value") or [{}]
    quantity = values[0].get("quantity")
    if more or patch.get("path") != PATH or patch.get("op") not in ("merge", "replace"):
        return "only the availability can be changed here"
    if values[0].get("fulfillment_channel_code") != CODE or len(values) > 1:
        return "the fulfillment channel is none of the merchant's"
    return None if isinstance(quantity, int) and quantity >= 0 else "the quantity is no number of listings"


def _issue(code: str, message: str) -> Shape:
    return {
        "code": code,
        "message": message,
        "severity": "ERROR",
        "attributeNames": ["fulfillment_availability"],
        "categories": ["INVALID_ATTRIBUTE"],
    }
