"""Identifiers: UUIDv7 for rows, UUIDv8 for what channels identify, and the global IDs of GraphQL nodes."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_ROW_ID = re.compile(r"[0-9a-f]{32}")
_TYPE_NAME = re.compile(r"[A-Z][A-Za-z]{2,40}")
_MAX_GLOBAL_ID = 512
_FIXED_BITS = 0x7 << 76 | 0b10 << 62  # version and variant bits of a UUIDv7
_DERIVED_BITS = 0x8 << 76 | 0b10 << 62  # version and variant bits of a UUIDv8
_URL_SAFE = bytes.maketrans(b"+/", b"-_")
_FREE_BITS = ~(0xF << 76 | 0b11 << 62)
_NAMESPACE = bytes.fromhex("7d5b8a0c31f64e0f9c2e6b1d40a87f53")  # never changes, or all derived ids would
_PRODUCT_BITS = 0x5A3C_96E1_0F78_0D2B_24C7_1B69_8E50_F3A6 & _FREE_BITS
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class InvalidIdError(ValueError):
    """A text is not a global ID of this gateway."""


def generate_id(now: datetime) -> str:
    """Generate a UUIDv7 (RFC 9562) as 32 lower-case hexadecimal digits.

    Ids sort by the time of their creation, with a resolution of one millisecond.
    """
    return generate_ids(now, 1)[0]


def generate_ids(now: datetime, count: int) -> list[str]:
    """Generate several IDs of one time with a single call of the operating system's random source."""
    timestamp, random = int(now.timestamp() * 1000) << 80, os.urandom(10 * count)
    values = (timestamp | int.from_bytes(random[n : n + 10], "big") for n in range(0, 10 * count, 10))
    return [f"{value & _FREE_BITS | _FIXED_BITS:032x}" for value in values]


def derive_id(kind: str, *parts: str | int) -> str:
    """Derive a UUIDv8 (RFC 9562) from what it identifies (rule H1): the same parts have the same ID in every database.

    Derived ids do not sort by time.
    """
    digest = hashlib.sha256(_NAMESPACE + json.dumps([kind, *parts]).encode()).digest()
    return f"{int.from_bytes(digest[:16], 'big') & _FREE_BITS | _DERIVED_BITS:032x}"


def is_derived(id_: str) -> bool:
    """Return whether an ID was made by `derive_id`."""
    return id_[12:13] == "8" and is_row_id(id_)


def get_digits(id_: str) -> str:
    """Return 12 digits of an ID by which it is found; of a UUIDv7, which begins with the time, the last ones."""
    return id_[:12] if is_derived(id_) else id_[-12:]


def swap_product_and_listing(id_: str) -> str:
    """Return the ID of the product that is named after a listing; of such a product, the ID of the listing."""
    return f"{int(id_, 16) ^ _PRODUCT_BITS:032x}"


def read_time(id_: str) -> datetime | None:
    """Read the time from a UUIDv7; None: another ID."""
    return _EPOCH + timedelta(milliseconds=int(id_[:12], 16)) if id_[12:13] == "7" and is_row_id(id_) else None


def get_first_time(id_: str, stored: datetime) -> datetime:
    """Return when a row was first seen. Processes of an earlier version store 1970 (rule L6), but their ids have it."""
    return stored if stored > _EPOCH else read_time(id_) or stored


def is_row_id(text: str) -> bool:
    """Return whether a text has the form of an ID of `generate_id`."""
    return _ROW_ID.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class GlobalId:
    """The global ID of a GraphQL node: the name of its type and the parts of its key.

    Opaque to clients: the URL-safe base64 encoding of ``Type:part[:part…]``.

    Attributes:
        type: Name of the GraphQL type.
        parts: Parts of the key: row IDs, or keys of the configuration.
    """

    type: str
    parts: tuple[str, ...]

    @property
    def key(self) -> str:
        """The first part: a row ID, or a key of the configuration."""
        return self.parts[0]

    def __str__(self) -> str:
        return encode_global_id(":".join((self.type, *self.parts)))

    @classmethod
    def parse(cls, text: str) -> GlobalId:
        """Parse the text of a global ID.

        Raises:
            InvalidIdError: The text is not a global ID of this gateway.
        """
        decoded = _decode(text)
        type_name, _, rest = decoded.partition(":")
        parts = tuple(rest.split(":"))
        global_id = cls(type_name, parts)
        if not _TYPE_NAME.fullmatch(type_name) or not parts[0] or str(global_id) != text:
            raise InvalidIdError("not an ID of this gateway")
        return global_id


def encode_global_id(text: str) -> str:
    """Encode `Type:part[:part…]`."""
    return binascii.b2a_base64(text.encode(), newline=False).rstrip(b"=").translate(_URL_SAFE).decode()


def _decode(text: str) -> str:
    if len(text) > _MAX_GLOBAL_ID or not text.isascii():
        raise InvalidIdError("not an ID of this gateway")
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        return raw.decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise InvalidIdError("not an ID of this gateway") from error
