"""The documents of `schema/operations`, each with the fragments that it uses, as an app's build makes them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from pathlib import Path

from examples.storefront import manifest as storefront

FOLDER = Path(__file__).parents[2] / "schema" / "operations"
APPS = ("storefront", "store-app")


def files(app: str) -> list[Path]:
    """The files of an app's documents."""
    return sorted(path for path in (FOLDER / app).glob("*.graphql"))


@cache
def texts(app: str) -> Mapping[str, str]:
    """An app's documents by the names of their operations."""
    return storefront.texts(FOLDER / app)


def id_of(text: str) -> str:
    return f"sha256:{sha256(text.encode()).hexdigest()}"


def manifest(app: str) -> bytes:
    """An app's documents by their ids."""
    return json.dumps({id_of(text): text for text in texts(app).values()}).encode()
