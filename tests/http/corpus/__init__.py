"""Hostile and broken requests, by what is wrong with them. Each has a name, and is sent to a running gateway."""

from __future__ import annotations

from collections.abc import Mapping

from tests.http.corpus import bodies, documents, encodings, headers, values
from tests.http.corpus.hostile import Hostile

CORPUS: Mapping[str, Hostile] = {
    f"{part}: {name}": request
    for part, requests in (
        ("body", bodies.REQUESTS),
        ("encoding", encodings.REQUESTS),
        ("headers", headers.REQUESTS),
        ("document", documents.REQUESTS),
        ("value", values.REQUESTS),
    )
    for name, request in requests.items()
}
