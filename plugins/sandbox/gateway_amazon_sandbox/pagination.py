"""Pages of results, and the tokens of their successors."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway_amazon_sandbox.errors import RejectedRequestError, make_invalid_input
from gateway_amazon_sandbox.state import Shape

TOKEN_LIFETIMES = {"getInventorySummaries": 30.0}
"""Seconds by operation; other tokens outlive any pass."""


@dataclass(frozen=True, slots=True)
class PageToken:
    """The position of a page.

    Attributes:
        start: Number of the results before it.
        issued_at: In seconds of the sandbox's clock.
        parameters: The query of the first page.
    """

    operation: str
    start: int
    issued_at: float
    parameters: Mapping[str, str]

    def __str__(self) -> str:
        content = json.dumps([self.operation, self.start, self.issued_at, dict(self.parameters)])
        return base64.urlsafe_b64encode(content.encode()).decode()

    @classmethod
    def parse(cls, text: str, operation: str, now: float) -> PageToken:
        """Parse a token of this operation. Raises `RejectedRequestError`."""
        match _decode(text):
            case [str() as name, int() as start, (int() | float()) as issued_at, dict() as parameters]:
                token = cls(name, start, issued_at, parameters)
            case _:
                raise make_token_error("is not valid")
        if token.operation != operation or token.start < 1:
            raise make_token_error("is not valid")
        if now - token.issued_at > TOKEN_LIFETIMES.get(operation, float("inf")):
            raise make_token_error("has expired")
        return token


def make_token_error(problem: str) -> RejectedRequestError:
    """Build the error of a page token."""
    return make_invalid_input(f"the page token {problem}")


def _decode(text: str) -> Any:
    try:
        return json.loads(base64.urlsafe_b64decode(text.encode()))
    except (ValueError, RecursionError):
        return None


def build_page(first: PageToken, items: Sequence[Shape], size: int) -> tuple[Sequence[Shape], str | None]:
    """Return the page at this position, and the token of the next one. `first.issued_at`: the current time."""
    end = first.start + size
    following = PageToken(first.operation, end, first.issued_at, first.parameters)
    return items[first.start : end], str(following) if end < len(items) else None
