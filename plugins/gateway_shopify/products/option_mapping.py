"""Mapping of how the options of a product are shown: translations of their names and values, and swatches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from gateway.sdk import RecordWarning, SelectedOption, Swatch, json_access, read_informative
from gateway_shopify.graphql_values import Node
from gateway_shopify.products.media_mapping import map_image
from gateway_shopify.read_documents import TRANSLATIONS

Labels = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class ShownValue:
    """How a value of an option is shown."""

    labels: Labels = ()
    swatch: Swatch | None = None


@dataclass(frozen=True, slots=True)
class ShownOption:
    """How an option is shown. `values`: by the value."""

    labels: Labels = ()
    values: Mapping[str, ShownValue] = field(default_factory=lambda: MappingProxyType({}))


ShownOptions = Mapping[str, ShownOption]
_UNSHOWN, _UNSHOWN_VALUE = ShownOption(), ShownValue()


def map_options(node: Node, locales: Sequence[str]) -> tuple[ShownOptions, list[RecordWarning]]:
    """Map how the options of a product are shown, by name, with translations into these locales."""

    def map_option(option: Node) -> tuple[str, ShownOption]:
        values = dict(_map_value(value, locales) for value in json_access.get_objects(option, "optionValues"))
        return json_access.get_text(option, "name"), ShownOption(_map_labels(option, locales), values)

    pairs, warnings = read_informative(json_access.get_objects(node, "options"), map_option, "selectedOptions")
    return dict(pairs), warnings


def _map_value(value: Node, locales: Sequence[str]) -> tuple[str, ShownValue]:
    swatch = json_access.get_optional_object(value, "swatch")
    shown = ShownValue(_map_labels(value, locales), None if swatch is None else _map_swatch(swatch))
    return json_access.get_text(value, "name"), shown


def _map_swatch(swatch: Node) -> Swatch:
    medium = json_access.get_optional_object(swatch, "image")
    image = None if medium is None else json_access.get_optional_object(medium, "image")
    return Swatch(
        color=json_access.get_optional_text(swatch, "color"), image=None if image is None else map_image(image)
    )


def _map_labels(node: Node, locales: Sequence[str]) -> Labels:
    """Map the translations of a name."""
    labels = {
        locale: value
        for number, locale in enumerate(locales)
        for entry in json_access.get_objects(node, f"{TRANSLATIONS}{number}")
        if json_access.get_text(entry, "key") == "name" and (value := json_access.get_optional_text(entry, "value"))
    }
    return tuple(labels.items())


def map_selected_option(node: Node, shown: ShownOptions) -> SelectedOption:
    """Map an option that a variant has."""
    name, value = json_access.get_text(node, "name"), json_access.get_text(node, "value")
    option = shown.get(name, _UNSHOWN)
    shown_value = option.values.get(value, _UNSHOWN_VALUE)
    return SelectedOption(name, value, option.labels, shown_value.labels, shown_value.swatch)
