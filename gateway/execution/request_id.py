"""The id of the request in progress, under which the log has what concerns it."""

from __future__ import annotations

from contextvars import ContextVar

_request_id: ContextVar[str | None] = ContextVar("request_id", default=None)


def bind_request_id(request_id: str) -> None:
    """Bind the id to the current task, and to tasks that it starts."""
    _request_id.set(request_id)


def get_request_id() -> str | None:
    """Return the id of the request in progress, or None outside of any."""
    return _request_id.get()
