"""Identifiers: UUIDv7 for rows, and the global ids under which GraphQL shows them."""

from __future__ import annotations

import base64
import binascii
import os
import re
from dataclasses import dataclass
from datetime import datetime

_ROW_ID = re.compile(r"[0-9a-f]{32}")
_TYPE_NAME = re.compile(r"[A-Z][A-Za-z]{2,40}")
_MAX_GLOBAL_ID = 512
_FIXED = 0x7 << 76 | 0b10 << 62  # a UUID's version and variant
_FREE = ~(0xF << 76 | 0b11 << 62)


class InvalidIdError(ValueError):
    """The text is not a global id that this gateway could have given out."""


def new_id(now: datetime) -> str:
    """A UUIDv7 (RFC 9562) as 32 lower-case hex digits: ids made later sort later, to the millisecond."""
    return new_ids(now, 1)[0]


def new_ids(now: datetime, count: int) -> list[str]:
    """As many of `new_id`, for one question to the system."""
    begin, random = int(now.timestamp() * 1000) << 80, os.urandom(10 * count)
    bits = (begin | int.from_bytes(random[n : n + 10], "big") for n in range(0, 10 * count, 10))
    return [f"{some & _FREE | _FIXED:032x}" for some in bits]


def is_row_id(text: str) -> bool:
    """Whether the text has the form that `new_id` gives."""
    return _ROW_ID.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class GlobalId:
    """The id of a GraphQL node: the name of its type, and what identifies it there.

    Opaque to clients: the URL-safe base64 of ``Type:part[:part…]``.
    """

    type: str
    parts: tuple[str, ...]

    @property
    def key(self) -> str:
        """The first part: the row id, or the key from the configuration."""
        return self.parts[0]

    def __str__(self) -> str:
        text = ":".join((self.type, *self.parts))
        return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()

    @classmethod
    def parse(cls, text: str) -> GlobalId:
        """Read a global id back.

        Raises:
            InvalidIdError: the text was not made by `GlobalId`.
        """
        decoded = _decode(text)
        type_name, _, rest = decoded.partition(":")
        parts = tuple(rest.split(":"))
        made = cls(type_name, parts)
        if not _TYPE_NAME.fullmatch(type_name) or not parts[0] or str(made) != text:
            raise InvalidIdError("not an id of this gateway")
        return made


def _decode(text: str) -> str:
    if len(text) > _MAX_GLOBAL_ID or not text.isascii():
        raise InvalidIdError("not an id of this gateway")
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        return raw.decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise InvalidIdError("not an id of this gateway") from error
