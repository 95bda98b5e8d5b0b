"""Products that match a search text, with their positions in the order of relevance (rules T2, T4).

Positions are whole numbers that both databases compute alike: 0 for a code, then the products with the fewest words
that are only similar, then those with the most points.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from gateway.model.search.ranking import MAX_POINTS
from gateway.model.search.terms import Phrase, SearchTerm, swap_plural
from gateway.storage.sql.text_search import Search, has_prefix
from gateway.storage.tables import Text, listings, product_words

PLURAL, SYNONYM, PREFIX, SIMILAR = 95, 90, 50, 80
"""Percent of its points that a word counts for if it is not the one that was searched for."""

_AS_SEARCHED = 100_000
"""Added to the points of a term that is not only similar: more than all terms of a search have together."""

_CODE_POSITION, _CODE_PREFIX_POSITION, _FIRST_POSITION = 0, 1, 10
_WIDTH = 7
"""Digits of a position in a sort key."""

MIN_CODE_PREFIX = 3

_ALIKE = sa.Integer()


def select_matches(search: Search, channels: Sequence[str] | None) -> sa.Subquery:
    """Select the products that match, as `product_id` and `position`: the lowest comes first."""
    by_code = [_select_coded(search, channels), *_select_code_prefix(search, channels)]
    by_words = [_select_by_terms(search.terms)] if search.terms else []
    every = sa.union_all(*by_words, *by_code).subquery("matching")
    position = sa.func.min(every.c.position).label("position")
    return sa.select(every.c.product_id, position).group_by(every.c.product_id).subquery("matches")


def build_sort_key(position: sa.ColumnElement[int], title: sa.ColumnElement[str]) -> sa.ColumnElement[str]:
    """Build the key that sorts by position, then by title."""
    digits = sa.func.substr(sa.cast(10**_WIDTH + position, Text), 2, _WIDTH)
    return sa.type_coerce(digits.concat(title), Text)


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
    columns = (listings.c.product_id, sa.literal_column(str(position), _ALIKE).label("position"))
    listed = sa.select(*columns).where(listings.c.current, ~listings.c.gone, condition)
    return listed if channels is None else listed.where(listings.c.channel.in_(channels))


# ------------------------------------------------------------------------------------------------ words


def _select_by_terms(terms: Sequence[SearchTerm]) -> sa.Select[Any]:
    """Select the products that have all terms."""
    best = _FIRST_POSITION + len(terms) * (_AS_SEARCHED + MAX_POINTS)
    if len(terms) == 1:
        single = _select_term(terms[0]).subquery()
        return sa.select(single.c.product_id, (best - single.c.points).label("position"))
    every = sa.union_all(*map(_select_term, terms)).subquery()
    position = (best - sa.func.sum(every.c.points)).label("position")
    return _require_all(sa.select(every.c.product_id, sa.cast(position, _ALIKE).label("position")), every, len(terms))


def _require_all(statement: sa.Select[Any], every: sa.Subquery, number: int) -> sa.Select[Any]:
    return statement.group_by(every.c.product_id).having(sa.func.count() == number)


def _select_term(term: SearchTerm) -> sa.Select[Any]:
    """Select the products that have a term in any of its forms, with the points of the best one."""
    phrases = [(term.phrase, 100, term.is_prefix), *((phrase, SYNONYM, False) for phrase in term.synonyms)]
    forms = [_select_phrase(*item) for item in phrases]
    if term.similar:
        forms.append(_select_words([(word, SIMILAR) for word in term.similar], None, 0))
    if len(forms) == 1:
        return forms[0]
    every = sa.union_all(*forms).subquery()
    return sa.select(every.c.product_id, sa.func.max(every.c.points).label("points")).group_by(every.c.product_id)


def _select_phrase(phrase: Phrase, percent: int, is_prefix: bool) -> sa.Select[Any]:
    """Select the products that have all words of a phrase, with their average points."""
    last = len(phrase) - 1
    selects = [
        _select_words(_list_forms(word, percent), word if is_prefix and number == last else None, _AS_SEARCHED)
        for number, word in enumerate(phrase)
    ]
    if len(selects) == 1:
        return selects[0]
    every = sa.union_all(*selects).subquery()
    points = sa.cast(sa.func.sum(every.c.points) // len(phrase), _ALIKE).label("points")
    return _require_all(sa.select(every.c.product_id, points), every, len(phrase))


def _list_forms(word: str, percent: int) -> list[tuple[str, int]]:
    other = swap_plural(word)
    return [(word, percent)] if other is None else [(word, percent), (other, percent * PLURAL // 100)]


def _select_words(forms: Sequence[tuple[str, int]], prefix: str | None, base: int) -> sa.Select[Any]:
    """Select the products that have one of these words, or one with this prefix, with the points of the best one."""
    word = product_words.c.word
    condition: sa.ColumnElement[bool] = word.in_([form for form, _ in forms if form != prefix])
    if prefix is not None:
        condition = sa.or_(has_prefix(word, prefix), condition) if len(forms) > 1 else has_prefix(word, prefix)
    points = base + (MAX_POINTS - product_words.c.rank) * _build_percent(forms) // 100
    best = sa.func.max(points).label("points")
    return sa.select(product_words.c.product_id, best).where(condition).group_by(product_words.c.product_id)


def _build_percent(forms: Sequence[tuple[str, int]]) -> sa.ColumnElement[int]:
    """Build the percentage of a word's points: that of its form, or of a word that only begins so."""
    whens = [(product_words.c.word == word, sa.literal_column(str(percent), _ALIKE)) for word, percent in forms]
    return sa.case(*whens, else_=sa.literal_column(str(PREFIX), _ALIKE))
