"""Which document a request asks for: by its text, by a name, or by both; and which of these are taken from whom."""

from __future__ import annotations

import logging
from typing import Any

from gateway.execution.asked import Asked
from gateway.execution.caller import SEES_SCHEMA, Caller, CallerKind
from gateway.execution.documents import Documents, Prepared
from gateway.execution.errors import (
    DocumentUnknownError,
    HashingUnknownError,
    HashWrongError,
    MalformedError,
    NameNeededError,
    TextUnknownError,
)
from gateway.execution.faults import operations
from gateway.execution.memory import Memory
from gateway.execution.names import canonical, fits, id_of, is_hash
from gateway.execution.registry import Registry
from gateway.settings import DocumentMode, DocumentsTable
from gateway.storage.documents import Document

LOGGED = 10_000
"""Texts that no shipped app holds, of which is remembered that they are in the log."""

LONGEST_LOGGED = 200

_log = logging.getLogger(__name__)


class Persisted:
    """Resolves requests to documents."""

    def __init__(self, documents: Documents, registry: Registry, table: DocumentsTable) -> None:
        self._documents = documents
        self._registry = registry
        self._table = table
        self._logged: Memory[bool] = Memory(LOGGED)

    async def resolve(self, asked: Asked, caller: Caller) -> Prepared:
        """The document that is asked for.

        Raises:
            QueryError: there is none, or it may not be asked for like this.
        """
        mode = self._table.anonymous if caller.kind is CallerKind.ANONYMOUS else self._table.known
        name = name_of(asked)
        text = None if name is not None and asked.query == "" else asked.query
        if text is not None:
            return await self._by_text(text, name, mode, caller)
        if name is None:
            raise MalformedError("Expected one of the keys query and documentId.")
        return await self._by_name(name, mode, caller)

    async def _by_name(self, name: str, mode: DocumentMode, caller: Caller) -> Prepared:
        known = self._registry.known(name)
        if known is None and mode.takes_any and (told := self._registry.told(name)) is not None:
            return self._documents.prepare(told.text, suggests=caller.may(SEES_SCHEMA))
        found = known or await self._registry.shipped(name)
        if found is None:
            raise DocumentUnknownError
        return self._use(found)

    async def _by_text(self, text: str, name: str | None, mode: DocumentMode, caller: Caller) -> Prepared:
        if mode is DocumentMode.IDS:
            raise NameNeededError
        if name is not None:
            _check(name, text)
        id_ = id_of(text)
        lazy = mode is DocumentMode.OPEN
        found = self._registry.known(id_) if lazy else await self._registry.shipped(id_)
        if found is not None:
            return self._use(found)
        if mode is DocumentMode.SAFELIST:
            raise TextUnknownError
        return self._unknown(Document(id_, text), caller, told=name is not None, to_log=not lazy)

    def _use(self, document: Document) -> Prepared:
        self._registry.use(document)
        return self._documents.prepare(document.text, shipped=True)

    def _unknown(self, document: Document, caller: Caller, *, told: bool, to_log: bool) -> Prepared:
        """A text that no shipped app is known to hold; remembered if it is good."""
        prepared = self._documents.prepare(document.text, suggests=caller.may(SEES_SCHEMA))
        if not prepared.errors:
            if told:
                self._registry.tell(document)
            if to_log:
                self._log_once(document, prepared, caller)
        return prepared

    def _log_once(self, document: Document, prepared: Prepared, caller: Caller) -> None:
        """Say that it would be refused; not its text, in which there may be anything."""
        if self._logged.get(document.id) is None:
            self._logged.put(document.id, True, 1)
            names = ", ".join(operations(prepared))[:LONGEST_LOGGED]
            who = caller.principal or "somebody without a token"
            _log.warning("not pushed, asked for by %s: %s with the operations %s", who, document.id, names)


def name_of(asked: Asked) -> str | None:
    """What a document is asked for by; None: by its text alone."""
    sent = asked.extensions.get("persistedQuery")
    if asked.document_id is not None:
        if sent is not None:
            raise MalformedError("Expected one of documentId and extensions.persistedQuery.")
        return _canonical(asked.document_id, "documentId")
    return None if sent is None else _hash_of(sent)


def _hash_of(sent: Any) -> str:
    """The hash of Apollo's automatic persisted queries."""
    if not isinstance(sent, dict):
        raise MalformedError("extensions.persistedQuery is no object.")
    if sent.get("version") != 1:
        raise HashingUnknownError
    found = sent.get("sha256Hash")
    if not isinstance(found, str):
        raise MalformedError("extensions.persistedQuery.sha256Hash is missing, or is no string.")
    return _canonical(found, "extensions.persistedQuery.sha256Hash")


def _canonical(name: str, key: str) -> str:
    found = canonical(name)
    if found is None:
        raise MalformedError(f"{key} is no id that a document can have.")
    return found


def _check(name: str, text: str) -> None:
    if not is_hash(name):
        raise MalformedError("An id that is no hash says nothing about a text: send one of documentId and query.")
    if not fits(name, text):
        raise HashWrongError
