"""What callers that see some channels only may do with customers (rule X1).

A customer is known over all channels. Such a caller reads the customers of its channels, and what these channels know
of them; decisions about who is one, which concern the records of all channels, are not for it.
"""

from __future__ import annotations

from collections.abc import Mapping

from gateway.execution.context import Context
from gateway.execution.errors import ForbiddenError
from gateway.model.mutation_result import UserError, UserErrorCode
from gateway.storage.reads.customers.profiles import find_customers


def can_see_all_channels(context: Context) -> bool:
    """Return whether the caller sees the records of all channels."""
    return context.visibility.channels is None


def require_all_channels(context: Context) -> None:
    """Check that the caller sees the records of all channels.

    Raises:
        ForbiddenError: it sees some channels only.
    """
    if not can_see_all_channels(context):
        raise ForbiddenError("This needs a token that sees all channels.")


async def check_customers(context: Context, ids: Mapping[str, str]) -> list[UserError]:
    """Refuse customers that the caller does not see, as unknown ones are. `ids`: by the name of the input field."""
    channels = context.visibility.channels
    if channels is None or not ids:
        return []
    seen = await context.read(find_customers, list(ids.values()), channels)
    message = "There is no customer with this ID."
    return [
        UserError(code=UserErrorCode.NOT_FOUND, field=("input", field), message=message)
        for field, id_ in ids.items()
        if id_ not in seen
    ]
