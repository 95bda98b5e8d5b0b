"""Loader of products that are related to others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

import strawberry

from gateway.execution.context import Context
from gateway.graphql.arguments import ChannelKey
from gateway.graphql.loaders.catalog import load_products
from gateway.graphql.loaders.stock import load_available_for_sale
from gateway.model.catalog import Product, RelatedKind
from gateway.sdk.policies import RelatedCandidate, RelatedRequest
from gateway.storage.reads.merchandising import related
from gateway.storage.writes.sold_units import ALL_CHANNELS

MAX_RELATED = 12

MAX_CHECKED = 3 * MAX_RELATED
"""The best products whose stock is checked for each product."""

Kind = Annotated[RelatedKind, strawberry.argument(description="How the products are related.")]


async def load_related_products(
    context: Context, ids: Sequence[str], *, kind: Kind = RelatedKind.SIMILAR, channel_key: ChannelKey = None
) -> Sequence[Sequence[Product]]:
    """Load the products that are related to each product and that the channel can sell now."""
    channel = context.resolve_channel(channel_key)
    find = _find_similar if kind is RelatedKind.SIMILAR else _find_complementary
    candidates = await find(context, ids, channel)
    requests = [RelatedRequest(kind, id_, found) for id_, found in zip(ids, candidates, strict=True)]
    ranked = [list(dict.fromkeys(found))[:MAX_CHECKED] for found in context.gateway.related(requests)]
    shown = await _load_sellable(context, sorted({id_ for found in ranked for id_ in found}), channel)
    return [_select_shown(shown, id_, found) for id_, found in zip(ids, ranked, strict=True)]


async def _find_similar(context: Context, ids: Sequence[str], _channel: str) -> Sequence[Sequence[RelatedCandidate]]:
    found = await context.read(related.find_similar, ids)
    return [
        [
            RelatedCandidate(one.id, same_brand=one.same_brand, shared_attributes=one.shared_attributes)
            for one in found.get(id_, ())
        ]
        for id_ in ids
    ]


async def _find_complementary(
    context: Context, ids: Sequence[str], channel: str
) -> Sequence[Sequence[RelatedCandidate]]:
    """Find what is bought together: in orders of all channels only for a caller that sees all."""
    context.cache_policy.is_uncacheable = True  # the counts change without an entry of the change log
    sales = ALL_CHANNELS if context.visibility.channels is None else channel
    found = await context.read(related.find_bought_together, ids, sales)
    return [[RelatedCandidate(other, orders=orders) for other, orders in found[id_]] for id_ in ids]


async def _load_sellable(context: Context, ids: Sequence[str], channel: str) -> Mapping[str, Product]:
    """Load those of these products that the caller sees and the channel can sell, by ID."""
    sellable = await context.load_all(load_available_for_sale, ids, channel_key=channel)
    chosen = [id_ for id_, is_sellable in zip(ids, sellable, strict=True) if is_sellable]
    products = await context.load_all(load_products, chosen)
    return {id_: product for id_, product in zip(chosen, products, strict=True) if product is not None}


def _select_shown(shown: Mapping[str, Product], id_: str, found: Sequence[str]) -> list[Product]:
    products = {shown[other].id: shown[other] for other in found if other in shown and shown[other].id != id_}
    return list(products.values())[:MAX_RELATED]
