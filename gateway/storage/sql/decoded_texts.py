"""Decoded texts: what a short text in a column stands for is computed once, because most pages have the same rows."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Concatenate, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")
Text = TypeVar("Text", str, str | None)

MAX_LENGTH = 1_000
"""Characters of a text whose value is cached."""

MAX_VALUES = 5_000
"""Values of each function that are cached: some 10 MB at most."""


def decode_once(decode: Callable[Concatenate[Text, P], T]) -> Callable[Concatenate[Text, P], T]:
    """Make a function of a text remember its results, which must be immutable. Its other arguments must be hashable."""
    remember = lru_cache(MAX_VALUES)(decode)

    @wraps(decode)
    def read(text: Text, /, *args: P.args, **kwargs: P.kwargs) -> T:
        is_short = text is None or len(text) <= MAX_LENGTH
        return remember(text, *args, **kwargs) if is_short else decode(text, *args, **kwargs)  # type: ignore[arg-type]

    return read
