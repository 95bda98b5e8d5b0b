"""GraphQL request, independent of its transport."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import orjson

from gateway.execution.persisted.ids import compute_id


@dataclass(frozen=True)
class GraphQLRequest:
    """One GraphQL request. What is computed from it, is computed once: equal requests may share the object.

    Attributes:
        query: the document's text, or None if it is identified by an id or a hash only.
        document_id: id of a document that the server knows.
    """

    query: str | None = None
    variables: Mapping[str, Any] = field(default_factory=dict)
    operation_name: str | None = None
    extensions: Mapping[str, Any] = field(default_factory=dict)
    document_id: str | None = None

    @cached_property
    def text_id(self) -> str:
        """The id of the document's text."""
        return compute_id(self.query or "")

    @cached_property
    def variables_key(self) -> str | None:
        """The variables as a key for caches, as `encode_variables` encodes them."""
        return encode_variables(self.variables)

    @cached_property
    def operation_key(self) -> str | None:
        """The operation and its variables as a key for caches of one document; None as `encode_variables`."""
        return None if self.variables_key is None else f"{self.operation_name!r} {self.variables_key}"


def encode_variables(variables: Mapping[str, Any]) -> str | None:
    """Encode variables as a key for caches: equal ones are equal. None: they contain what JSON cannot."""
    if not variables:
        return ""
    try:
        return orjson.dumps(variables, option=orjson.OPT_SORT_KEYS).decode()
    except TypeError:  # an integer of more than 64 bits
        return None
