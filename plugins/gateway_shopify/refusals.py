"""What Shopify refuses: the errors of a mutation's payload. Of their text nothing is passed on but names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway.sdk import OutcomeUnknownError, Refused
from gateway_shopify.answers import mapping


@dataclass(frozen=True, slots=True)
class Refusal:
    """The first thing that is wrong with a mutation. `field`: the path to it in the input."""

    code: str
    field: str

    def outcome(self, doing: str) -> Refused:
        """It, as the answer to a command."""
        about = f", because of {self.field}" if self.field else ""
        return Refused(code=self.code, message=f"the shop refuses to {doing}{about}")


def payload_of(data: Mapping[str, Any], field: str, errors: str = "userErrors") -> Mapping[str, Any] | Refusal:
    """What a mutation has given, or why it did nothing."""
    payload = data.get(field)
    if not isinstance(payload, dict) or not isinstance(payload.get(errors), list):
        raise OutcomeUnknownError(f"{field} answered without a payload")
    return _refusal(mapping(payload[errors][0])) if payload[errors] else payload


def _refusal(error: Mapping[str, Any]) -> Refusal:
    path = error.get("field")
    named = ".".join(map(str, path)) if isinstance(path, list) else ""
    code = re.sub(r"\W+", "_", str(error.get("code") or "INVALID"))
    return Refusal(code[:60], re.sub(r"[^\w.]+", " ", named)[:100])
