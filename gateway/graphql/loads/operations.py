"""What an operator looks at."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.execution.context import Context
from gateway.model.channels import mapped_places
from gateway.storage import channels as stored
from gateway.storage.channels import SyncReject


async def rejects(context: Context, ids: Sequence[str]) -> Sequence[SyncReject | None]:
    mapped = mapped_places(context.gateway.locations.values())
    found = await context.database.read(stored.rejects_by_id, ids, mapped)
    return [found.get(key) for key in ids]
