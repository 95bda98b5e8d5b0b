"""Stored documents of published apps: a name stands for one text, and a text stays as long as a version contains it."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.execution.persisted.ids import compute_id
from gateway.storage import persisted_documents, tables
from gateway.storage.database import Connection, Database
from gateway.storage.persisted_documents import AppVersion, Document, DocumentUsage, NameTakenError

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 1, 5, tzinfo=UTC)
Open = Callable[[], AbstractAsyncContextManager[Database]]


def build_stored_document(text: str) -> Document:
    return Document(compute_id(text), text)


def ship(conn: Connection, app: str, version: str, texts: Mapping[str, str]) -> None:
    held = {name: build_stored_document(text) for name, text in texts.items()}
    persisted_documents.insert_version(conn, AppVersion(app, version), None, held, NOW)


def list_everything(conn: Connection) -> set[tuple[str, str, str, str]]:
    return {(one.app, one.version, one.name, one.text) for one in persisted_documents.list_documents(conn)}


async def test_a_name_stands_for_one_text_in_every_app(open_database: Open) -> None:
    async with open_database() as database:
        await database.write(ship, "web", "1", {"page": "a", "list": "b"})
        with pytest.raises(NameTakenError) as taken:
            await database.write(ship, "app", "1", {"other": "c", "page": "d"})
        assert taken.value.names == ["page"]
        assert await database.read(persisted_documents.find_document, "other") is None
        await database.write(ship, "app", "1", {"page": "a"})
        assert await database.read(persisted_documents.find_document, "page") == build_stored_document("a")
        assert await database.read(persisted_documents.find_document, compute_id("b")) == build_stored_document("b")
        assert await database.read(persisted_documents.find_document, "b") is None


async def test_a_version_that_is_pushed_again_keeps_what_it_had(open_database: Open) -> None:
    async with open_database() as database:
        await database.write(ship, "web", "1", {"page": "a"})
        await database.write(ship, "web", "1", {"list": "b"})
        await database.write(ship, "web", "1", {"list": "b"})
        assert await database.read(list_everything) == {("web", "1", "page", "a"), ("web", "1", "list", "b")}
        (one,) = await database.read(persisted_documents.list_versions)
        assert (one.app, one.version, one.documents, one.uses, one.first_used_at) == ("web", "1", 2, 0, None)


async def test_of_two_texts_that_are_pushed_under_one_name_at_once_one_is_refused(open_database: Open) -> None:
    async with open_database() as one, open_database() as two:
        for attempt in range(5):
            pushes = (
                database.write(ship, app, "1", {f"n{attempt}": app}) for app, database in (("a", one), ("b", two))
            )
            done = await asyncio.gather(*pushes, return_exceptions=True)
            assert [type(result) for result in done if result is not None] == [NameTakenError]
            stored = await one.read(persisted_documents.find_document, f"n{attempt}")
            assert stored in (build_stored_document("a"), build_stored_document("b"))


async def test_what_one_retires_while_another_ships_it_stays(open_database: Open) -> None:
    async with open_database() as one, open_database() as two:
        for attempt in range(10):
            await one.write(ship, "old", str(attempt), {"page": "a"})
            await asyncio.gather(
                one.write(persisted_documents.retire_version, AppVersion("old", str(attempt))),
                two.write(ship, "new", str(attempt), {"page": "a"}),
            )
            assert await one.read(persisted_documents.find_document, "page") == build_stored_document("a")
            await one.write(persisted_documents.retire_version, AppVersion("new", str(attempt)))
            assert await one.read(persisted_documents.find_document, "page") is None


async def test_uses_that_two_processes_note_at_once_all_count(open_database: Open) -> None:
    names = [f"n{number}" for number in range(20)]
    async with open_database() as one, open_database() as two:
        await one.write(ship, "web", "1", {name: name for name in names})

        async def note(database: Database, order: list[str], minutes: int) -> None:
            for attempt in range(10):
                now = NOW + timedelta(minutes=minutes + attempt)
                await database.write(
                    persisted_documents.add_uses, [DocumentUsage(compute_id(name), 2, now, now) for name in order]
                )

        await asyncio.gather(note(one, names, 0), note(two, names[::-1], 5))
        for shipped in await one.read(persisted_documents.list_documents):
            assert shipped.uses == 40
            assert shipped.last_used_at == NOW + timedelta(minutes=14)


async def test_uses_of_what_was_retired_meanwhile_are_forgotten(open_database: Open) -> None:
    async with open_database() as database:
        await database.write(persisted_documents.add_uses, [DocumentUsage(compute_id("gone"), 1, NOW, NOW)])
        assert await database.read(persisted_documents.list_documents) == []


TEXTS = ("a", "b", "c")
VERSIONS = tuple(AppVersion(app, version) for app, version in itertools.product(("web", "app"), ("1", "2")))
STEPS = st.lists(
    st.tuples(st.sampled_from(VERSIONS), st.none() | st.sets(st.sampled_from(TEXTS), min_size=1)), max_size=12
)


def test_always_what_some_version_holds_is_found_and_nothing_else(examples: int) -> None:
    engine = sa.create_engine("sqlite://")
    tables.metadata.create_all(engine)

    @settings(max_examples=examples)
    @given(STEPS)
    def run(steps: list[tuple[AppVersion, set[str] | None]]) -> None:
        with engine.connect() as conn:
            held: dict[AppVersion, set[str]] = {}
            for version, texts in steps:
                if texts is None:
                    assert (persisted_documents.retire_version(conn, version) is None) == (version not in held)
                    held.pop(version, None)
                else:
                    ship(conn, version.app, version.version, {f"n{text}": text for text in texts})
                    held.setdefault(version, set()).update(texts)
            known = {text for texts in held.values() for text in texts}
            assert {text for text in TEXTS if persisted_documents.find_document(conn, f"n{text}") is not None} == known
            assert persisted_documents.find_document_ids(conn, [compute_id(text) for text in TEXTS]).keys() == {
                compute_id(text) for text in known
            }
            assert len(persisted_documents.list_versions(conn)) == len(held)
            conn.rollback()

    run()
