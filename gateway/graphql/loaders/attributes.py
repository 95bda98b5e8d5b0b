"""Loader of attributes: the stored values with their definitions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from gateway.execution.context import Context
from gateway.graphql.arguments import declare_argument
from gateway.graphql.loaders.catalog import load_products
from gateway.model.attributes.definitions import Attribute
from gateway.model.attributes.values import read_values
from gateway.model.catalog import AttributeValues, Product
from gateway.storage.reads import catalog

AttributeKeys = Annotated[
    list[str] | None,
    declare_argument("Keys of the attributes to return. Default: all. Unknown keys are ignored.", max_items=50),
]


async def load_attributes(
    context: Context, groups: Sequence[AttributeValues], *, keys: AttributeKeys = None
) -> Sequence[list[Attribute]]:
    """Load the attributes that are declared, in the order of the configuration."""
    declared = {key: it for key, it in context.gateway.attributes.items() if keys is None or key in keys}
    return [
        [
            Attribute(definition=definition, values=read_values(definition, values[key]))
            for key, definition in declared.items()
            if key in values
        ]
        for values in map(dict, groups)
    ]


async def load_referenced_products(context: Context, references: Sequence[tuple[str, str]]) -> Sequence[Product | None]:
    """Load products by channel and ID there. None: it is gone, or the caller does not see it."""
    ids = await context.read(catalog.find_referenced_products, references)
    products = dict(zip(ids, await context.load_all(load_products, list(ids.values())), strict=True))
    return [products.get(reference) for reference in references]
