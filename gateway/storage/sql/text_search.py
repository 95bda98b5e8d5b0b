"""Text search by words (rule T2): every word must match, the last one may match as a prefix."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from gateway.model import validation
from gateway.model.search_text import split_search_words, split_words
from gateway.storage.tables import listings, words

MAX_WORD_LENGTH = 40
"""Words are indexed up to this length, in characters."""

MAX_SEARCH_TERMS = 32
"""A search text is searched for by at most so many terms, its last ones: each is a condition of the statement."""

_LAST = "\U0010ffff"  # sorts after every other character on both databases


@dataclass(frozen=True, slots=True)
class Search:
    """A parsed search text: its words, and the SKU and the GTINs that the whole text may be."""

    words: tuple[str, ...]
    sku_key: str
    gtins: tuple[str, ...]


def join_words(texts: Iterable[str]) -> str:
    """Join the distinct words of texts as they are stored: sorted, separated by spaces."""
    return " ".join(sorted({word[:MAX_WORD_LENGTH] for text in texts for word in split_words(text)}))


def parse_search_text(text: str | None) -> Search | None:
    """Parse a search text; None if it is blank."""
    if text is None or not text.strip():
        return None
    words = list(dict.fromkeys(split_search_words(text)))[-MAX_SEARCH_TERMS:]
    return Search(tuple(words), validation.normalize_sku(text), validation.list_gtins(text))


def has_words(kind: str, subject: sa.ColumnElement[str], search_words: Sequence[str]) -> sa.ColumnElement[bool]:
    """Build the condition that the subject has all of these words."""
    if not search_words:
        return sa.false()
    *whole, last = (word[:MAX_WORD_LENGTH] for word in search_words)
    conditions = [subject.in_(_select_subjects(kind, words.c.word == word)) for word in whole]
    return sa.and_(*conditions, subject.in_(_select_subjects(kind, _has_prefix(last))))


def _has_prefix(prefix: str) -> sa.ColumnElement[bool]:
    return sa.and_(words.c.word >= prefix, words.c.word < prefix + _LAST)


def _select_subjects(kind: str, condition: sa.ColumnElement[bool]) -> sa.Select[Any]:
    return sa.select(words.c.subject_id).where(words.c.kind == kind, condition)


def has_code(
    product_id: sa.ColumnElement[str], search: Search, channels: Sequence[str] | None = None
) -> sa.ColumnElement[bool]:
    """Build the condition that a live listing of the product in one of these channels has this SKU or GTIN."""
    code = listings.c.sku_key == search.sku_key
    if search.gtins:
        code = sa.or_(code, listings.c.gtin.in_(search.gtins))
    coded = sa.select(listings.c.product_id).where(listings.c.current, ~listings.c.gone, code)
    return product_id.in_(coded if channels is None else coded.where(listings.c.channel.in_(channels)))
