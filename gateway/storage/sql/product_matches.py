"""Products that match a search text, with their positions in the order of relevance (rules T2, T4).

Positions are whole numbers that both databases compute alike: 0 for a code, then the products with the fewest words
that are only similar, then those with the most points.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa

from gateway.model.search.ranking import MAX_POINTS
from gateway.model.search.terms import Phrase, SearchTerm, swap_plural
from gateway.storage.sql.planner_hints import skip_index
from gateway.storage.sql.text_search import Search, has_prefix
from gateway.storage.tables import Text, listings, product_words

PLURAL, SYNONYM, PREFIX, SIMILAR = 95, 90, 50, 80
"""Percent of its points that a word counts for if it is not the one that was searched for."""

_AS_SEARCHED = 100_000
"""Added to the points of a term that is not only similar: more than all terms of a search have together."""

_CODE_POSITION, _CODE_PREFIX_POSITION, _FIRST_POSITION = 0, 1, 10
_NO_CODE = 9_999_999
_WIDTH = 7
"""Digits of a position in a sort key."""

MIN_CODE_PREFIX = 3

_ALIKE = sa.Integer()


def select_matches(search: Search, channels: Sequence[str] | None) -> sa.Subquery:
    """Select the products that match, as `product_id` and `position`: the lowest comes first."""
    number = len(search.terms)
    by_words = [arm for index, term in enumerate(search.terms) for arm in _select_term(term, index, number)]
    by_code = [_select_coded(search, channels), *_select_code_prefix(search, channels)]
    every = sa.union_all(*by_words, *(_add_no_points(statement, number) for statement in by_code)).subquery("matching")
    points = [sa.func.max(every.c[_name_points(index)]) for index in range(number)]
    best = _FIRST_POSITION + number * (_AS_SEARCHED + MAX_POINTS)
    by_points = best - sum(points, start=sa.literal_column("0", _ALIKE))
    code = sa.func.min(every.c.code)
    has_code = code < _NO_CODE
    position = sa.case((has_code, code), else_=by_points).label("position")
    grouped = sa.select(every.c.product_id, position).group_by(every.c.product_id)
    has_all = sa.and_(sa.literal(number > 0), *(value > 0 for value in points))
    return grouped.having(sa.or_(has_code, has_all)).subquery("matches")


def build_sort_key(position: sa.ColumnElement[int], title: sa.ColumnElement[str]) -> sa.ColumnElement[str]:
    """Build the key that sorts by position, then by title."""
    digits = sa.func.substr(sa.cast(10**_WIDTH + position, Text), 2, _WIDTH)
    return sa.type_coerce(digits.concat(title), Text)


def is_sort_key(value: str | None) -> bool:
    """Return whether a text is a key of this order. Earlier versions had another one: 0 or 1, and the title."""
    return value is not None and value[:_WIDTH].isdecimal() and len(value) >= _WIDTH


# ------------------------------------------------------------------------------------------------ codes


def _select_coded(search: Search, channels: Sequence[str] | None) -> sa.Select[Any]:
    code = listings.c.sku_key == search.sku_key
    if search.gtins:
        code = sa.or_(code, listings.c.gtin.in_(search.gtins))
    return _select_listed(code, _CODE_POSITION, channels)


def _select_code_prefix(search: Search, channels: Sequence[str] | None) -> list[sa.Select[Any]]:
    """Select the products whose SKU begins with the text, if it looks like one: it has a digit."""
    key = search.sku_key
    if len(key) < MIN_CODE_PREFIX or not any(character.isdigit() for character in key):
        return []
    return [_select_listed(has_prefix(listings.c.sku_key, key), _CODE_PREFIX_POSITION, channels)]


def _select_listed(condition: sa.ColumnElement[bool], position: int, channels: Sequence[str] | None) -> sa.Select[Any]:
    """Select the products with such a live listing in one of these channels."""
    columns = (listings.c.product_id, sa.literal_column(str(position), _ALIKE).label("code"))
    listed = sa.select(*columns).where(listings.c.current, ~listings.c.gone, condition)
    return listed if channels is None else listed.where(skip_index(listings.c.channel).in_(channels))


def _add_no_points(statement: sa.Select[Any], number: int) -> sa.Select[Any]:
    """Add the columns of the points of all terms to the products with a code."""
    return statement.add_columns(*(_build_column(0, _name_points(index)) for index in range(number)))


# ------------------------------------------------------------------------------------------------ words


def _select_term(term: SearchTerm, index: int, number: int) -> Iterator[sa.Select[Any]]:
    """Select the products that have a term in any of its forms, with their points in the column of the term."""
    for phrase, percent in ((term.phrase, 100), *((phrase, SYNONYM) for phrase in term.synonyms)):
        is_prefix = term.is_prefix and phrase is term.phrase
        yield _put_points(_select_phrase(phrase, percent, is_prefix), index, number)
    if term.similar:
        yield _put_points(_select_words([(word, SIMILAR) for word in term.similar], None, 1), index, number)


def _put_points(statement: sa.Select[Any], index: int, number: int) -> sa.Select[Any]:
    """Put the points of a statement in the column of a term, and none in those of the others."""
    product_id, points = statement.selected_columns
    columns = [
        points.label(_name_points(at)) if at == index else _build_column(0, _name_points(at)) for at in range(number)
    ]
    return statement.with_only_columns(
        product_id, _build_column(_NO_CODE, "code"), *columns, maintain_column_froms=True
    )


def _name_points(index: int) -> str:
    return f"points{index}"


def _build_column(value: int, name: str) -> sa.Label[int]:
    return sa.literal_column(str(value), _ALIKE).label(name)


def _select_phrase(phrase: Phrase, percent: int, is_prefix: bool) -> sa.Select[Any]:
    """Select the products that have all words of a phrase, with their average points."""
    last = len(phrase) - 1
    selects = [
        _select_words(_list_forms(word, percent), word if is_prefix and number == last else None, _AS_SEARCHED)
        for number, word in enumerate(phrase)
    ]
    if len(selects) == 1:
        return selects[0]
    best = [_select_best(statement.subquery()) for statement in selects]
    every = sa.union_all(*best).subquery()
    points = sa.cast(sa.func.sum(every.c.points) // len(phrase), _ALIKE).label("points")
    grouped = sa.select(every.c.product_id, points).group_by(every.c.product_id)
    whole = grouped.having(sa.func.count() == len(phrase)).subquery()
    return sa.select(whole.c.product_id, whole.c.points)


def _select_best(words: sa.Subquery) -> sa.Select[Any]:
    best = sa.func.max(words.c.points).label("points")
    return sa.select(words.c.product_id, best).group_by(words.c.product_id)


def _list_forms(word: str, percent: int) -> list[tuple[str, int]]:
    other = swap_plural(word)
    return [(word, percent)] if other is None else [(word, percent), (other, percent * PLURAL // 100)]


def _select_words(forms: Sequence[tuple[str, int]], prefix: str | None, base: int) -> sa.Select[Any]:
    """Select the products that have one of these words, or one with this prefix, with the points of each."""
    word = product_words.c.word
    condition: sa.ColumnElement[bool] = word.in_([form for form, _ in forms if form != prefix])
    if prefix is not None:
        condition = sa.or_(has_prefix(word, prefix), condition) if len(forms) > 1 else has_prefix(word, prefix)
    points = base + (MAX_POINTS - product_words.c.rank) * _build_percent(forms) // 100
    return sa.select(product_words.c.product_id, points.label("points")).where(condition)


def _build_percent(forms: Sequence[tuple[str, int]]) -> sa.ColumnElement[int]:
    """Build the percentage of a word's points: that of its form, or of a word that only begins so."""
    whens = [(product_words.c.word == word, sa.literal_column(str(percent), _ALIKE)) for word, percent in forms]
    return sa.case(*whens, else_=sa.literal_column(str(PREFIX), _ALIKE))
