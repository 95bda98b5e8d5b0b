"""User errors of mutations. Their texts are not passed on, only codes and fields."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway.sdk import OutcomeUnknownError, Refused
from gateway_shopify.graphql_values import convert_object


@dataclass(frozen=True, slots=True)
class UserError:
    """The first user error of a mutation. `field`: path in the input."""

    code: str
    field: str

    def to_refused(self, doing: str) -> Refused:
        """Build the outcome of a command. `doing`: the refused action, such as "cancel the order"."""
        about = f", because of {self.field}" if self.field else ""
        return Refused(code=self.code, message=f"the shop refuses to {doing}{about}")


def get_payload(data: Mapping[str, Any], field: str, errors: str = "userErrors") -> Mapping[str, Any] | UserError:
    """Return the payload of a mutation, or its first user error."""
    payload = data.get(field)
    if not isinstance(payload, dict) or not isinstance(payload.get(errors), list):
        raise OutcomeUnknownError(f"the response of {field} has no payload")
    return _map_user_error(convert_object(payload[errors][0])) if payload[errors] else payload


def _map_user_error(error: Mapping[str, Any]) -> UserError:
    path = error.get("field")
    named = ".".join(map(str, path)) if isinstance(path, list) else ""
    code = re.sub(r"\W+", "_", str(error.get("code") or "INVALID"))
    return UserError(code[:60], re.sub(r"[^\w.]+", " ", named)[:100])
