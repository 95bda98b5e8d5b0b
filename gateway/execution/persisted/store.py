"""Registry of persisted documents: published documents from the database, and automatic persisted queries (APQ) of
clients.

Published documents are cached, and `flush_usage` revalidates the cache when it stores how often documents were used.
A retired document is therefore rejected by all processes after a few seconds, and no request writes. Misses are not
cached, because a document may be published at any moment. A lookup is one statement over an index.

Automatic persisted queries stay in this process. Clients send the text again on request, and an unauthenticated
client cannot fill a table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from gateway.execution.caching.lru_cache import WeightedLRU
from gateway.model.documents import DocumentPolicy
from gateway.storage import document_policies, persisted_documents
from gateway.storage.database import Database
from gateway.storage.persisted_documents import Document, DocumentUsage

MAX_PUBLISHED_CHARACTERS = 4_000_000
MAX_APQ_CHARACTERS = 1_000_000
"""Characters of all cached texts together. Parsed documents are in the document cache."""


class DocumentRegistry:
    """Documents by id, as `ids.normalize_id` returns it."""

    def __init__(self, database: Database, now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now
        self._published: WeightedLRU[Document] = WeightedLRU(MAX_PUBLISHED_CHARACTERS)
        self._apq: WeightedLRU[Document] = WeightedLRU(MAX_APQ_CHARACTERS)
        self._uses: dict[str, DocumentUsage] = {}
        self._policies: Mapping[str, DocumentPolicy] | None = None
        self._minute: tuple[datetime, dict[str, int]] = (now(), {})

    def get_published(self, id_: str) -> Document | None:
        """Return the published document with this id if it is cached, else None."""
        return self._published.get(id_)

    async def find_published(self, id_: str) -> Document | None:
        """Find the published document with this id, in the cache or the database."""
        if (cached := self._published.get(id_)) is not None:
            return cached
        document = await self._database.read(persisted_documents.find_document, id_)
        if document is not None:
            self._published.put(id_, document, len(document.text))
        return document

    async def find_policy(self, id_: str) -> DocumentPolicy | None:
        """Find the policy of a document. A change takes effect in all processes after a few seconds."""
        if self._policies is None:
            self._policies = await self._database.read(document_policies.list_policies)
        return self._policies.get(id_)

    def has_no_policy(self, id_: str) -> bool:
        """Return whether a document has no policy. False: it has one, or that is not known now."""
        return self._policies is not None and id_ not in self._policies

    def expire_policies(self) -> None:
        """Read the policies again at the next request."""
        self._policies = None

    def count_execution(self, id_: str) -> int:
        """Count an execution of a document with a limit of its own. Returns how many there were in this minute."""
        minute = self._now().replace(second=0, microsecond=0)
        if self._minute[0] != minute:
            self._minute = (minute, {})
        counts = self._minute[1]
        counts[id_] = counts.get(id_, 0) + 1
        return counts[id_]

    def get_apq(self, id_: str) -> Document | None:
        """Return the automatic persisted query with this id, or None."""
        return self._apq.get(id_)

    def register_apq(self, document: Document) -> None:
        """Register an automatic persisted query."""
        self._apq.put(document.id, document, len(document.text))

    def record_use(self, document: Document) -> None:
        """Count a use of a published document."""
        now, before = self._now(), self._uses.get(document.id)
        use = DocumentUsage(document.id, 1, now, now)
        self._uses[document.id] = use if before is None else before.merge(use)

    async def flush_usage(self) -> None:
        """Store how often documents were used, and revalidate the cache."""
        self.expire_policies()
        await self._store_uses()
        names = {name for name, _ in (*self._published.list_items(), *self._apq.list_items())}
        if names:
            self._revalidate(await self._database.read(persisted_documents.find_document_ids, names))

    async def _store_uses(self) -> None:
        uses, self._uses = self._uses, {}
        try:
            if uses:
                await self._database.write(persisted_documents.add_uses, uses.values())
        except Exception:  # the next flush stores them; a write whose caller is canceled is carried through
            for id_, use in uses.items():
                self._uses[id_] = use.merge(self._uses.get(id_))
            raise

    def _revalidate(self, ids: Mapping[str, str]) -> None:
        for name, document in self._published.list_items():
            if ids.get(name) != document.id:  # the document is retired
                self._published.remove(name)
        for name, document in self._apq.list_items():
            if name in ids:  # the document was published since, and its uses count
                self._apq.remove(name)
                self._published.put(name, document, len(document.text))
