"""Loaders of rejected records, outbox entries and match reviews."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.execution.context import Context
from gateway.graphql.loaders.catalog import load_variants
from gateway.graphql.loaders.factories import make_list_loader
from gateway.model.catalog import Variant
from gateway.model.locations import collect_external_locations
from gateway.storage import outbox
from gateway.storage.outbox import OutboxEntry
from gateway.storage.reads import channel_status, match_reviews
from gateway.storage.reads.channel_status import SyncReject
from gateway.storage.reads.match_reviews import MatchReview


async def load_match_reviews(context: Context, ids: Sequence[str]) -> Sequence[MatchReview | None]:
    reviews = await context.read(match_reviews.find_reviews, ids, context.visibility)
    return [reviews.get(id_) for id_ in ids]


async def load_outbox_entries(context: Context, keys: Sequence[str]) -> Sequence[OutboxEntry | None]:
    """Load the entries of channels that the caller sees."""
    entries = await context.read(outbox.find_shown_entries, keys)
    return [
        entry if (entry := entries.get(key)) is not None and context.can_see_channel(entry.channel_key) else None
        for key in keys
    ]


async def load_rejects(context: Context, ids: Sequence[str]) -> Sequence[SyncReject | None]:
    mapped = collect_external_locations(context.gateway.locations.values())
    rejects = await context.read(channel_status.find_rejects, ids, mapped)
    return [
        reject if (reject := rejects.get(id_)) is not None and context.can_see_channel(reject.channel_key) else None
        for id_ in ids
    ]


async def load_match_candidates(context: Context, keys: Sequence[tuple[str, ...]]) -> Sequence[list[Variant]]:
    """Load the variants that lists of candidates stand for now; candidates that were merged are one variant."""
    variant_lists = await make_list_loader(load_variants)(context, keys)
    return [list({variant.id: variant for variant in variants}.values()) for variants in variant_lists]
