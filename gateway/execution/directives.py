"""The contract's directives: what a field needs, costs and may hold, shown on the schema."""

from __future__ import annotations

from enum import Enum

import strawberry
from strawberry.schema_directive import Location

_PLACES = [Location.OBJECT, Location.FIELD_DEFINITION]


@strawberry.schema_directive(
    locations=_PLACES,
    name="requiresScopes",
    description="What the caller's token must allow: one of the inner lists, all scopes of it. Else null and an error.",
)
class RequiresScopes:
    scopes: list[list[str]]


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION, Location.OBJECT],
    name="cost",
    description="What each item costs, where that is not 1 for an object, 0 for a plain value, 10 for a mutation.",
)
class Cost:
    weight: int


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION],
    name="listSize",
    description="How many items a list that is no connection holds at most.",
)
class ListSize:
    assumed_size: int


@strawberry.enum(description="Who may share a cached answer.")
class CacheControlScope(Enum):
    PUBLIC = strawberry.enum_value("PUBLIC", description="Everybody.")
    PRIVATE = strawberry.enum_value("PRIVATE", description="Only the caller who got it.")


@strawberry.schema_directive(
    locations=_PLACES, name="cacheControl", description="How long an answer may be kept, in seconds, and by whom."
)
class CacheControl:
    max_age: int | None = strawberry.UNSET
    scope: CacheControlScope | None = strawberry.UNSET
