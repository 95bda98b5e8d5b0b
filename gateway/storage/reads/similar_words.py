"""Similar words: what a search text also matches because one of its letters may be wrong (rule T5)."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.model.search.terms import SearchTerm, swap_plural
from gateway.model.search.word_edits import MAX_WORD_LENGTH, MIN_WORD_LENGTH, is_similar, list_edits
from gateway.storage.reads.catalog import Visibility, is_product_visible
from gateway.storage.sql.text_search import LAST_CHARACTER, Search
from gateway.storage.tables import product_words, products, word_edits

MIN_PRODUCTS = 3
"""A word that fewer products have may be a typing error, in the search or in the catalog."""

MAX_SIMILAR = 30


def add_similar_words(conn: Connection, search: Search, visibility: Visibility, *, to_all: bool = False) -> Search:
    """Add to the words of a search those that differ by one letter: to rare words, or to all.

    Rare is a word that fewer than `MIN_PRODUCTS` products have which the caller sees (rule X1).
    """
    terms = tuple(
        _add_to_term(conn, term) if to_all or _is_rare(conn, term, visibility) else term for term in search.terms
    )
    return replace(search, terms=terms, is_tolerant=to_all and terms != search.terms)


def _add_to_term(conn: Connection, term: SearchTerm) -> SearchTerm:
    if not _may_be_mistyped(term):
        return term
    (word,) = term.phrase
    others = find_similar_words(conn, word) - {word, swap_plural(word)}
    return replace(term, similar=tuple(sorted(others)[:MAX_SIMILAR]))


def find_similar_words(conn: Connection, word: str) -> set[str]:
    """Find the words of products that equal a word, or differ by one letter."""
    statement = sa.select(word_edits.c.word).where(word_edits.c.edit.in_(sorted(list_edits(word)))).distinct()
    return {found for found in conn.scalars(statement) if is_similar(word, found)}


def _may_be_mistyped(term: SearchTerm) -> bool:
    """Return whether a term is one word that may be one of the catalog with a letter wrong, or without one."""
    word = term.phrase[0]
    return len(term.phrase) == 1 and MIN_WORD_LENGTH - 1 <= len(word) <= MAX_WORD_LENGTH + 1 and word.isalpha()


def _is_rare(conn: Connection, term: SearchTerm, visibility: Visibility) -> bool:
    if not _may_be_mistyped(term):
        return False
    (word,) = term.phrase
    forms = {word, swap_plural(word) or word, *(phrase[0] for phrase in term.synonyms if len(phrase) == 1)}
    bounds = {"prefix": word, "prefix_end": word + LAST_CHARACTER} if term.is_prefix else {}
    statement = _build_visible_words(visibility, is_prefix=term.is_prefix)
    return len(conn.execute(statement, {"forms": sorted(forms), **bounds}).all()) < MIN_PRODUCTS


@lru_cache(64)  # building a statement takes longer than running it
def _build_visible_words(visibility: Visibility, *, is_prefix: bool) -> sa.Select[Any]:
    """Build the select of visible products that have one of `forms`, or a word that begins with `prefix`."""
    word = product_words.c.word
    has_word: sa.ColumnElement[bool] = word.in_(sa.bindparam("forms", expanding=True))
    if is_prefix:
        has_word = sa.or_(sa.and_(word >= sa.bindparam("prefix"), word < sa.bindparam("prefix_end")), has_word)
    # a subquery of each row: a join, of which only a few rows are needed, PostgreSQL would compute as a whole
    shown = sa.select(sa.literal(1)).where(products.c.id == product_words.c.product_id, is_product_visible(visibility))
    is_shown = shown.correlate(product_words).scalar_subquery().is_not(None)
    return sa.select(sa.literal(1)).select_from(product_words).where(has_word, is_shown).limit(MIN_PRODUCTS)
