"""Text search by words (rule T2): every word must match, the last one may match as a prefix."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa

from gateway.model import validation
from gateway.model.search.ranking import MAX_INDEXED_LENGTH
from gateway.model.search.terms import SearchTerm, SynonymTable, build_terms
from gateway.model.search.text import split_search_words, split_words
from gateway.storage.tables import words

MAX_WORD_LENGTH = MAX_INDEXED_LENGTH
"""Words are indexed up to this length, in characters."""

MAX_SEARCH_TERMS = 32
"""A search text is searched for by at most so many terms, its last ones: each is a condition of the statement."""

LAST_CHARACTER = "\U0010ffff"
"""Sorts after every other character on both databases."""


@dataclass(frozen=True, slots=True)
class Search:
    """A parsed search text: its words, and the SKU and the GTINs that the whole text may be.

    Attributes:
        terms: the words with what a product may have instead.
        is_tolerant: words similar to all of them were added, because no product has them.
    """

    words: tuple[str, ...]
    sku_key: str
    gtins: tuple[str, ...]
    terms: tuple[SearchTerm, ...] = ()
    is_tolerant: bool = False

    def list_words(self) -> list[str]:
        """List the words that are searched for, with synonyms and similar ones."""
        others = [word for term in self.terms for phrase in (*term.synonyms, term.similar) for word in phrase]
        return [*self.words, *others]


def join_words(texts: Iterable[str]) -> str:
    """Join the distinct words of texts as they are stored: sorted, separated by spaces."""
    return " ".join(sorted({word[:MAX_WORD_LENGTH] for text in texts for word in split_words(text)}))


def parse_search_text(text: str | None, synonyms: SynonymTable = MappingProxyType({})) -> Search | None:
    """Parse a search text; None if it is blank."""
    if text is None or not text.strip():
        return None
    words = list(dict.fromkeys(split_search_words(text)))[-MAX_SEARCH_TERMS:]
    sku_key, gtins = validation.normalize_sku(text), validation.list_gtins(text)
    return Search(tuple(words), sku_key, gtins, build_terms([word[:MAX_WORD_LENGTH] for word in words], synonyms))


def has_words(kind: str, subject: sa.ColumnElement[str], search_words: Sequence[str]) -> sa.ColumnElement[bool]:
    """Build the condition that the subject has all of these words."""
    if not search_words:
        return sa.false()
    *whole, last = (word[:MAX_WORD_LENGTH] for word in search_words)
    conditions = [subject.in_(_select_subjects(kind, words.c.word == word)) for word in whole]
    return sa.and_(*conditions, subject.in_(_select_subjects(kind, has_prefix(words.c.word, last))))


def has_prefix(column: sa.ColumnElement[Any], prefix: str) -> sa.ColumnElement[bool]:
    """Build the condition that a text column begins with this text."""
    return sa.and_(column >= prefix, column < prefix + LAST_CHARACTER)


def _select_subjects(kind: str, condition: sa.ColumnElement[bool]) -> sa.Select[Any]:
    return sa.select(words.c.subject_id).where(words.c.kind == kind, condition)
