"""Finding by words (rule T2): every word must be there, the last one may be the beginning of one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from gateway.model import values
from gateway.model.values import InvalidValueError
from gateway.storage.tables import listings, words

LONGEST = 40
"""Words are kept up to this length."""

_LAST = "\U0010ffff"  # sorts after every other character, on both databases


@dataclass(frozen=True, slots=True)
class Search:
    """What was typed: its words, and the codes that it may be as a whole."""

    words: tuple[str, ...]
    sku_key: str
    gtin: str | None


def kept_words(texts: Iterable[str]) -> str:
    """The words of these texts as they are kept: in order, with spaces between them."""
    return " ".join(sorted({word[:LONGEST] for text in texts for word in values.words(text)}))


def search_for(text: str | None) -> Search | None:
    """What this text searches for; None where it is blank."""
    if text is None or not text.strip():
        return None
    return Search(tuple(values.words(text)), values.sku_key(text), _gtin(text))


def _gtin(text: str) -> str | None:
    try:
        return values.gtin("search", text)
    except InvalidValueError:
        return None


def has_words(kind: str, subject: sa.ColumnElement[str], wanted: Sequence[str]) -> sa.ColumnElement[bool]:
    """That the subject has all of these words."""
    if not wanted:
        return sa.false()
    *whole, last = (word[:LONGEST] for word in wanted)
    found = [subject.in_(_subjects(kind, words.c.word == word)) for word in whole]
    return sa.and_(*found, subject.in_(_subjects(kind, _begins(last))))


def _begins(prefix: str) -> sa.ColumnElement[bool]:
    return sa.and_(words.c.word >= prefix, words.c.word < prefix + _LAST)


def _subjects(kind: str, condition: sa.ColumnElement[bool]) -> sa.Select[Any]:
    return sa.select(words.c.subject_id).where(words.c.kind == kind, condition)


def has_code(product_id: sa.ColumnElement[str], search: Search) -> sa.ColumnElement[bool]:
    """That a live listing of the product has exactly this SKU or GTIN."""
    code = listings.c.sku_key == search.sku_key
    if search.gtin is not None:
        code = sa.or_(code, listings.c.gtin == search.gtin)
    return product_id.in_(sa.select(listings.c.product_id).where(listings.c.current, ~listings.c.gone, code))
