"""The tables `[attributes.KEY]` of the configuration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, StringConstraints, model_validator

from gateway.model.attributes.definitions import AttributeDefinition, AttributeType, DeclaredValue, Swatch
from gateway.model.attributes.values import normalize_value
from gateway.model.media import Image
from gateway.model.validation import InvalidValueError
from gateway.settings.table import Table
from gateway.settings.value_types import Key, Locale, WebUrl

RESERVED = frozenset({"brand", "category", "tag", "price", "option"})
"""Keys of other facets."""


def _check_key(value: str) -> str:
    if value in RESERVED:
        raise ValueError(f"{value} is the key of another facet")
    return value


AttributeKey = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,39}$"), AfterValidator(_check_key)]
Labels = dict[Locale, Annotated[str, StringConstraints(min_length=1, max_length=255)]]


class AttributeValueTable(Table):
    """`[attributes.KEY.values.VALUE]`: how a value is shown."""

    labels: Labels = {}
    color: Annotated[str, StringConstraints(pattern=r"^#([0-9a-f]{3}|[0-9a-f]{6})$", to_lower=True)] | None = None
    image: WebUrl | None = None

    def build_value(self) -> DeclaredValue:
        """Build the value."""
        image = None if self.image is None else Image(url=self.image)
        has_swatch = self.color is not None or image is not None
        return DeclaredValue(labels=self.labels, swatch=Swatch(color=self.color, image=image) if has_swatch else None)


class AttributeTable(Table):
    """`[attributes.KEY]`: an attribute of products and variants. What is not declared is not read."""

    type: AttributeType = AttributeType.TEXT
    labels: Labels = {}  # display names by language, the default first; default: the key
    unit: Annotated[str, StringConstraints(min_length=1, max_length=20)] | None = None  # of the type MEASURE
    list: bool = False  # whether it may have several values
    facet: bool = False  # whether products are filtered by its values, and counted by them
    range: bool = False  # whether products are filtered by a range of its numbers
    sources: dict[Key, Annotated[str, StringConstraints(min_length=1, max_length=255)]]  # its name in each channel
    values: dict[str, AttributeValueTable] = {}  # how values are shown

    @model_validator(mode="after")
    def _check_type(self) -> AttributeTable:
        is_number = self.type in (AttributeType.NUMBER, AttributeType.MEASURE)
        if (self.type is AttributeType.MEASURE) != (self.unit is not None):
            raise ValueError("unit: expected for the type MEASURE, and for no other")
        if self.range and not is_number:
            raise ValueError("range: expected the type NUMBER or MEASURE")
        if self.facet and self.type in (AttributeType.HTML, AttributeType.PRODUCT):
            raise ValueError(f"facet: expected another type than {self.type.value}")
        for value in self.values:
            self._check_value(value)
        return self

    def _check_value(self, value: str) -> None:
        """Check that a value is one of the type, in the form in which it is stored."""
        try:
            canonical = normalize_value(self.build_definition("values"), value)
        except InvalidValueError as error:
            raise ValueError(f"values.{value}: {error.reason}") from error
        if canonical != value:
            raise ValueError(f"values.{value}: expected {canonical}")

    def build_definition(self, key: str) -> AttributeDefinition:
        """Build the definition."""
        return AttributeDefinition(
            key=key,
            type=self.type,
            labels=self.labels,
            unit=self.unit,
            list=self.list,
            facet=self.facet,
            range=self.range,
            sources=self.sources,
            values={value: table.build_value() for value, table in self.values.items()},
        )


def build_definitions(tables: Mapping[str, AttributeTable]) -> dict[str, AttributeDefinition]:
    """Build the definitions of all attributes, in the order of the configuration."""
    return {key: table.build_definition(key) for key, table in tables.items()}
