"""A behavior of the engines: a document over the small schema, and its response."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Path = tuple[str | int, ...]
INTERNAL, INPUT, FORBIDDEN = "INTERNAL_SERVER_ERROR", "BAD_USER_INPUT", "FORBIDDEN"
NO_DATA = object()


@dataclass(frozen=True, slots=True)
class Behavior:
    """A document and its response.

    Attributes:
        data: of the response; NO_DATA: it has none.
        errors: code and path of each; None: of the whole response.
        values: what root fields return, instead of a thing.
        scopes: of the caller.
        guest_ids: objects that the caller knows as a guest.
        is_reference: whether the reference executor answers: by default, if there are errors.
    """

    name: str
    text: str
    data: Any
    errors: Sequence[tuple[str, Path | None]] = ()
    variables: Mapping[str, Any] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)
    scopes: tuple[str, ...] = ()
    guest_ids: frozenset[str] = frozenset()
    operation: str | None = None
    is_reference: bool | None = None

    @property
    def is_compiled(self) -> bool:
        return not (self.errors if self.is_reference is None else self.is_reference)
