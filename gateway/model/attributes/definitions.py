"""Attributes of products and variants, as the configuration declares them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import Enum

from gateway.model.content import list_fallbacks
from gateway.model.media import Image
from gateway.model.money import Money

Labels = tuple[tuple[str, str], ...]
"""Display names, as pairs of locale and name."""


class AttributeType(Enum):
    """Type of the values of an attribute."""

    TEXT = "TEXT"
    HTML = "HTML"
    NUMBER = "NUMBER"
    BOOLEAN = "BOOLEAN"
    DATE = "DATE"
    MONEY = "MONEY"
    MEASURE = "MEASURE"
    COLOR = "COLOR"
    URL = "URL"
    IMAGE = "IMAGE"
    PRODUCT = "PRODUCT"


@dataclass(frozen=True, slots=True, kw_only=True)
class Swatch:
    """How a value looks. `color`: ``#1e90ff``; None: there is none."""

    color: str | None = None
    image: Image | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredValue:
    """How a value is shown. `labels`: by locale."""

    labels: Mapping[str, str] = field(default_factory=dict)
    swatch: Swatch | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributeDefinition:
    """An attribute that the configuration declares.

    Attributes:
        labels: Display names by locale, the default first; may be empty.
        unit: Unit of a measure; None: it is no measure.
        list: Whether it may have several values.
        facet: Whether products can be filtered by its values, and counted by them.
        range: Whether products can be filtered by a range of its numbers.
        sources: Its name in each channel that has it.
        values: How values are shown, by value.
    """

    key: str
    type: AttributeType
    labels: Mapping[str, str] = field(default_factory=dict)
    unit: str | None = None
    list: bool = False
    facet: bool = False
    range: bool = False
    sources: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, DeclaredValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributeValue:
    """A value of an attribute. `value`: its canonical text; the others are None where its type has none. `reference`: a
    product, by channel and ID in the channel.
    """

    value: str
    declared: DeclaredValue | None = None
    number: Decimal | None = None
    boolean: bool | None = None
    date: date | None = None
    money: Money | None = None
    swatch: Swatch | None = None
    image: Image | None = None
    reference: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """An attribute of a product or variant, with its values."""

    definition: AttributeDefinition
    values: tuple[AttributeValue, ...]

    @property
    def key(self) -> str:
        """Key of the attribute."""
        return self.definition.key

    @property
    def type(self) -> AttributeType:
        """Type of the values."""
        return self.definition.type

    @property
    def unit(self) -> str | None:
        """Unit of the numbers; None: they have none."""
        return self.definition.unit


def select_label(labels: Mapping[str, str], locale: str | None, default: str) -> str:
    """Select the label in a locale or what it falls back to, else the first one, else the default."""
    for fallback in () if locale is None else list_fallbacks(locale):
        if fallback in labels:
            return labels[fallback]
    return next(iter(labels.values()), default)


def select_shown_label(declared: Mapping[str, str], labels: Labels, locale: str | None, name: str) -> str:
    """Select the label in a locale or what it falls back to, as the configuration declares it or else as the channel
    has it; else the first one that is declared, else the name.
    """
    for fallback in () if locale is None else list_fallbacks(locale):
        for label in (declared.get(fallback), dict(labels).get(fallback)):
            if label is not None:
                return label
    return next(iter(declared.values()), name)
