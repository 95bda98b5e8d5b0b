"""The order of search results: what a product is about (rules T4, T5, T6)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from gateway.model.search.ranking import (
    BRAND,
    CATEGORY,
    DESCRIPTION,
    OPTIONS,
    TAGS,
    TITLE,
    SearchField,
    rank_words,
)
from gateway.model.search.terms import build_synonym_table
from gateway.model.search.word_edits import is_similar, list_edits
from gateway.settings.search import MAX_GROUP_SIZE
from gateway.storage.database import Database
from gateway.storage.sql.text_search import MAX_SEARCH_TERMS
from tests.search.indexed_products import OpenedDatabase, fill, find


@pytest.fixture
def opened(database_url: str) -> Iterator[OpenedDatabase]:
    with asyncio.Runner() as runner:
        database = Database(database_url)
        yield OpenedDatabase(database, runner)
        runner.run(database.close())


def rank_in(field: SearchField, length: int) -> int:
    """Return the rank of a word in a text of this many words."""
    return rank_words([(field, " ".join(["lamp", *(f"w{n}" for n in range(length - 1))]))])["lamp"]


def test_a_field_counts_more_than_the_next_one() -> None:
    ranks = [rank_in(field, int(field.average)) for field in (TITLE, BRAND, OPTIONS, CATEGORY, DESCRIPTION)]
    assert ranks == sorted(set(ranks))
    assert rank_in(TAGS, 5) == rank_in(CATEGORY, 3)


def test_a_word_counts_more_in_a_short_text_and_in_several_fields() -> None:
    assert rank_in(TITLE, 2) < rank_in(TITLE, 3) < rank_in(TITLE, 12)
    assert rank_words([(TITLE, "red lamp"), (TAGS, "lamp")])["lamp"] < rank_words([(TITLE, "red lamp")])["lamp"]


def test_only_the_first_words_of_a_long_description_are_indexed() -> None:
    text = " ".join(f"w{n}" for n in range(1_000))
    assert len(rank_words([(DESCRIPTION, text)])) == DESCRIPTION.longest


@pytest.mark.parametrize(
    ("one", "other", "similar"),
    [
        ("lantern", "lantern", True),
        ("lantern", "lamtern", True),
        ("lantern", "lanternx", True),
        ("lantern", "antern", True),
        ("lantern", "lantren", True),
        ("lantern", "lanetrn", True),
        ("lantern", "antrnle", False),
        ("abcde", "bcdea", False),
        ("lantern", "lamterm", False),
        ("lantern", "lanten s", False),
    ],
)
def test_similar_words_differ_by_one_letter(one: str, other: str, similar: bool) -> None:
    assert (is_similar(one, other), is_similar(other, one)) == (similar, similar)
    assert not similar or list_edits(one) & list_edits(other)


def test_forms_of_a_word_are_ordered(opened: OpenedDatabase) -> None:
    opened.write(fill(["a lamps", "a lampshade", "a lamp", "a lump", "a lantern"]))
    synonyms = build_synonym_table([["lamp", "lantern"]])
    assert opened.read(find("lamp", synonyms)) == ["a lamp", "a lamps", "a lantern", "a lampshade"]


def test_what_is_only_similar_comes_last_however_much_it_is_about_it(opened: OpenedDatabase) -> None:
    opened.write(fill(["cushion", "one of the many things beside a cushoin"]))
    assert opened.read(find("cushoin")) == ["one of the many things beside a cushoin", "cushion"]


def test_similar_words_are_tried_for_rare_words_only(opened: OpenedDatabase) -> None:
    opened.write(fill(["white mouse", "grey mouse", "mouse", "house", "horse"]))
    assert opened.read(find("mouse", to_all=False)) == ["mouse", "grey mouse", "white mouse"]
    assert opened.read(find("house", to_all=False)) == ["house", "horse", "mouse", "grey mouse", "white mouse"]


def test_a_synonym_may_have_several_words(opened: OpenedDatabase) -> None:
    opened.write(fill(["glass tea light", "glass votive", "tea", "light"]))
    synonyms = build_synonym_table([["tea light", "votive"]])
    for text in ("tea light", "votive", "glass votive", "tea lig"):
        found = opened.read(find(text, synonyms, to_all=False))
        assert sorted(found) == ["glass tea light", "glass votive"][: 1 if text == "tea lig" else 2], text


def test_the_largest_search_with_the_most_synonyms_is_run(opened: OpenedDatabase) -> None:
    words = ["".join(chr(97 + (number * 7 + at) % 26) for at in range(6)) for number in range(MAX_SEARCH_TERMS)]
    synonyms = build_synonym_table([[word, *(f"{word}{n}x" for n in range(MAX_GROUP_SIZE - 1))] for word in words])
    opened.write(fill([" ".join(words), *(f"{word[:-1]}{word[0]}" for word in words)]))
    assert len(opened.read(find(" ".join(words), synonyms))) == 1
