"""Loading of single objects that not every caller may see: what is absent and what is somebody else's answer alike."""

from __future__ import annotations

from typing import Any

from gateway.execution.caller import Scopes
from gateway.execution.context import Batch, Context


async def load_guarded(context: Context, batch: Batch, key: Any, scopes: Scopes) -> Any:
    """Load an object whose readers need these scopes. They are checked before anything is loaded, unless the object may
    be the caller's own.

    Raises:
        UnauthenticatedError, ForbiddenError: the caller may not see the object, or there is none.
    """
    if ["self"] not in scopes or not context.has_own_objects:
        context.require(scopes)
    found = await context.load(batch, key)
    context.require_visible(scopes, found)
    return found
