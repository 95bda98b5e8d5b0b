"""Resolver of the declared attributes."""

from __future__ import annotations

from typing import Annotated

import strawberry

from gateway.execution.context import Context
from gateway.model.attributes.definitions import AttributeDefinition


async def resolve_attribute_definitions(
    context: Context,
    *,
    facet: Annotated[
        bool | None, strawberry.argument(description="Returns only those by which products can be filtered, or not.")
    ] = None,
) -> list[AttributeDefinition]:
    return [it for it in context.gateway.attributes.values() if facet in (None, it.facet)]
