"""Typed access to JSON responses of a channel.

Each function follows a path of names through objects and checks every type on the way. A missing value, and a value
of the wrong type, raises an `InvalidValueError` that names the path, so that `Feed.read` rejects the record with a
reason. The functions with `optional` in their name return None for a missing value and for null.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from gateway.model import validation
from gateway.model.validation import InvalidValueError
from gateway.sdk._deprecated import alias_names

T = TypeVar("T")

Shape = Mapping[str, Any]
"""A JSON object."""

_NAMES = {str: "text", int: "a whole number", bool: "true or false", dict: "an object", list: "a list"}


def get_value(shape: object, *path: str) -> Any:
    """Return the value at the path, of any type; None: it is missing or null."""
    for depth, step in enumerate(path):
        if shape is None:
            return None
        if not isinstance(shape, dict):
            raise make_type_error(path[:depth], "an object", shape)
        shape = shape.get(step)
    return shape


def make_type_error(path: tuple[str, ...], expected: str, found: object) -> InvalidValueError:
    """Create the error for a value of the wrong type, or for a missing value (`found` is None)."""
    reason = "is missing" if found is None else f"expected {expected}, found {type(found).__name__}"
    return InvalidValueError(".".join(path) or "answer", reason)


def get_text(shape: object, *path: str) -> str:
    """Return a text. It may be empty."""
    return _get_typed(shape, path, str)


def get_optional_text(shape: object, *path: str) -> str | None:
    """Return a text; None: it is missing or blank."""
    value = "" if get_value(shape, *path) is None else get_text(shape, *path)
    return value if value.strip() else None


def get_whole(shape: object, *path: str) -> int:
    """Return a whole number."""
    return _get_typed(shape, path, int)


def get_flag(shape: object, *path: str) -> bool:
    """Return a boolean."""
    return _get_typed(shape, path, bool)


def get_instant(shape: object, *path: str) -> datetime:
    """Return an ISO 8601 date and time from 1970 on, with a time zone, converted to UTC."""
    value = get_text(shape, *path)
    try:
        instant = datetime.fromisoformat(value)
    except ValueError as error:
        raise InvalidValueError(".".join(path), "is not a date and time of ISO 8601") from error
    return validation.check_instant(".".join(path), instant)


def get_optional_instant(shape: object, *path: str) -> datetime | None:
    """Return a date and time (see `get_instant`); None: it is missing or blank."""
    return None if get_optional_text(shape, *path) is None else get_instant(shape, *path)


def get_object(shape: object, *path: str) -> Shape:
    """Return an object."""
    return _get_typed(shape, path, dict)


def get_optional_object(shape: object, *path: str) -> Shape | None:
    """Return an object; None: it is missing or null."""
    return None if get_value(shape, *path) is None else get_object(shape, *path)


def get_objects(shape: object, *path: str) -> list[Shape]:
    """Return a list of objects."""
    return _get_list(shape, path, dict)


def get_texts(shape: object, *path: str) -> tuple[str, ...]:
    """Return a list of texts, without blank ones."""
    return tuple(item for item in _get_list(shape, path, str) if item.strip())


def _get_list(shape: object, path: tuple[str, ...], kind: type[T]) -> list[T]:
    items: list[Any] = _get_typed(shape, path, list)
    for item in items:
        if not isinstance(item, kind):
            raise InvalidValueError(".".join(path), f"expected a list of {kind.__name__}, found {type(item).__name__}")
    return items


def _get_typed(shape: object, path: tuple[str, ...], kind: type[T]) -> T:
    value = get_value(shape, *path)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise make_type_error(path, _NAMES[kind], value)
    return value


if not TYPE_CHECKING:
    __getattr__ = alias_names(
        __name__,
        {
            "within": "get_value",
            "wrong": "make_type_error",
            "text": "get_text",
            "optional_text": "get_optional_text",
            "whole": "get_whole",
            "flag": "get_flag",
            "instant": "get_instant",
            "optional_instant": "get_optional_instant",
            "one": "get_object",
            "optional_one": "get_optional_object",
            "several": "get_objects",
            "texts": "get_texts",
        },
    )
