"""Arguments that several fields take, with their descriptions."""

from __future__ import annotations

from typing import Annotated

import strawberry

First = Annotated[
    int | None, strawberry.argument(description="How many from the start: 1 to 100. Default 20. Not with `last`.")
]
After = Annotated[str | None, strawberry.argument(description="Only items after this cursor, `pageInfo.endCursor`.")]
Last = Annotated[int | None, strawberry.argument(description="How many from the end: 1 to 100. Not with `first`.")]
Before = Annotated[
    str | None, strawberry.argument(description="Only items before this cursor, `pageInfo.startCursor`.")
]
ChannelKey = Annotated[
    str | None, strawberry.argument(description="Key of the channel whose view is wanted, as in the configuration.")
]
LocationKey = Annotated[
    str | None, strawberry.argument(description="Key of one location. Without it, all that the channel sells from.")
]
