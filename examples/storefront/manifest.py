"""The storefront's documents, as a build makes them: each with the fragments that it uses, by the hash of its text.

`python -m examples.storefront.manifest > manifest.json` writes what `gateway documents push` takes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

from graphql import concat_ast, parse, print_ast, separate_operations

OPERATIONS = Path(__file__).parents[2] / "schema" / "operations" / "storefront"


def texts(folder: Path = OPERATIONS) -> dict[str, str]:
    """The documents of a folder by the names of their operations."""
    files = sorted(folder.glob("*.graphql"))
    whole = concat_ast([parse(path.read_text(encoding="utf-8")) for path in files])
    return {name: print_ast(document) for name, document in separate_operations(whole).items()}


def ids(documents: Mapping[str, str]) -> dict[str, str]:
    """What a page asks by: ids by the names of operations."""
    return {name: f"sha256:{sha256(text.encode()).hexdigest()}" for name, text in documents.items()}


def manifest(documents: Mapping[str, str]) -> str:
    """What is pushed: texts by ids."""
    names = ids(documents)
    return json.dumps({names[name]: text for name, text in documents.items()}, indent=2)


if __name__ == "__main__":
    print(manifest(texts()))
