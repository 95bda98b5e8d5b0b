"""Manifests: the documents of an app's build, in the formats of three tools, which are detected automatically."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from gateway.execution.persisted.ids import compute_id, is_id_of, normalize_id
from gateway.storage.persisted_documents import Document

APOLLO_FORMAT = "apollo-persisted-query-manifest"
MAX_MANIFEST_BYTES = 50_000_000
"""Bytes."""


class ManifestError(Exception):
    """The manifest is invalid. `problems`: one line each."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


def parse_manifest(raw: bytes) -> dict[str, Document]:
    """Parse a manifest. Returns its documents by id.

    Raises:
        ManifestError: the format is unknown, or a text does not match its id.
    """
    texts = _extract_documents(_parse_json(raw))
    if not texts:
        raise ManifestError(["the manifest contains no document"])
    problems = [problem for name, text in texts for problem in _check_id(name, text)]
    documents: dict[str, Document] = {}
    if not problems:
        for name, text in texts:
            document = Document(compute_id(text), text)
            if documents.setdefault(normalize_id(name) or name, document) != document:
                problems.append(f"{name}: identifies two texts")
    if problems:
        raise ManifestError(problems)
    return documents


def _parse_json(raw: bytes) -> Mapping[str, Any]:
    if len(raw) > MAX_MANIFEST_BYTES:
        raise ManifestError([f"has more than {MAX_MANIFEST_BYTES} bytes"])
    try:
        manifest = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise ManifestError([f"is not JSON: {error}"]) from error
    if not isinstance(manifest, dict):
        raise ManifestError(["expected a JSON object"])
    return manifest


def _extract_documents(manifest: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Extract ids and texts: from the list of operations of an Apollo manifest, else from an object of texts by id."""
    if "format" not in manifest and "operations" not in manifest:
        return [(name, _require_text(name, text)) for name, text in manifest.items()]
    if manifest.get("format") != APOLLO_FORMAT or manifest.get("version") != 1:
        raise ManifestError([f'expected "format": "{APOLLO_FORMAT}" and "version": 1'])
    operations = manifest.get("operations")
    if not isinstance(operations, list):
        raise ManifestError(["operations: expected a list"])
    return [_read_operation(number, operation) for number, operation in enumerate(operations)]


def _read_operation(number: int, operation: Any) -> tuple[str, str]:
    if not isinstance(operation, dict) or not isinstance(operation.get("id"), str):
        raise ManifestError([f"operations.{number}: expected an object with an id and a body"])
    return operation["id"], _require_text(operation["id"], operation.get("body"))


def _require_text(name: str, text: Any) -> str:
    if not isinstance(text, str):
        raise ManifestError([f"{name}: expected a text"])
    return text


def _check_id(name: str, text: str) -> Iterable[str]:
    if normalize_id(name) is None:
        yield f"{name}: is not a valid id: expected at most 200 letters, digits and - . _ ~ :"
    elif not is_id_of(name, text):
        yield f"{name}: is the hash of another text"
