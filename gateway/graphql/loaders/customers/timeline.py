"""Loaders of the timeline of customers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import strawberry

from gateway.execution.context import Context
from gateway.graphql.arguments import After, Before, First, Last, declare_argument
from gateway.graphql.connections import Connection, Paging, load_pages
from gateway.graphql.cursors import compute_fingerprint
from gateway.graphql.loaders.carts import load_carts
from gateway.graphql.loaders.customers.loyalty import load_loyalty_entries
from gateway.graphql.loaders.customers.ownership import find_own_id
from gateway.graphql.loaders.orders import load_orders, map_location_keys
from gateway.model.customers.timeline import Interaction, InteractionKind
from gateway.storage.reads.customers import timeline

_SUBJECT_LOADERS = {
    InteractionKind.ORDER: load_orders,
    InteractionKind.PICKUP: load_orders,
    InteractionKind.CART: load_carts,
    InteractionKind.LOYALTY: load_loyalty_entries,
}


async def load_timelines(
    context: Context,
    ids: Sequence[str],
    *,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
    channel_key: Annotated[
        str | None, strawberry.argument(description="Key of a channel. Default: all channels.")
    ] = None,
    kinds: Annotated[
        list[InteractionKind] | None, declare_argument("Returns what is of any of these kinds.", max_items=20)
    ] = None,
) -> Sequence[Connection[Interaction]]:
    paging = Paging(first, after, last, before)
    fingerprint = compute_fingerprint("Customer.timeline", channel_key, kinds)
    is_own = context.identity_id is not None
    visible = None if is_own else context.visibility.channels
    channels = visible if channel_key is None else (context.require_channel(channel_key),)
    rows = timeline.list_timelines(ids, kinds or (), channels, map_location_keys(context), proved=is_own)
    pages = await load_pages(context, rows, ids, paging, fingerprint)
    if is_own:  # a shopper loads nothing but the own timeline
        for interaction in (node for page in pages for node in page.nodes):
            context.accept_own(interaction.id)
    return pages


async def load_interactions(context: Context, ids: Sequence[str]) -> Sequence[Interaction | None]:
    """Load interactions by kind and row ID: of channels that the caller sees; of shoppers, their own public ones."""
    rows = await context.read(timeline.find_interactions, ids, map_location_keys(context))
    own_id = await find_own_id(context)
    seen = {id_: one for id_, (one, _, proved_id) in rows.items() if _can_see(context, one, proved_id == own_id)}
    if own_id is not None:
        for id_ in seen:
            context.accept_own(id_)
    return [seen.get(id_) for id_ in ids]


def _can_see(context: Context, interaction: Interaction, is_own: bool) -> bool:
    if context.identity_id is not None:
        return is_own and interaction.public
    return interaction.channel_key is None or context.can_see_channel(interaction.channel_key)


async def load_interaction_subjects(context: Context, interactions: Sequence[Interaction]) -> Sequence[Any]:
    """Load the orders and carts that interactions are about."""
    subjects: dict[Interaction, Any] = {}
    for kind, batch in _SUBJECT_LOADERS.items():
        of_kind = [one for one in interactions if one.kind is kind and one.subject_id is not None]
        loaded = await context.load_all(batch, [one.subject_id for one in of_kind])
        subjects |= dict(zip(of_kind, loaded, strict=True))
    return [subjects.get(one) for one in interactions]
