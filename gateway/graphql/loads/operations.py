"""What an operator looks at."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.execution.context import Context
from gateway.graphql.loads import catalog
from gateway.model.catalog import Variant
from gateway.model.channels import mapped_places
from gateway.storage import channels as stored
from gateway.storage import outbox
from gateway.storage import reviews as reviewing
from gateway.storage.channels import SyncReject
from gateway.storage.outbox import OutboxEntry
from gateway.storage.reviews import MatchReview


async def rejects(context: Context, ids: Sequence[str]) -> Sequence[SyncReject | None]:
    mapped = mapped_places(context.gateway.locations.values())
    found = await context.read(stored.rejects_by_id, ids, mapped)
    return [found.get(key) for key in ids]


async def reviews(context: Context, ids: Sequence[str]) -> Sequence[MatchReview | None]:
    found = await context.read(reviewing.reviews_by_id, ids)
    return [found.get(key) for key in ids]


async def entries(context: Context, keys: Sequence[str]) -> Sequence[OutboxEntry | None]:
    found = await context.read(outbox.entries_by_key, keys)
    return [found.get(key) for key in keys]


async def candidates(context: Context, keys: Sequence[tuple[str, ...]]) -> Sequence[list[Variant]]:
    """The variants that these lists of listings belong to by now, each once."""
    wanted = list(dict.fromkeys(id_ for key in keys for id_ in key))
    variants = dict(zip(wanted, await context.load_all(catalog.variants, wanted), strict=True))
    return [list({one.id: one for id_ in key if (one := variants[id_]) is not None}.values()) for key in keys]
