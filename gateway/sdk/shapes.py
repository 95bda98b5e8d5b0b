"""What stands where in a channel's answer. Nobody has looked at it before: every step and every type is checked.

Each function follows a path of names through objects. A step that is no object, and a value of another type than the
function's, is an `InvalidValueError` that names the path, so that `Feed.read` rejects the record and says why. What is
absent or null is an error too, but for the `optional_` ones: there it is None.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar

from gateway.model import values
from gateway.model.values import InvalidValueError

T = TypeVar("T")

Shape = Mapping[str, Any]
"""An object of JSON."""

_NAMES = {str: "text", int: "a whole number", bool: "true or false", dict: "an object", list: "a list"}


def within(shape: object, *path: str) -> Any:
    """Whatever stands there; None where it is absent."""
    for depth, step in enumerate(path):
        if shape is None:
            return None
        if not isinstance(shape, dict):
            raise wrong(path[:depth], "an object", shape)
        shape = shape.get(step)
    return shape


def wrong(path: tuple[str, ...], expected: str, found: object) -> InvalidValueError:
    """That something else stands there than was expected."""
    said = "is missing" if found is None else f"expected {expected}, found {type(found).__name__}"
    return InvalidValueError(".".join(path) or "answer", said)


def text(shape: object, *path: str) -> str:
    """A text. It may be empty."""
    return _typed(shape, path, str)


def optional_text(shape: object, *path: str) -> str | None:
    """A text; None, where it is blank."""
    found = "" if within(shape, *path) is None else text(shape, *path)
    return found if found.strip() else None


def whole(shape: object, *path: str) -> int:
    """A whole number."""
    return _typed(shape, path, int)


def flag(shape: object, *path: str) -> bool:
    """True or false."""
    return _typed(shape, path, bool)


def instant(shape: object, *path: str) -> datetime:
    """A date and time of ISO 8601, from 1970 on, with its zone; in UTC."""
    said = text(shape, *path)
    try:
        found = datetime.fromisoformat(said)
    except ValueError as error:
        raise InvalidValueError(".".join(path), "is not a date and time of ISO 8601") from error
    return values.instant(".".join(path), found)


def optional_instant(shape: object, *path: str) -> datetime | None:
    """As `instant`; None, where the text is blank."""
    return None if optional_text(shape, *path) is None else instant(shape, *path)


def one(shape: object, *path: str) -> Shape:
    """An object."""
    return _typed(shape, path, dict)


def optional_one(shape: object, *path: str) -> Shape | None:
    """An object, or None."""
    return None if within(shape, *path) is None else one(shape, *path)


def several(shape: object, *path: str) -> list[Shape]:
    """A list of objects."""
    return _all(shape, path, dict)


def texts(shape: object, *path: str) -> tuple[str, ...]:
    """A list of texts, without the blank ones."""
    return tuple(item for item in _all(shape, path, str) if item.strip())


def _all(shape: object, path: tuple[str, ...], kind: type[T]) -> list[T]:
    found: list[Any] = _typed(shape, path, list)
    for item in found:
        if not isinstance(item, kind):
            raise InvalidValueError(".".join(path), f"expected a list of {kind.__name__}, found {type(item).__name__}")
    return found


def _typed(shape: object, path: tuple[str, ...], kind: type[T]) -> T:
    found = within(shape, *path)
    if not isinstance(found, kind) or (kind is int and isinstance(found, bool)):
        raise wrong(path, _NAMES[kind], found)
    return found
