"""Writes of the search index of products: their words with ranks, and the edits of words (rules T4, T5)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.model.search.word_edits import has_edits, list_edits
from gateway.storage.sql.bulk import BulkSelect, build_delete, build_insert_new
from gateway.storage.tables import product_words, word_edits


class HasSearchIndex(Protocol):
    """A product with its index text."""

    @property
    def id(self) -> str: ...

    @property
    def search_index(self) -> str | None: ...


class ProductWordRow(NamedTuple):
    """A row of `product_words`."""

    word: str
    rank: int
    product_id: str


class WordEditRow(NamedTuple):
    """A row of `word_edits`."""

    edit: str
    word: str


_insert = build_insert_new(product_words, ProductWordRow._fields)
_delete = build_delete(product_words, ProductWordRow._fields)
_edit_insert = build_insert_new(word_edits, WordEditRow._fields)
_known_words = BulkSelect(sa.select(word_edits.c.word).where(word_edits.c.edit == word_edits.c.word), word_edits.c.edit)


def format_index(ranks: Mapping[str, int]) -> str:
    """Format the words of a product with their ranks, as its row stores them."""
    return " ".join([f"{word}:{ranks[word]}" for word in sorted(ranks)])


def store_index(conn: Connection, rows: Sequence[HasSearchIndex], known: Mapping[str, HasSearchIndex]) -> None:
    """Replace the words of products in the search index."""
    before, after = _build_rows(known[row.id] for row in rows if row.id in known), _build_rows(rows)
    _delete.run(conn, before - after)
    added = sorted(after - before)
    _insert.run(conn, added)
    _store_edits(conn, {row.word for row in added if has_edits(row.word)})


def remove_from_index(conn: Connection, rows: Sequence[HasSearchIndex]) -> None:
    """Remove products from the search index."""
    _delete.run(conn, _build_rows(rows))


def _store_edits(conn: Connection, words: set[str]) -> None:
    """Store the edits of words that no product had before. They stay when no product has the word any more."""
    new = words - {row.word for row in _known_words.select(conn, words)}
    _edit_insert.run(conn, sorted(WordEditRow(edit, word) for word in new for edit in list_edits(word)))


def _build_rows(rows: Iterable[HasSearchIndex]) -> set[ProductWordRow]:
    return {_parse_row(pair, row.id) for row in rows for pair in (row.search_index or "").split()}


def _parse_row(pair: str, product_id: str) -> ProductWordRow:
    word, _, rank = pair.partition(":")
    return ProductWordRow(word, int(rank), product_id)
