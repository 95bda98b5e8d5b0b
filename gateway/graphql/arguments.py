"""Arguments that several fields share, with their descriptions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import strawberry

from gateway.execution.directives import DEFAULT_ITEM_WEIGHT, Cost, MaxItems
from gateway.graphql.scalars import Locale

SEARCH_COST = 100
"""Cost of a search by words."""


def list_input_directives(cost: int | None, max_items: int | None, item_cost: int) -> list[object]:
    """List the directives of an argument or an input field."""
    directives: list[object] = [] if cost is None else [Cost(weight=cost)]
    if max_items is not None:
        weight = strawberry.UNSET if item_cost == DEFAULT_ITEM_WEIGHT else item_cost
        directives.append(MaxItems(max=max_items, weight=weight))
    return directives


def declare_argument(
    description: str,
    *,
    cost: int | None = None,
    max_items: int | None = None,
    item_cost: int = 1,
    metadata: Mapping[Any, Any] | None = None,
) -> Any:
    """Declare an argument of a field.

    Args:
        cost: what a value adds to the cost of an operation.
        max_items: of a list; `item_cost`: what each item adds to the cost.
    """
    directives = list_input_directives(cost, max_items, item_cost)
    return strawberry.argument(description=description, directives=directives, metadata=metadata)


First = Annotated[
    int | None,
    strawberry.argument(description="Number of items from the start, 1 to 100. Default: 20. Not with `last`."),
]
After = Annotated[
    str | None, strawberry.argument(description="Returns items after this cursor, such as `pageInfo.endCursor`.")
]
Last = Annotated[
    int | None, strawberry.argument(description="Number of items from the end, 1 to 100. Not with `first`.")
]
Before = Annotated[
    str | None, strawberry.argument(description="Returns items before this cursor, such as `pageInfo.startCursor`.")
]
ChannelKey = Annotated[
    str | None,
    strawberry.argument(
        description="Key of the channel for which the value is computed. Default: the caller's default channel if "
        "the value depends on a channel."
    ),
]
LocationKey = Annotated[
    str | None,
    strawberry.argument(description="Key of a location. Default: all locations from which the channel sells."),
]
LocaleArgument = Annotated[
    Locale | None,
    strawberry.argument(
        description="Language, such as `de-CH`. Falls back to `de`, then to the default language of the texts."
    ),
]
