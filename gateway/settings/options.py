"""The tables `[options.NAME]` of the configuration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import StringConstraints

from gateway.model.attributes.definitions import AttributeDefinition, AttributeType
from gateway.settings.attributes import AttributeKey, AttributeValueTable, Labels
from gateway.settings.table import Table

OptionName = Annotated[str, StringConstraints(min_length=1, max_length=255)]


class OptionTable(Table):
    """`[options.NAME]`: how an option of products and its values are shown, such as `[options.Color]`."""

    labels: Labels = {}  # display names by language, the default first; default: as the channel names it
    attribute: AttributeKey | None = None  # whose labels and values apply where the option has none of its own
    values: dict[str, AttributeValueTable] = {}  # how values are shown


def build_options(
    tables: Mapping[str, OptionTable], attributes: Mapping[str, AttributeDefinition]
) -> dict[str, AttributeDefinition]:
    """Build how options are shown: as attributes of their name. `attributes`: of the same configuration."""
    return {name: _build_option(name, table, attributes) for name, table in tables.items()}


def _build_option(name: str, table: OptionTable, attributes: Mapping[str, AttributeDefinition]) -> AttributeDefinition:
    model = None if table.attribute is None else attributes.get(table.attribute)
    values = {value: entry.build_value() for value, entry in table.values.items()}
    return AttributeDefinition(
        key=name,
        type=AttributeType.TEXT,
        labels=table.labels or ({} if model is None else model.labels),
        values=values if model is None else {**model.values, **values},
    )
