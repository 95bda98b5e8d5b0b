"""Both databases find the same products in the same order, with one wrong letter too (rules T2, T4, T5)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.model.search.terms import build_synonym_table
from gateway.storage.database import Database
from tests.conftest import create_database
from tests.search.indexed_products import OpenedDatabase, fill, find

WORDS = (
    "lantern",
    "lanterns",
    "lander",
    "red",
    "reds",
    "sofa",
    "couch",
    "tea",
    "light",
    "größe",
    "łóżko",
    "500ml",
    "宇治抹茶",
)
LONG_WORDS = ("lantern", "lanterns", "lander", "couch", "light", "łóżko")
TITLES = st.lists(st.lists(st.sampled_from(WORDS), min_size=1, max_size=4).map(" ".join), max_size=12)
LETTERS = st.sampled_from("abdelnrstxłö")
SYNONYMS = build_synonym_table([["sofa", "couch"], ["tea light", "lantern"]])
MANY = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@st.composite
def change_letter(draw: st.DrawFn, word: str) -> str:
    """Make one mistake in a word: another letter, one more, one less, or two exchanged."""
    at, letter = draw(st.integers(0, len(word) - 1)), draw(LETTERS)
    mistakes = [word[:at] + letter + word[at + 1 :], word[:at] + letter + word[at:], word[:at] + word[at + 1 :]]
    if at + 1 < len(word):
        mistakes.append(word[:at] + word[at + 1] + word[at] + word[at + 2 :])
    return draw(st.sampled_from(mistakes))


QUERIES = st.lists(
    st.one_of(
        st.sampled_from(WORDS),
        st.sampled_from(WORDS).flatmap(change_letter),
        st.sampled_from(WORDS).map(lambda word: word[: len(word) // 2 + 1]),
    ),
    min_size=1,
    max_size=3,
).map(" ".join)


@pytest.fixture
def both(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[list[OpenedDatabase]]:
    """A SQLite and a PostgreSQL database."""
    with (
        create_database(request, "sqlite", tmp_path) as one,
        create_database(request, "postgresql", tmp_path) as other,
        asyncio.Runner() as runner,
    ):
        opened = [OpenedDatabase(Database(url), runner) for url in (one, other)]
        yield opened
        for database in opened:
            runner.run(database.database.close())


@MANY
@given(titles=TITLES, queries=st.lists(QUERIES, min_size=1, max_size=8), to_all=st.booleans())
def test_both_databases_find_the_same_in_the_same_order(
    both: list[OpenedDatabase], titles: list[str], queries: list[str], to_all: bool
) -> None:
    for database in both:
        database.write(fill(titles))
    for query in queries:
        one, other = (database.read(find(query, SYNONYMS, to_all=to_all)) for database in both)
        assert one == other, query


@MANY
@given(titles=TITLES, word=st.sampled_from(LONG_WORDS), data=st.data())
def test_a_word_is_found_with_one_wrong_letter_after_what_matches_exactly(
    both: list[OpenedDatabase], titles: list[str], word: str, data: st.DataObject
) -> None:
    mistyped = data.draw(change_letter(word))
    database = data.draw(st.sampled_from(both))
    database.write(fill([*titles, f"the {word}"]))
    exact = [title for title in database.read(find(mistyped, to_all=False)) if mistyped in title.split()]
    found = database.read(find(mistyped))
    assert f"the {word}" in found
    assert found[: len(exact)] == exact


def test_words_of_four_letters_codes_and_two_mistakes_are_not_forgiven(both: list[OpenedDatabase]) -> None:
    """Proof that the test above does not find everything."""
    for database in both:
        database.write(fill(["tray", "lantern", "500ml12"]))
        assert [database.read(find(text)) for text in ("trsy", "lenterm", "500mk12")] == [[], [], []]
        assert database.read(find("lenter")) == []
