"""Loaders of the variant that a product page shows, and of the variants that differ from it in one option."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Annotated

from gateway.execution.context import Context
from gateway.execution.errors import BadUserInputError
from gateway.graphql.arguments import ChannelKey, declare_argument
from gateway.graphql.inputs import SelectedOptionInput
from gateway.graphql.loaders.stock import get_counted_locations, get_selling_channel, list_selling_locations
from gateway.model.catalog import OptionValue, Variant
from gateway.storage.reads import catalog, stock_levels

MAX_SELECTED_OPTIONS = 20
MAX_ADJACENT_VARIANTS = 20

Options = frozenset[tuple[str, str]]

Choices = Annotated[
    list[SelectedOptionInput] | None,
    declare_argument(
        "The selected options, one value per option. Unknown options match nothing.", max_items=MAX_SELECTED_OPTIONS
    ),
]


async def load_all_variants(context: Context, ids: Sequence[str]) -> Sequence[Sequence[Variant]]:
    """Load all variants of each product, in order."""
    variants = await context.read(catalog.find_variants_of_products, ids, context.visibility)
    return [variants[id_] for id_ in ids]


async def load_sellable_ids(context: Context, ids: Sequence[str], *, channel_key: str) -> Sequence[Collection[str]]:
    """Load for each product the IDs of the variants that the channel can sell now."""
    locations = get_counted_locations(context, list_selling_locations(context, channel_key))
    channel = get_selling_channel(context, channel_key)
    sellable_ids = await context.read(stock_levels.find_sellable_variants, ids, channel, locations)
    return [sellable_ids.get(id_, frozenset()) for id_ in ids]


async def load_selected_or_first_variants(
    context: Context, ids: Sequence[str], *, selected_options: Choices = None, channel_key: ChannelKey = None
) -> Sequence[Variant | None]:
    selection, channel = _parse_selection(selected_options), context.resolve_channel(channel_key)
    variants_by_product = await context.load_all(load_all_variants, ids)
    sellable_by_product = await context.load_all(load_sellable_ids, ids, channel_key=channel)
    return [
        _select_variant(variants, selection, sellable_ids)
        for variants, sellable_ids in zip(variants_by_product, sellable_by_product, strict=True)
    ]


async def load_first_available_variants(
    context: Context, values: Sequence[OptionValue], *, channel_key: ChannelKey = None
) -> Sequence[Variant | None]:
    channel, ids = context.resolve_channel(channel_key), [value.product_id for value in values]
    variants_by_product = await context.load_all(load_all_variants, ids)
    sellable_by_product = await context.load_all(load_sellable_ids, ids, channel_key=channel)
    return list(map(_find_available, values, variants_by_product, sellable_by_product))


async def load_adjacent_variants(
    context: Context, ids: Sequence[str], *, selected_options: Choices = None, channel_key: ChannelKey = None
) -> Sequence[Sequence[Variant]]:
    selected = await load_selected_or_first_variants(
        context, ids, selected_options=selected_options, channel_key=channel_key
    )
    variants_by_product = await context.load_all(load_all_variants, ids)
    return [_find_adjacent(variant, variants) for variant, variants in zip(selected, variants_by_product, strict=True)]


def _find_available(value: OptionValue, variants: Sequence[Variant], sellable_ids: Collection[str]) -> Variant | None:
    option = (value.option, value.name)
    return next(
        (variant for variant in variants if variant.id in sellable_ids and option in _get_options(variant)), None
    )


def _parse_selection(selected_options: Sequence[SelectedOptionInput] | None) -> Options:
    options = selected_options or ()
    if len({option.name for option in options}) < len(options):
        raise BadUserInputError("selectedOptions must contain each option at most once.")
    return frozenset((option.name, option.value) for option in options)


def _select_variant(variants: Sequence[Variant], selection: Options, sellable_ids: Collection[str]) -> Variant | None:
    """Select a variant with all selected options, whether it can be sold or not; of several, a sellable one."""
    matching = [variant for variant in variants if selection and selection <= _get_options(variant)]
    for candidates in (matching, variants):
        sellable = next((variant for variant in candidates if variant.id in sellable_ids), None)
        if sellable is not None or candidates:
            return sellable or candidates[0]
    return None


def _find_adjacent(selected: Variant | None, variants: Sequence[Variant]) -> Sequence[Variant]:
    if selected is None:
        return ()
    options = _get_options(selected)
    adjacent = [
        variant for variant in variants if variant.id != selected.id and _is_adjacent(options, _get_options(variant))
    ]
    return adjacent[:MAX_ADJACENT_VARIANTS]


def _get_options(variant: Variant) -> Options:
    return frozenset((option.name, option.value) for option in variant.selected_options)


def _is_adjacent(options: Options, others: Options) -> bool:
    """Return whether two variants have the same options and differ in one value."""
    same_names = {name for name, _ in options} == {name for name, _ in others}
    return same_names and len(options - others) == 1
