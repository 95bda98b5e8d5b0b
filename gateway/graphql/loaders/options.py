"""Loaders of how options and their values are shown: as the configuration declares, else as their channel has it."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.execution.context import Context
from gateway.graphql.arguments import LocaleArgument
from gateway.model.attributes.definitions import DeclaredValue, Labels, Swatch, select_shown_label

OptionKey = tuple[str, Labels]
"""Name of an option, and its display names in the channel."""

ValueKey = tuple[str, str, Labels]
"""Name of an option, value, and the display names of the value in the channel."""


async def load_option_labels(
    context: Context, options: Sequence[OptionKey], *, locale: LocaleArgument = None
) -> Sequence[str]:
    """Load the display names of options."""
    declared = context.gateway.options
    return [
        select_shown_label(declared[name].labels if name in declared else {}, labels, locale, name)
        for name, labels in options
    ]


async def load_option_value_labels(
    context: Context, values: Sequence[ValueKey], *, locale: LocaleArgument = None
) -> Sequence[str]:
    """Load the display names of option values."""
    return [
        select_shown_label(_get_declared(context, option, value).labels, labels, locale, value)
        for option, value, labels in values
    ]


async def load_option_swatches(
    context: Context, values: Sequence[tuple[str, str, Swatch | None]]
) -> Sequence[Swatch | None]:
    """Load how option values look."""
    return [_get_declared(context, option, value).swatch or swatch for option, value, swatch in values]


def _get_declared(context: Context, option: str, value: str) -> DeclaredValue:
    definition = context.gateway.options.get(option)
    return _UNDECLARED if definition is None else definition.values.get(value, _UNDECLARED)


_UNDECLARED = DeclaredValue()
