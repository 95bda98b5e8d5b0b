"""Options of a product: the names and values that its variants have, with swatches and translations."""

from __future__ import annotations

from gateway_shopify_sandbox.state import Node, Shop, build_gid, parse_number


def list_options(shop: Shop, product: Node, first: int | None = None) -> list[Node]:
    """List the options of a product, in the order of its variants."""
    values: dict[str, dict[str, None]] = {}
    for variant in product["variants"]:
        for option in variant["selectedOptions"]:
            values.setdefault(option["name"], {})[option["value"]] = None
    number = parse_number(product["id"])
    options = [_build_option(product, number, position, *item) for position, item in enumerate(values.items())]
    return options[:first]


def _build_option(product: Node, number: int, position: int, name: str, values: dict[str, None]) -> Node:
    return {
        "__typename": "ProductOption",
        "id": build_gid("ProductOption", 10 * number + position),
        "name": name,
        "labels": product["optionLabels"].get(name, {}),
        "optionValues": [_build_value(product, number, index, value) for index, value in enumerate(values)],
    }


def _build_value(product: Node, number: int, index: int, value: str) -> Node:
    return {
        "__typename": "ProductOptionValue",
        "id": build_gid("ProductOptionValue", 1000 * number + index),
        "name": value,
        "labels": product["optionLabels"].get(value, {}),
        "swatch": product["swatches"].get(value),
    }


def list_translations(shop: Shop, node: Node, locale: str) -> list[Node]:
    """List the translations of the name of an option or value."""
    label = node["labels"].get(locale)
    return [] if label is None else [{"key": "name", "value": label}]
