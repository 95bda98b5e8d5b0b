"""Resolves a request to its document: by text, by id, or by both. The document mode decides which of these a caller may
use.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import Any

from gateway.execution.caching.lru_cache import WeightedLRU
from gateway.execution.caller import SCHEMA_SCOPE, Caller
from gateway.execution.document_cache import DocumentCache, PreparedDocument
from gateway.execution.errors import (
    DocumentBlockedError,
    DocumentIdRequiredError,
    DocumentNotFoundError,
    DocumentRateError,
    HashMismatchError,
    MalformedError,
    NotInSafelistError,
    PersistedQueryNotSupportedError,
    QueryError,
)
from gateway.execution.persisted.compatibility import list_operations
from gateway.execution.persisted.ids import compute_id, is_hash, is_id_of, normalize_id
from gateway.execution.persisted.store import DocumentRegistry
from gateway.execution.request import GraphQLRequest
from gateway.model.documents import DocumentPolicy
from gateway.settings.schema import DocumentMode, DocumentsTable
from gateway.storage.persisted_documents import Document

MAX_LOGGED_DOCUMENTS = 10_000
"""Unpublished documents that are remembered as logged."""

MAX_LOGGED_NAMES = 200

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class KnownDocument:
    """A prepared document. `published`: as it is published; None: it is not."""

    document: PreparedDocument
    published: Document | None = None


class DocumentResolver:
    """Resolves requests to documents."""

    def __init__(self, documents: DocumentCache, registry: DocumentRegistry, table: DocumentsTable) -> None:
        self._documents = documents
        self._registry = registry
        self._table = table
        self._logged: WeightedLRU[bool] = WeightedLRU(MAX_LOGGED_DOCUMENTS)

    async def resolve(self, request: GraphQLRequest, caller: Caller) -> PreparedDocument:
        """Return the document of a request.

        Raises:
            QueryError: there is no such document, or the caller may not request it in this way.
        """
        mode = self._table.known if caller.is_trusted else self._table.anonymous
        id_ = get_document_id(request)
        text = None if id_ is not None and request.query == "" else request.query
        if text is not None:
            return await self._resolve_text(text, id_, mode, caller)
        if id_ is None:
            raise MalformedError("Expected the key query or documentId.")
        return await self._resolve_id(id_, mode, caller)

    def find_known(self, request: GraphQLRequest, caller: Caller) -> KnownDocument | None:
        """Return the document of a request as `resolve` does, if nothing has to be read, parsed, checked or logged."""
        if request.query and (request.document_id is not None or request.extensions):
            return None  # its text may have to be registered
        mode = self._table.known if caller.is_trusted else self._table.anonymous
        if request.query:
            return self._find_known_text(request, mode)
        try:
            id_ = get_document_id(request)
        except QueryError:  # `resolve` raises it again
            return None
        return None if id_ is None else self._find_known_id(id_, mode)

    def _find_known_text(self, request: GraphQLRequest, mode: DocumentMode) -> KnownDocument | None:
        if mode is not DocumentMode.OPEN or request.query is None:
            return None
        published = self._registry.get_published(request.text_id)
        if published is not None:
            return self._find_known_published(published)
        prepared = self._documents.get(request.query)
        return None if prepared is None else KnownDocument(prepared)

    def _find_known_id(self, id_: str, mode: DocumentMode) -> KnownDocument | None:
        published = self._registry.get_published(id_)
        if published is not None:
            return self._find_known_published(published)
        apq = self._registry.get_apq(id_) if mode.accepts_any else None
        prepared = None if apq is None else self._documents.get(apq.text)
        return None if prepared is None else KnownDocument(prepared)

    def _find_known_published(self, published: Document) -> KnownDocument | None:
        prepared = self._documents.get(published.text, published=True)
        if prepared is None or not self._registry.has_no_policy(published.id):
            return None
        return KnownDocument(prepared, published)

    def record_use(self, known: KnownDocument) -> None:
        """Count a use of a known document, if it is published."""
        if known.published is not None:
            self._registry.record_use(known.published)

    async def _resolve_id(self, id_: str, mode: DocumentMode, caller: Caller) -> PreparedDocument:
        published = self._registry.get_published(id_)
        if published is None and mode.accepts_any and (apq := self._registry.get_apq(id_)) is not None:
            return self._documents.prepare(apq.text, suggests=caller.has_scope(SCHEMA_SCOPE))
        document = published or await self._registry.find_published(id_)
        if document is None:
            raise DocumentNotFoundError
        return await self._prepare_published(document)

    async def _resolve_text(self, text: str, id_: str | None, mode: DocumentMode, caller: Caller) -> PreparedDocument:
        if mode is DocumentMode.IDS:
            raise DocumentIdRequiredError
        if id_ is not None:
            _check_hash(id_, text)
        text_id = compute_id(text)
        is_open = mode is DocumentMode.OPEN
        registry = self._registry
        published = registry.get_published(text_id) if is_open else await registry.find_published(text_id)
        if published is not None:
            return await self._prepare_published(published)
        if mode is DocumentMode.SAFELIST:
            raise NotInSafelistError
        document = Document(text_id, text)
        return self._prepare_unpublished(document, caller, is_apq=id_ is not None, is_logged=not is_open)

    async def _prepare_published(self, document: Document) -> PreparedDocument:
        policy = await self._registry.find_policy(document.id)
        if policy is not None:
            self._check_policy(document, policy)
        self._registry.record_use(document)
        prepared = self._documents.prepare(document.text, published=True)
        return prepared if policy is None else replace(prepared, policy=policy)

    def _check_policy(self, document: Document, policy: DocumentPolicy) -> None:
        """Check that the document may be executed now.

        Raises:
            DocumentBlockedError: an operator has blocked it.
            DocumentRateError: it was executed too often in this minute.
        """
        if policy.blocked:
            raise DocumentBlockedError(policy.reason)
        most = policy.max_per_minute
        if most is not None and self._registry.count_execution(document.id) > most:
            raise DocumentRateError(most)

    def _prepare_unpublished(
        self, document: Document, caller: Caller, *, is_apq: bool, is_logged: bool
    ) -> PreparedDocument:
        """Prepare a document that is not published. If it is valid and `is_apq`, later requests can send its id."""
        prepared = self._documents.prepare(document.text, suggests=caller.has_scope(SCHEMA_SCOPE))
        if not prepared.errors:
            if is_apq:
                self._registry.register_apq(document)
            if is_logged:
                self._log_once(document, prepared, caller)
        return prepared

    def _log_once(self, document: Document, prepared: PreparedDocument, caller: Caller) -> None:
        """Log that the document would be rejected. The log does not have its text, which may contain personal data."""
        if self._logged.get(document.id) is None:
            self._logged.put(document.id, True, 1)
            names = ", ".join(list_operations(prepared))[:MAX_LOGGED_NAMES]
            client = caller.principal or "an unauthenticated client"
            _log.warning("unpublished document, requested by %s: %s with the operations %s", client, document.id, names)


def get_document_id(request: GraphQLRequest) -> str | None:
    """Return the id of the requested document, or None if the request has a text only."""
    apq = request.extensions.get("persistedQuery")
    if request.document_id is not None:
        if apq is not None:
            raise MalformedError("Expected one of documentId and extensions.persistedQuery.")
        return _require_valid_id(request.document_id, "documentId")
    return None if apq is None else _read_apq_hash(apq)


def _read_apq_hash(apq: Any) -> str:
    """Read the hash of an automatic persisted query (Apollo)."""
    if not isinstance(apq, dict):
        raise MalformedError("extensions.persistedQuery is not an object.")
    if apq.get("version") != 1:
        raise PersistedQueryNotSupportedError
    digest = apq.get("sha256Hash")
    if not isinstance(digest, str):
        raise MalformedError("extensions.persistedQuery.sha256Hash is missing, or is not a string.")
    return _require_valid_id(digest, "extensions.persistedQuery.sha256Hash")


def _require_valid_id(id_: str, key: str) -> str:
    normalized = normalize_id(id_)
    if normalized is None:
        raise MalformedError(f"{key} is not a valid document id.")
    return normalized


def _check_hash(id_: str, text: str) -> None:
    if not is_hash(id_):
        raise MalformedError(
            "The id is not a hash, so that it cannot be checked against the text. Send either documentId or query."
        )
    if not is_id_of(id_, text):
        raise HashMismatchError
