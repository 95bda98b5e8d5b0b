"""The manifest of the storefront's documents: each with its fragments, by the hash of its text.

`python -m examples.storefront.manifest > manifest.json` writes the file for `gateway documents push`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

from graphql import concat_ast, parse, print_ast, separate_operations

OPERATIONS = Path(__file__).parents[2] / "schema" / "operations" / "storefront"


def load_documents(folder: Path = OPERATIONS) -> dict[str, str]:
    """Return the documents of a folder, by operation name."""
    files = sorted(folder.glob("*.graphql"))
    whole = concat_ast([parse(path.read_text(encoding="utf-8")) for path in files])
    return {name: print_ast(document) for name, document in separate_operations(whole).items()}


def compute_ids(documents: Mapping[str, str]) -> dict[str, str]:
    """Return the ids of documents, by operation name."""
    return {name: f"sha256:{sha256(text.encode()).hexdigest()}" for name, text in documents.items()}


def build_manifest(documents: Mapping[str, str]) -> str:
    """Build the manifest: texts by id."""
    names = compute_ids(documents)
    return json.dumps({names[name]: text for name, text in documents.items()}, indent=2)


if __name__ == "__main__":
    print(build_manifest(load_documents()))
