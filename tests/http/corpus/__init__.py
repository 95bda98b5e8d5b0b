"""Hostile and malformed requests by name, grouped by what is wrong with them; tests send each to a running gateway."""

from __future__ import annotations

from collections.abc import Mapping

from tests.http.corpus import bodies, documents, encodings, headers, values
from tests.http.corpus.hostile import HostileRequest

CORPUS: Mapping[str, HostileRequest] = {
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
