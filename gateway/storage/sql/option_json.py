"""How options and their values are shown, as JSON: display names by locale, and swatches."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from gateway.model.attributes.definitions import Swatch
from gateway.model.catalog import OptionValue, ProductOption, SelectedOption
from gateway.model.media import Image
from gateway.storage.sql.bulk import dump_json, load_json
from gateway.storage.sql.decoded_texts import decode_once
from gateway.storage.sql.media_json import describe_image

Shown = list[Any]
"""Display names of an option and of a value, each as pairs, color and image of the value, and the two names: what is
shown of other options was written by a process that knows no display names.
"""


def dump_option_texts(options: Sequence[SelectedOption], channel: str) -> str | None:
    """Encode how the options of a variant are shown, in their order; None: only by their names.

    Args:
        channel: provides the images; it may be another one than that of the other images of the product.
    """
    shown = [_describe_option(option, channel) for option in options]
    return dump_json(shown) if any(any(one[:4]) for one in shown) else None


def _describe_option(option: SelectedOption, channel: str) -> Shown:
    swatch = option.swatch or Swatch()
    image = None if swatch.image is None else {**describe_image(swatch.image), "channel_key": channel}
    labels, value_labels = ([list(it) for it in found] for found in (option.labels, option.value_labels))
    return [labels, value_labels, swatch.color, image, option.name, option.value]


def list_value_labels(texts: str | None) -> list[str]:
    """List the display names of the values of a variant."""
    return [label for _, value_labels, *_ in load_json(texts) or () for _, label in value_labels]


def load_selected_options(options: str, texts: str | None) -> tuple[SelectedOption, ...]:
    """Decode the options of a variant."""
    pairs = _load_pairs(options)
    if texts is None:
        return pairs
    by_pair = _find_shown(texts)
    return tuple(
        _read_selected(pair.name, pair.value, by_pair[pair.name, pair.value])
        if (pair.name, pair.value) in by_pair
        else pair
        for pair in pairs
    )


def _find_shown(texts: str | None) -> dict[tuple[str, str], Shown]:
    return {(name, value): shown for *shown, name, value in load_json(texts) or ()}


@decode_once
def _load_pairs(text: str) -> tuple[SelectedOption, ...]:
    return tuple(SelectedOption(name, value) for name, value in load_json(text))


def _read_selected(name: str, value: str, shown: Shown) -> SelectedOption:
    labels, value_labels, color, image = shown
    return SelectedOption(name, value, _read_labels(labels), _read_labels(value_labels), _read_swatch(color, image))


def _read_labels(pairs: Iterable[Sequence[str]]) -> tuple[tuple[str, str], ...]:
    return tuple((locale, label) for locale, label in pairs)


def _read_swatch(color: str | None, image: Mapping[str, Any] | None) -> Swatch | None:
    if color is None and image is None:
        return None
    return Swatch(color=color, image=None if image is None else Image(**image))


def merge_option_texts(leads: Iterable[tuple[str, str | None]]) -> str | None:
    """Merge how the options of the variants of a product are shown, as pairs of columns: by option and value the first
    that says so.
    """
    merged: dict[str, list[Any]] = {}
    for options, texts in leads:
        shown_by_pair = _find_shown(texts)
        for name, value in load_json(options):
            labels, value_labels, color, image = shown_by_pair.get((name, value), ((), (), None, None))
            known = merged.setdefault(name, [labels, {}])
            known[0] = known[0] or labels
            if value_labels or color or image:
                known[1].setdefault(value, [value_labels, color, image])
    shown_options = {name: known for name, known in merged.items() if any(known)}
    return dump_json(shown_options) if shown_options else None


def load_options(options: str, texts: str | None, product_id: str) -> tuple[ProductOption, ...]:
    """Decode the options of a product."""
    named = _load_named(options, product_id)
    if texts is None:
        return named
    shown: Mapping[str, Any] = load_json(texts)
    return tuple(_show_option(option, shown.get(option.name, ((), {}))) for option in named)


@decode_once
def _load_named(text: str, product_id: str) -> tuple[ProductOption, ...]:
    return tuple(_read_option(product_id, name, values) for name, values in load_json(text))


def _read_option(product_id: str, name: str, values: Sequence[str]) -> ProductOption:
    option_values = (OptionValue(product_id=product_id, option=name, name=value) for value in values)
    return ProductOption(name=name, values=tuple(option_values))


def _show_option(option: ProductOption, shown: Sequence[Any]) -> ProductOption:
    labels, values = shown
    described = tuple(_show_value(value, values.get(value.name, ((), None, None))) for value in option.values)
    return replace(option, values=described, labels=_read_labels(labels))


def _show_value(value: OptionValue, shown: Sequence[Any]) -> OptionValue:
    labels, color, image = shown
    return replace(value, labels=_read_labels(labels), swatch=_read_swatch(color, image))
