"""Schema directives of the contract: required scopes, cost, sizes of lists and caching of fields."""

from __future__ import annotations

from enum import Enum

import strawberry
from strawberry.schema_directive import Location

_LOCATIONS = [Location.OBJECT, Location.FIELD_DEFINITION]


@strawberry.schema_directive(
    locations=_LOCATIONS,
    name="requiresScopes",
    description="Scopes that the caller's token requires: all scopes of one of the inner lists. Without them "
    "the field is null, with an error.",
)
class RequiresScopes:
    scopes: list[list[str]]


@strawberry.schema_directive(
    locations=[
        Location.FIELD_DEFINITION,
        Location.OBJECT,
        Location.ARGUMENT_DEFINITION,
        Location.INPUT_FIELD_DEFINITION,
    ],
    name="cost",
    description="Cost of each item, where it differs from the default: 1 for an object, 0 for a scalar, 10 for "
    "a mutation. On an argument or an input field: what a value costs in addition.",
)
class Cost:
    weight: int


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION],
    name="listSize",
    description="Maximum size of a list that is not a connection.",
)
class ListSize:
    assumed_size: int


@strawberry.schema_directive(
    locations=[Location.INPUT_FIELD_DEFINITION, Location.ARGUMENT_DEFINITION],
    name="maxItems",
    description="Maximum number of items of an input list; with more, nothing is executed. Each item adds `weight` to "
    "the cost of the operation.",
)
class MaxItems:
    max: int
    weight: int = 1

    @property
    def item_weight(self) -> int:
        """The weight; the default if it is UNSET, so that the printed schema leaves it out."""
        return DEFAULT_ITEM_WEIGHT if self.weight is strawberry.UNSET else self.weight


DEFAULT_ITEM_WEIGHT = 1


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION],
    name="semanticNonNull",
    description="Null only with an error: a client that treats errors of fields as failures can treat the field as "
    "non-null. `levels`: the levels of lists that this applies to; by default the field itself.",
)
class SemanticNonNull:
    levels: list[int | None] | None = (0,)  # type: ignore[assignment]


@strawberry.enum(description="Which caches may store a response.")
class CacheControlScope(Enum):
    PUBLIC = strawberry.enum_value("PUBLIC", description="Everybody.")
    PRIVATE = strawberry.enum_value("PRIVATE", description="Only the private cache of the caller.")


@strawberry.schema_directive(
    locations=_LOCATIONS,
    name="cacheControl",
    description="How long caches may store a response, in seconds, and which caches.",
)
class CacheControl:
    max_age: int | None = strawberry.UNSET
    scope: CacheControlScope | None = strawberry.UNSET
