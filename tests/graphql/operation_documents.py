"""The documents of `schema/operations`, each with the fragments that it uses, as the build of an app produces them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from pathlib import Path

from examples.storefront import manifest as storefront

FOLDER = Path(__file__).parents[2] / "schema" / "operations"
APPS = ("storefront", "store-app")
ACCOUNT = frozenset(
    (
        *("Me", "MyOrders", "CartPoints", "CartCustomerSet", "CartLoyaltySet", "ConsentSet"),
        *("CustomerExport", "CustomerErase", "DataRequestCancel", "MyDataRequest"),
    )
)
"""Operations of the storefront that need a login."""


def list_files(app: str) -> list[Path]:
    return sorted(path for path in (FOLDER / app).glob("*.graphql"))


@cache
def read_texts(app: str) -> Mapping[str, str]:
    """Read the documents of an app, by operation name."""
    return storefront.load_documents(FOLDER / app)


def compute_id(text: str) -> str:
    return f"sha256:{sha256(text.encode()).hexdigest()}"


def build_manifest(app: str) -> bytes:
    """Build a manifest of the documents of an app: texts by id."""
    return json.dumps({compute_id(text): text for text in read_texts(app).values()}).encode()
