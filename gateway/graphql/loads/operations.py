"""What an operator looks at."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.execution.context import Context
from gateway.storage import channels as stored
from gateway.storage.channels import SyncReject


async def rejects(context: Context, ids: Sequence[str]) -> Sequence[SyncReject | None]:
    found = await context.database.read(stored.rejects_by_id, ids)
    return [found.get(key) for key in ids]
