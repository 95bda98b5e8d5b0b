"""Reads of what is suggested while a search text is typed: only what the caller sees (rules T7, X1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.model.catalog import Category
from gateway.model.search.completion import is_begun, list_title_words
from gateway.storage.reads.catalog import find_categories_by_title, is_product_visible
from gateway.storage.reads.product_search import ProductQuery, find_product_titles
from gateway.storage.reads.similar_words import add_similar_words
from gateway.storage.sql.text_search import Search, has_prefix
from gateway.storage.tables import offers, product_words, products

MAX_CANDIDATES = 60
"""Products whose titles complete the text."""

MAX_WORDS, MAX_WORD_PRODUCTS = 12, 8
"""Of a single word that is typed: how many words that begin so are used, and how many products of each."""

MAX_SCANNED = 20_000
"""Rows of the index that are counted to choose these words."""

MAX_CATEGORIES, MAX_SCANNED_CATEGORIES = 5, 200


@dataclass(frozen=True, slots=True)
class Suggestions:
    """Products, as pairs of id and title, the best ones first, and categories."""

    products: Sequence[tuple[str, str]]
    categories: Sequence[Category]


def find_suggestions(conn: Connection, query: ProductQuery, search: Search, runs: Sequence[str]) -> Suggestions:
    """Find what is suggested for a text that is typed.

    Args:
        query: the products to suggest, without their search.
        runs: the words of the text, as `split_runs` splits it.
    """
    return Suggestions(_find_products(conn, query, search), _find_categories(conn, query, runs))


def _find_products(conn: Connection, query: ProductQuery, search: Search) -> Sequence[tuple[str, str]]:
    word = search.words[-1]
    if len(search.words) == 1 and word.isalpha():
        found = _find_by_beginning(conn, query, word)
    else:
        found = find_product_titles(conn, replace(query, search=search), MAX_CANDIDATES)
    if found:
        return found
    tolerant = add_similar_words(conn, search, query.visibility, to_all=True)
    return find_product_titles(conn, replace(query, search=tolerant), MAX_CANDIDATES)


def _find_by_beginning(conn: Connection, query: ProductQuery, beginning: str) -> Sequence[tuple[str, str]]:
    """Find the best products of the most frequent words that begin so, without reading all that have one."""
    words = _find_words(conn, beginning)
    if not words:
        return ()
    selects = [_select_best(query, word, own=word == beginning) for word in words]
    best = sa.union_all(*(sa.select(select.subquery()) for select in selects)).subquery()
    order = sa.func.min(best.c.rank)
    statement = sa.select(best.c.id, best.c.title).group_by(best.c.id, best.c.title, best.c.sort_title)
    ordered = statement.order_by(order, best.c.sort_title, best.c.id).limit(MAX_CANDIDATES)
    return [(row.id, row.title) for row in conn.execute(ordered)]


def _find_words(conn: Connection, beginning: str) -> Sequence[str]:
    """Find the most frequent words that begin so."""
    word = product_words.c.word
    scanned = sa.select(word).where(has_prefix(word, beginning)).order_by(word).limit(MAX_SCANNED).subquery()
    number = sa.func.count()
    statement = sa.select(scanned.c.word).group_by(scanned.c.word)
    ordered = statement.order_by(scanned.c.word != beginning, number.desc(), scanned.c.word).limit(MAX_WORDS)
    return list(conn.scalars(ordered))


def _select_best(query: ProductQuery, word: str, *, own: bool) -> sa.Select[Any]:
    """Select the best products of a word. Those of a longer word than was typed come after all others."""
    rank = product_words.c.rank if own else product_words.c.rank + 1_000
    columns = (rank.label("rank"), products.c.id, products.c.title, products.c.sort_title)
    joined = sa.select(*columns).join_from(product_words, products, products.c.id == product_words.c.product_id)
    visible = joined.where(product_words.c.word == word, is_product_visible(query.visibility))
    if query.channels is not None:
        listed = sa.select(offers.c.product_id).where(
            offers.c.product_id == product_words.c.product_id, offers.c.channel.in_(query.channels)
        )
        visible = visible.where(listed.correlate(product_words).exists())
    return visible.order_by(product_words.c.rank, product_words.c.product_id).limit(MAX_WORD_PRODUCTS)


def _find_categories(conn: Connection, query: ProductQuery, runs: Sequence[str]) -> Sequence[Category]:
    """Find the categories whose titles have all words, the last one as a beginning."""
    *whole, last = runs
    categories = find_categories_by_title(conn, last, query.visibility, MAX_SCANNED_CATEGORIES)
    return [category for category in categories if _has_words(category.title, whole, last)][:MAX_CATEGORIES]


def _has_words(title: str, whole: Sequence[str], last: str) -> bool:
    words = [word.folded for word in list_title_words(title)]
    return set(whole) <= set(words) and any(is_begun(word, last) for word in words)
