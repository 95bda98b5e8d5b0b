"""Counts refusals of clients without a token, by client and minute (rules U6, X3).

Counts are added up in memory and stored every few seconds. Their number is bounded: what exceeds it is counted for all
clients together.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime

from gateway.storage import audit
from gateway.storage.audit import RefusalKey
from gateway.storage.database import Database

MAX_KEYS = 10_000
"""Counts in memory between two flushes."""

OTHER_CLIENTS = "others"


class RefusalCounter:
    """Counts refusals of one process. `salt`: makes digests of networks useless elsewhere."""

    def __init__(self, database: Database, now: Callable[[], datetime], salt: bytes) -> None:
        self._database = database
        self._now = now
        self._salt = salt[:64]
        self._counts: dict[RefusalKey, int] = {}

    def count(self, client_key: str, action: str, code: str) -> None:
        """Count a refusal."""
        minute = self._now().replace(second=0, microsecond=0)
        key = RefusalKey(minute, self._hash_client(client_key), action, code)
        if key not in self._counts and len(self._counts) >= MAX_KEYS:
            key = RefusalKey(minute, OTHER_CLIENTS, action, code)
        self._counts[key] = self._counts.get(key, 0) + 1

    async def flush(self) -> None:
        """Store the counts."""
        counts, self._counts = self._counts, {}
        try:
            if counts:
                await self._database.write(audit.add_refusals, counts)
        except Exception:  # the next flush stores them
            for key, number in counts.items():
                self._counts[key] = self._counts.get(key, 0) + number
            raise

    def _hash_client(self, client_key: str) -> str:
        return hashlib.blake2b(client_key.encode(), key=self._salt, digest_size=9).hexdigest()
