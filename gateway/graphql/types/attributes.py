"""Attributes of products and variants, and their definitions."""

from __future__ import annotations

from datetime import date as Date
from decimal import Decimal
from operator import attrgetter

from gateway.execution.caching.cache_control import DataKind
from gateway.execution.fields import attribute, compute, load
from gateway.execution.object_types import output
from gateway.graphql.arguments import LocaleArgument
from gateway.graphql.loaders.attributes import load_referenced_products
from gateway.graphql.types.lazy import LazyProduct
from gateway.graphql.types.values import Image, Money
from gateway.model.attributes import definitions
from gateway.model.attributes.definitions import AttributeType, select_label


def get_definition_label(definition: definitions.AttributeDefinition, *, locale: LocaleArgument = None) -> str:
    return select_label(definition.labels, locale, definition.key)


def get_attribute_label(attribute: definitions.Attribute, *, locale: LocaleArgument = None) -> str:
    return get_definition_label(attribute.definition, locale=locale)


def get_value_label(value: definitions.AttributeValue, *, locale: LocaleArgument = None) -> str:
    return select_label({} if value.declared is None else value.declared.labels, locale, value.value)


@output(definitions.Swatch, "How a value looks: a color, an image, or both.", data=DataKind.PART)
class Swatch:
    color: str | None = attribute("Color, such as `#1e90ff`. Null: there is none.")
    image: Image | None = attribute("Image of the color or material. Null: there is none.")


@output(
    definitions.AttributeDefinition,
    "An attribute that the configuration declares. Its key means the same in every channel.",
    data=DataKind.CATALOG,
)
class AttributeDefinition:
    key: str = attribute("Key of the attribute.")
    label: str = compute("Display name.", get_definition_label)
    type: AttributeType = attribute("Type of the values.")
    unit: str | None = attribute("Unit of the numbers. Null: they have none.")
    list: bool = attribute("Whether it may have several values.")
    facet: bool = attribute("Whether `facets` and `filter.facets` accept the key.")
    range: bool = attribute("Whether `filter.attributeRanges` accepts the key.")


@output(definitions.AttributeValue, "A value of an attribute.", data=DataKind.PART)
class AttributeValue:
    value: str = attribute("Canonical text, as in `filter.facets`. HTML is sanitized.")
    label: str = compute("Display name.", get_value_label)
    number: Decimal | None = attribute("The number. Null: another type.")
    boolean: bool | None = attribute("True or false. Null: another type.")
    date: Date | None = attribute("The date. Null: another type.")
    money: Money | None = attribute("The amount. Null: another type.")
    swatch: Swatch | None = attribute("How the value looks. Null: there is none.")
    image: Image | None = attribute("The image. Null: another type.")
    product: LazyProduct | None = load(
        "The product. Null: another type, or there is no such product any more.",
        load_referenced_products,
        key=attrgetter("reference"),
    )


@output(definitions.Attribute, "An attribute of a product or variant.", data=DataKind.PART)
class Attribute:
    key: str = attribute("Key of the attribute.")
    label: str = compute("Display name.", get_attribute_label)
    type: AttributeType = attribute("Type of the values.")
    unit: str | None = attribute("Unit of the numbers. Null: they have none.")
    values: list[AttributeValue] = attribute("The values; one, unless the attribute is a list.", size=50)
