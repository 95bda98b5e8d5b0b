"""Which variant a product page shows: the one that was chosen, else the first that can be had; and its neighbors."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Annotated

import strawberry

from gateway.execution.context import Context
from gateway.execution.errors import BadUserInputError
from gateway.graphql.arguments import ChannelKey
from gateway.graphql.inputs import SelectedOptionInput
from gateway.graphql.loads import stock
from gateway.model.catalog import OptionValue, Variant
from gateway.storage import catalog as stored
from gateway.storage import levels

MOST_OPTIONS = 20
MOST_ADJACENT = 20

Choices = Annotated[
    list[SelectedOptionInput] | None,
    strawberry.argument(description="What was chosen so far, one value per option. Unknown ones match nothing."),
]


async def variants(context: Context, ids: Sequence[str]) -> Sequence[Sequence[Variant]]:
    """All variants of each product, in order."""
    found = await context.read(stored.all_variants_of_products, ids, context.sees_all_products)
    return [found[key] for key in ids]


async def sellable(context: Context, ids: Sequence[str], *, channel_key: str) -> Sequence[Collection[str]]:
    """Of each product the ids of the variants that the channel can sell now."""
    places = stock.counted(context, stock.places_of(context, channel_key))
    found = await context.read(levels.sellable_variants, ids, channel_key, places)
    return [found.get(key, frozenset()) for key in ids]


async def selected_or_first(
    context: Context, ids: Sequence[str], *, selected_options: Choices = None, channel_key: ChannelKey = None
) -> Sequence[Variant | None]:
    wanted, channel = _wanted(selected_options), context.channel(channel_key)
    known = await context.load_all(variants, ids)
    on_sale = await context.load_all(sellable, ids, channel_key=channel)
    return [_chosen(some, wanted, available) for some, available in zip(known, on_sale, strict=True)]


async def first_available(
    context: Context, values: Sequence[OptionValue], *, channel_key: ChannelKey = None
) -> Sequence[Variant | None]:
    channel, ids = context.channel(channel_key), [value.product_id for value in values]
    known = await context.load_all(variants, ids)
    on_sale = await context.load_all(sellable, ids, channel_key=channel)
    return [_first_with(*found) for found in zip(values, known, on_sale, strict=True)]


async def adjacent(
    context: Context, ids: Sequence[str], *, selected_options: Choices = None, channel_key: ChannelKey = None
) -> Sequence[Sequence[Variant]]:
    chosen = await selected_or_first(context, ids, selected_options=selected_options, channel_key=channel_key)
    known = await context.load_all(variants, ids)
    return [_adjacent(one, some) for one, some in zip(chosen, known, strict=True)]


def _first_with(value: OptionValue, known: Sequence[Variant], available: Collection[str]) -> Variant | None:
    wanted = (value.option, value.name)
    return next((one for one in known if one.id in available and wanted in _options(one)), None)


def _wanted(given: Sequence[SelectedOptionInput] | None) -> frozenset[tuple[str, str]]:
    options = given or ()
    if len(options) > MOST_OPTIONS or len({one.name for one in options}) < len(options):
        raise BadUserInputError(f"selectedOptions names at most {MOST_OPTIONS} options, each once.")
    return frozenset((one.name, one.value) for one in options)


def _chosen(known: Sequence[Variant], wanted: frozenset[tuple[str, str]], available: Collection[str]) -> Variant | None:
    """One that has everything that was chosen, whether it can be had or not; of several the first that can."""
    fitting = [one for one in known if wanted and wanted <= _options(one)]
    for some in (fitting, known):
        first = next((one for one in some if one.id in available), None)
        if first is not None or some:
            return first or some[0]
    return None


def _adjacent(chosen: Variant | None, known: Sequence[Variant]) -> Sequence[Variant]:
    """The variants that differ from the chosen one in one option."""
    if chosen is None:
        return ()
    own = _options(chosen)
    found = [one for one in known if one.id != chosen.id and _differ_in_one(own, _options(one))]
    return found[:MOST_ADJACENT]


def _options(variant: Variant) -> frozenset[tuple[str, str]]:
    return frozenset((one.name, one.value) for one in variant.selected_options)


def _differ_in_one(one: frozenset[tuple[str, str]], other: frozenset[tuple[str, str]]) -> bool:
    same_options = {name for name, _ in one} == {name for name, _ in other}
    return same_options and len(one - other) == 1
