"""User errors of mutations."""

from __future__ import annotations

from typing import Any


def build_user_error(message: str, *field: str, code: str | None = None) -> dict[str, Any]:
    """Build a user error about a field of the input."""
    return {"code": code, "field": list(field) or None, "message": message}
