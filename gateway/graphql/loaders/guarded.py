"""Loading of single objects that not every caller may see: what is absent and what is somebody else's answer alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gateway.execution.caller import Scopes
from gateway.execution.context import Batch, Context
from gateway.execution.errors import QueryError


async def load_guarded(context: Context, batch: Batch, key: Any, scopes: Scopes) -> Any:
    """Load an object whose readers need these scopes. They are checked before anything is loaded, unless the object may
    be the caller's own.

    Raises:
        UnauthenticatedError, ForbiddenError: the caller may not see the object, or there is none.
    """
    _check_before(context, scopes)
    found = await context.load(batch, key)
    context.require_visible(scopes, found)
    return found


async def load_all_guarded(context: Context, batch: Batch, keys: Sequence[Any], scopes: Scopes) -> list[Any]:
    """Load objects as `load_guarded`. One that the caller may not see, or that cannot be loaded, is its error."""
    try:
        _check_before(context, scopes)
        found = await context.load_each(batch, keys)
    except QueryError as error:
        return [error] * len(keys)
    return [_check_visible(context, scopes, value) for value in found] if scopes else found


def _check_before(context: Context, scopes: Scopes) -> None:
    if ["self"] not in scopes or not context.has_own_objects:
        context.require(scopes)


def _check_visible(context: Context, scopes: Scopes, value: Any) -> Any:
    """Return an object, or why the caller may not see it."""
    if isinstance(value, Exception):
        return value
    try:
        context.require_visible(scopes, value)
    except QueryError as error:
        return error
    return value
