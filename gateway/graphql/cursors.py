"""Cursors of one list: positions, which are valid for its sort order, filter and search only."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime
from typing import Any

from strawberry.types.unset import UNSET

from gateway.execution.context import Context, freeze
from gateway.execution.cursor_sealing import CursorSealer
from gateway.execution.errors import BadUserInputError
from gateway.execution.text_inputs import TextRule, check_text
from gateway.storage.sql.keyset import KeysetPosition

LATER_FIELDS = frozenset({"attribute_ranges", "on_sale", "min_rating", "created_since", "collection_ids"})
"""Fields that were added to filters: where they are not set, cursors of earlier versions stay valid."""

_MAX_INTEGER = 2**63 - 1
_encode_json = json.JSONEncoder(separators=(",", ":")).encode


def compute_fingerprint(*parts: Any) -> str:
    """Return a fingerprint of a list's sort order, filter and search: cursors are valid for one list only."""
    return hashlib.blake2s(repr(freeze([_drop_unset(part) for part in parts])).encode(), digest_size=9).hexdigest()


def _drop_unset(part: Any) -> Any:
    """Return an input object as the version of the gateway froze it that had none of the later fields."""
    if not is_dataclass(part):
        return part
    shown = [(field.name, getattr(part, field.name, None)) for field in fields(part)]
    return tuple(pair for pair in shown if pair[1] is not UNSET or pair[0] not in LATER_FIELDS)


@dataclass(frozen=True, slots=True)
class ListCursors:
    """Encodes and decodes the cursors of the list with this fingerprint."""

    sealer: CursorSealer
    fingerprint: str
    now: datetime

    @classmethod
    def build(cls, context: Context, fingerprint: str) -> ListCursors:
        """Build the cursors of a list that this request reads."""
        return cls(context.gateway.cursors, fingerprint, context.now)

    def encode(self, position: KeysetPosition) -> str:
        """Return the cursor of a position."""
        return self.sealer.seal(_encode_json([self.fingerprint, *position]).encode())

    def decode(self, cursor: str, *kinds: type[str] | type[int]) -> KeysetPosition:
        """Return the position that a cursor encodes; its value must be of one of the types `kinds`.

        Raises:
            BadUserInputError: the cursor is not one of this list.
        """
        decoded = self._parse(cursor)
        if not _is_position(decoded, kinds):
            raise BadUserInputError("The cursor is invalid.")
        check_text("The cursor", f"{decoded[1]}{decoded[2]}", TextRule.STORABLE)
        if decoded[0] != self.fingerprint:
            raise BadUserInputError("The cursor belongs to a list with a different sort order, filter or search.")
        return decoded[1], decoded[2]

    def _parse(self, cursor: str) -> Any:
        """Parse the text of a cursor, written in the one way in which it is encoded."""
        text = self.sealer.unseal(cursor, self.now)
        try:
            decoded = None if text is None else json.loads(text)
        except (ValueError, RecursionError):
            return None
        return decoded if decoded is not None and _encode_json(decoded).encode() == text else None


def _is_position(decoded: Any, kinds: Sequence[type[str] | type[int]]) -> bool:
    if not (isinstance(decoded, list) and len(decoded) == 3 and isinstance(decoded[2], str)):
        return False
    value = decoded[1]
    if value is not None and type(value) not in kinds:
        return False
    return not isinstance(value, int) or abs(value) <= _MAX_INTEGER
