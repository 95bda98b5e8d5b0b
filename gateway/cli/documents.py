"""The documents of shipped apps: pushed, listed, checked against a schema, retired."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from gateway.cli.errors import CommandError
from gateway.execution.documents import Documents
from gateway.execution.faults import faults, operations
from gateway.execution.manifests import ManifestError, read
from gateway.graphql.schema import SchemaTextError, build, read_schema
from gateway.runtime import utc_now
from gateway.settings import Settings
from gateway.storage import documents as stored
from gateway.storage.database import Database
from gateway.storage.documents import AppVersion, Document, NameTakenError, Shipment, Shipped
from gateway.storage.migrate import migrate

T = TypeVar("T")


async def pushed(settings: Settings, manifest: Path, version: AppVersion, owner: str | None) -> int:
    """Keep what a manifest holds; how many documents that are.

    Raises:
        ManifestError: something is wrong with it, or with a document; nothing is kept.
    """
    texts = read(await _content(manifest))
    documents = _documents(settings)
    if wrong := [line for name, one in texts.items() for line in _told(documents, settings, name, one)]:
        raise ManifestError(wrong)
    try:
        await _with(settings, lambda database: database.write(stored.ship, version, owner, texts, utc_now()))
    except NameTakenError as error:
        raise ManifestError(f"{name}: stands for another text since an earlier push" for name in error.names) from error
    return len(texts)


def _told(documents: Documents, settings: Settings, name: str, document: Document) -> list[str]:
    return [f"{name}: {fault}" for fault in faults(documents.prepare(document.text), settings.limits)]


async def shipments(settings: Settings) -> list[Shipment]:
    """Every version that is not retired."""
    return await _with(settings, lambda database: database.read(stored.shipments))


async def shipped(settings: Settings, app: str, version: str | None) -> list[tuple[Shipped, str]]:
    """The documents of an app, or of one version, each with its operations."""
    documents = _documents(settings)
    found = await _with(settings, lambda database: database.read(stored.shipped, app, version))
    return [(one, ", ".join(operations(documents.prepare(one.text)))) for one in found]


async def broken(settings: Settings, schema: Path | None) -> tuple[int, list[str]]:
    """How many documents there are, and what of them does not work under this program's schema, or another one."""
    documents = _documents(settings) if schema is None else await _documents_of(schema, settings)
    found = await _with(settings, lambda database: database.read(stored.shipped))
    lines = [
        f"{one.app} {one.version}{_owned(one)}: {fault} ({_used(one.uses, one.last_used_at)})"
        for one in found
        for fault in faults(documents.prepare(one.text), settings.limits)
    ]
    return len(found), lines


def _owned(one: Shipped) -> str:
    return "" if one.owner is None else f" of {one.owner}"


def _used(uses: int, last: datetime | None) -> str:
    return "never used" if last is None else f"used {uses} times, last on {last:%Y-%m-%d %H:%M}"


async def retired(settings: Settings, version: AppVersion) -> int:
    """Keep a version no longer; how many documents are asked for by no other one."""
    gone = await _with(settings, lambda database: database.write(stored.retire, version))
    if gone is None:
        raise CommandError(f"there is no version {version.version} of {version.app}; see `gateway documents list`")
    return gone


async def _with(settings: Settings, work: Callable[[Database], Awaitable[T]]) -> T:
    """With the database up to date. The channels have nothing to do with it, and stay closed."""
    database = Database(settings.database)
    try:
        await migrate(database)
        return await work(database)
    finally:
        await database.close()


def _documents(settings: Settings) -> Documents:
    return Documents(build(), settings.limits)


async def _documents_of(path: Path, settings: Settings) -> Documents:
    try:
        return Documents(read_schema((await _content(path)).decode(errors="replace")), settings.limits)
    except SchemaTextError as error:
        raise CommandError(f"{path}: {error}") from error


async def _content(path: Path) -> bytes:
    try:
        return await asyncio.to_thread(path.read_bytes)
    except OSError as error:
        raise CommandError(f"{path}: cannot be read ({error.strerror or error})") from error
