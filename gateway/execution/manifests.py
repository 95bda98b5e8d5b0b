"""Manifests: what an app's build says that the app will ask for. Three tools' formats, told apart by themselves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from gateway.execution.names import canonical, fits, id_of
from gateway.storage.documents import Document

APOLLO = "apollo-persisted-query-manifest"
LARGEST = 50_000_000
"""Bytes."""


class ManifestError(Exception):
    """The manifest cannot be used. `problems`: one line each."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


def read(raw: bytes) -> dict[str, Document]:
    """The documents of a manifest, by their names.

    Raises:
        ManifestError: it is in no format that is known here, or a text is not what its name says.
    """
    pairs = _pairs(_parsed(raw))
    if not pairs:
        raise ManifestError(["holds no document"])
    problems = [problem for name, text in pairs for problem in _problems(name, text)]
    found: dict[str, Document] = {}
    if not problems:
        for name, text in pairs:
            document = Document(id_of(text), text)
            if found.setdefault(canonical(name) or name, document) != document:
                problems.append(f"{name}: stands for two texts")
    if problems:
        raise ManifestError(problems)
    return found


def _parsed(raw: bytes) -> Mapping[str, Any]:
    if len(raw) > LARGEST:
        raise ManifestError([f"has more than {LARGEST} bytes"])
    try:
        found = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise ManifestError([f"is not JSON: {error}"]) from error
    if not isinstance(found, dict):
        raise ManifestError(["expected a JSON object"])
    return found


def _pairs(found: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Names and texts: a list of operations at Apollo, else an object of texts by their ids."""
    if "format" not in found and "operations" not in found:
        return [(name, _text(name, text)) for name, text in found.items()]
    if found.get("format") != APOLLO or found.get("version") != 1:
        raise ManifestError([f'expected "format": "{APOLLO}" and "version": 1'])
    operations = found.get("operations")
    if not isinstance(operations, list):
        raise ManifestError(["operations: expected a list"])
    return [_operation(number, one) for number, one in enumerate(operations)]


def _operation(number: int, found: Any) -> tuple[str, str]:
    if not isinstance(found, dict) or not isinstance(found.get("id"), str):
        raise ManifestError([f"operations.{number}: expected an object with an id and a body"])
    return found["id"], _text(found["id"], found.get("body"))


def _text(name: str, text: Any) -> str:
    if not isinstance(text, str):
        raise ManifestError([f"{name}: expected a text"])
    return text


def _problems(name: str, text: str) -> Iterable[str]:
    if canonical(name) is None:
        yield f"{name}: is no id that a document can have: at most 200 letters, digits and - . _ ~ :"
    elif not fits(name, text):
        yield f"{name}: is the hash of another text"
