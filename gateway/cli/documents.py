"""Published documents of apps: push, list, check against a schema, retire."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from gateway.cli.errors import CommandError
from gateway.execution.compiler.explanation import explain_operation
from gateway.execution.compiler.source import NotCompilableError
from gateway.execution.document_cache import DocumentCache
from gateway.execution.persisted.compatibility import find_problems, list_operations
from gateway.execution.persisted.manifests import ManifestError, parse_manifest
from gateway.graphql.schema import SchemaTextError, create_schema, parse_sdl
from gateway.runtime.database_opening import create_database
from gateway.runtime.gateway import get_utc_now
from gateway.settings.schema import Settings
from gateway.storage import persisted_documents
from gateway.storage.database import Database
from gateway.storage.migrate import migrate
from gateway.storage.persisted_documents import AppVersion, AppVersionSummary, Document, NameTakenError, ShippedDocument

T = TypeVar("T")


async def push_manifest(settings: Settings, manifest: Path, version: AppVersion, owner: str | None) -> int:
    """Publish the documents of a manifest. Returns how many there are.

    Raises:
        ManifestError: the manifest or a document is invalid. Then nothing is published.
    """
    documents = parse_manifest(await _read_file(manifest))
    cache = _create_cache(settings)
    if problems := [
        line for name, document in documents.items() for line in _check_document(cache, settings, name, document)
    ]:
        raise ManifestError(problems)
    try:
        await _run_with_database(
            settings,
            lambda database: database.write(
                persisted_documents.insert_version, version, owner, documents, get_utc_now()
            ),
        )
    except NameTakenError as error:
        raise ManifestError(f"{name}: identifies another text since an earlier push" for name in error.names) from error
    return len(documents)


def _check_document(documents: DocumentCache, settings: Settings, name: str, document: Document) -> list[str]:
    return [f"{name}: {fault}" for fault in find_problems(documents.prepare(document.text), settings.limits)]


async def fetch_versions(settings: Settings) -> list[AppVersionSummary]:
    """Fetch all versions of apps that are not retired."""
    return await _run_with_database(settings, lambda database: database.read(persisted_documents.list_versions))


async def fetch_documents(settings: Settings, app: str, version: str | None) -> list[tuple[ShippedDocument, str]]:
    """Fetch the documents of an app, or of one version, each with its operations."""
    cache = _create_cache(settings)
    rows = await _run_with_database(
        settings, lambda database: database.read(persisted_documents.list_documents, app, version)
    )
    return [(row, ", ".join(list_operations(cache.prepare(row.text)))) for row in rows]


async def find_incompatible(settings: Settings, schema: Path | None) -> tuple[int, list[str]]:
    """Find documents that are invalid under the current schema, or another one. Returns the number of documents, and
    the problems.
    """
    cache = _create_cache(settings) if schema is None else await _create_cache_from(schema, settings)
    rows = await _run_with_database(settings, lambda database: database.read(persisted_documents.list_documents))
    lines = [
        f"{row.app} {row.version}{_format_owner(row)}: {fault} ({_format_usage(row.uses, row.last_used_at)})"
        for row in rows
        for fault in find_problems(cache.prepare(row.text), settings.limits)
    ]
    return len(rows), lines


def _format_owner(row: ShippedDocument) -> str:
    return "" if row.owner is None else f" of {row.owner}"


def _format_usage(uses: int, last: datetime | None) -> str:
    return "never used" if last is None else f"used {uses} times, last on {last:%Y-%m-%d %H:%M}"


async def explain(settings: Settings, name: str, operation: str | None) -> str:
    """Explain how a published document is executed.

    Raises:
        CommandError: there is no such document, or the compiler does not take it.
    """
    rows = await _run_with_database(settings, lambda database: database.read(persisted_documents.list_documents))
    text = next((row.text for row in rows if row.name == name), None)
    prepared = None if text is None else _create_cache(settings).prepare(text)
    if prepared is None or prepared.document is None or prepared.errors:
        raise CommandError(f"there is no valid document {name}; see `gateway documents list --app APP`")
    try:
        return explain_operation(create_schema(), prepared.document, operation)
    except NotCompilableError as error:
        raise CommandError(str(error)) from error


async def retire_version(settings: Settings, version: AppVersion) -> int:
    """Retire a version. Returns how many documents no other version has."""
    removed = await _run_with_database(
        settings, lambda database: database.write(persisted_documents.retire_version, version)
    )
    if removed is None:
        raise CommandError(f"version {version.version} of {version.app} does not exist; see `gateway documents list`")
    return removed


async def _run_with_database(settings: Settings, work: Callable[[Database], Awaitable[T]]) -> T:
    """Run work with a migrated database. Channels stay closed."""
    database = create_database(settings)
    try:
        await migrate(database)
        return await work(database)
    finally:
        await database.close()


def _create_cache(settings: Settings) -> DocumentCache:
    return DocumentCache(create_schema(), settings.limits)


async def _create_cache_from(path: Path, settings: Settings) -> DocumentCache:
    try:
        return DocumentCache(parse_sdl((await _read_file(path)).decode(errors="replace")), settings.limits)
    except SchemaTextError as error:
        raise CommandError(f"{path}: {error}") from error


async def _read_file(path: Path) -> bytes:
    try:
        return await asyncio.to_thread(path.read_bytes)
    except OSError as error:
        raise CommandError(f"{path}: cannot be read ({error.strerror or error})") from error
