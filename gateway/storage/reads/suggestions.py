"""Reads of what is suggested while a search text is typed: only what the caller sees (rules T7, X1)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.model.catalog import Category, Collection
from gateway.model.search.completion import is_begun, list_title_words
from gateway.model.search.ranking import MAX_POINTS
from gateway.storage.reads.catalog import find_categories_by_title, is_product_visible
from gateway.storage.reads.merchandising.collections import find_collections_by_title
from gateway.storage.reads.product_search import ProductQuery, find_product_titles
from gateway.storage.reads.similar_words import add_similar_words
from gateway.storage.sql.text_search import Search, has_prefix
from gateway.storage.tables import Text, offers, product_words, products

MAX_CANDIDATES = 60
"""Products whose titles complete the text."""

MAX_WORDS, MAX_WORD_PRODUCTS = 12, 8
"""Of a single word that is typed: how many words that begin so are used, and how many products of each."""

MAX_SCANNED = 20_000
"""Rows of the index that are counted to choose these words."""

MAX_SCANNED_PRODUCTS, MAX_SCORED = 1_000, 120
"""Of several words: how many of the best products of the first one are searched for the others, and how many of them
are ordered.
"""

MAX_CATEGORIES, MAX_SCANNED_CATEGORIES = 5, 200
MAX_COLLECTIONS = 5


Title = tuple[str, str]
"""The id and the title of a product."""


@dataclass(frozen=True, slots=True)
class Suggestions:
    """Products, the best ones first, categories and collections.

    Attributes:
        corrections: what the last word may have been meant to be, if no product has it.
    """

    products: Sequence[Title]
    categories: Sequence[Category] = ()
    collections: Sequence[Collection] = ()
    corrections: Sequence[str] = ()


def find_suggestions(
    conn: Connection, query: ProductQuery, search: Search, runs: Sequence[str], smart: Sequence[Collection] = ()
) -> Suggestions:
    """Find what is suggested for a text that is typed.

    Args:
        query: the products to suggest, without their search.
        runs: the words of the text, as `split_runs` splits it.
        smart: the collections of the configuration.
    """
    products = _find_products(conn, query, search)
    found = Suggestions(products) if products else _find_tolerant(conn, query, search)
    collections = _find_collections(conn, query, runs, smart)
    return replace(found, categories=_find_categories(conn, query, runs), collections=collections)


def _find_products(conn: Connection, query: ProductQuery, search: Search) -> Sequence[Title]:
    """Find the products that match, reading only the best ones of each word."""
    *whole, last = search.words
    if whole:
        return _find_in_best(conn, query, whole, last)
    return _find_of_words(conn, query, _find_words(conn, last), last) if last.isalpha() else ()


def _find_tolerant(conn: Connection, query: ProductQuery, search: Search) -> Suggestions:
    """Find all products that match, also by synonyms, codes and words with one letter wrong."""
    tolerant = add_similar_words(conn, search, query.visibility, to_all=True)
    corrections = tolerant.terms[-1].similar[:MAX_WORDS] if tolerant.terms else ()
    if len(tolerant.terms) == 1 and corrections:
        return Suggestions(_find_of_words(conn, query, corrections, ""), corrections=corrections)
    found = find_product_titles(conn, replace(query, search=tolerant), MAX_CANDIDATES)
    return Suggestions(found, corrections=corrections)


# ------------------------------------------------------------------------------------------------ one word


def _find_words(conn: Connection, beginning: str) -> Sequence[str]:
    """Find the most frequent words that begin so."""
    word = product_words.c.word
    scanned = sa.select(word).where(has_prefix(word, beginning)).order_by(word).limit(MAX_SCANNED).subquery()
    number = sa.func.count()
    statement = sa.select(scanned.c.word).group_by(scanned.c.word)
    ordered = statement.order_by(scanned.c.word != beginning, number.desc(), scanned.c.word).limit(MAX_WORDS)
    return list(conn.scalars(ordered))


def _find_of_words(conn: Connection, query: ProductQuery, words: Sequence[str], typed: str) -> Sequence[Title]:
    """Find the best products of each of these words; those of the word that was typed come first."""
    if not words:
        return ()
    selects = [_select_best(query, word, own=word == typed) for word in words]
    best = sa.union_all(*(sa.select(select.subquery()) for select in selects)).subquery()
    statement = sa.select(best.c.id, best.c.title).group_by(best.c.id, best.c.title, best.c.sort_title)
    ordered = statement.order_by(sa.func.min(best.c.rank), best.c.sort_title, best.c.id).limit(MAX_CANDIDATES)
    return [(row.id, row.title) for row in conn.execute(ordered)]


def _select_best(query: ProductQuery, word: str, *, own: bool) -> sa.Select[Any]:
    rank = product_words.c.rank if own else product_words.c.rank + MAX_POINTS
    columns = (rank.label("rank"), products.c.id, products.c.title, products.c.sort_title)
    joined = sa.select(*columns).join_from(product_words, products, products.c.id == product_words.c.product_id)
    shown = joined.where(product_words.c.word == word, *_list_conditions(query))
    return shown.order_by(product_words.c.rank, product_words.c.product_id).limit(MAX_WORD_PRODUCTS)


def _list_conditions(query: ProductQuery) -> Iterator[sa.ColumnElement[bool]]:
    """List the conditions that products are visible, and listed in one of the query's channels."""
    yield is_product_visible(query.visibility)
    if query.channels is not None:
        listed = sa.select(offers.c.product_id).where(
            offers.c.product_id == products.c.id, offers.c.channel.in_(query.channels)
        )
        yield listed.correlate(products).exists()


# ------------------------------------------------------------------------------------------------ several words


def _find_in_best(conn: Connection, query: ProductQuery, whole: Sequence[str], last: str) -> Sequence[Title]:
    """Find the products that also have the other words, among the best ones of the first word."""
    best = sa.select(product_words.c.rank, product_words.c.product_id).where(product_words.c.word == whole[0])
    driver = best.order_by(product_words.c.rank, product_words.c.product_id).limit(MAX_SCANNED_PRODUCTS).subquery()
    index = sa.literal(" ", Text).concat(products.c.search_index)
    has_others = [index.contains(f" {word}:", autoescape=True) for word in whole[1:]]
    columns = (products.c.id, products.c.title, products.c.sort_title, products.c.search_index)
    joined = sa.select(*columns).join(driver, driver.c.product_id == products.c.id)
    matching = joined.where(index.contains(f" {last}", autoescape=True), *has_others, *_list_conditions(query))
    rows = conn.execute(matching.order_by(driver.c.rank, products.c.id).limit(MAX_SCORED)).all()
    ranked = sorted(rows, key=lambda row: (_sum_ranks(row.search_index, whole, last), row.sort_title, row.id))
    return [(row.id, row.title) for row in ranked[:MAX_CANDIDATES]]


def _sum_ranks(index: str, whole: Sequence[str], last: str) -> int:
    """Add up the ranks of the words in an index, with the best of those that begin as the last one."""
    ranks = {word: int(rank) for word, _, rank in (pair.partition(":") for pair in index.split())}
    begun = (rank if word == last else rank + MAX_POINTS for word, rank in ranks.items() if word.startswith(last))
    return sum(ranks[word] for word in whole) + min(begun)


# ------------------------------------------------------------------------------------ categories and collections


def _find_categories(conn: Connection, query: ProductQuery, runs: Sequence[str]) -> Sequence[Category]:
    """Find the categories whose titles have all words, the last one as a beginning."""
    *whole, last = runs
    listed = query.visibility if query.channels is None else replace(query.visibility, channels=query.channels)
    categories = find_categories_by_title(conn, last, listed, MAX_SCANNED_CATEGORIES)
    return [category for category in categories if _has_words(category.title, whole, last)][:MAX_CATEGORIES]


def _find_collections(
    conn: Connection, query: ProductQuery, runs: Sequence[str], smart: Sequence[Collection]
) -> Sequence[Collection]:
    """Find the collections whose titles have all words, the last one as a beginning."""
    *whole, last = runs
    listed = query.visibility if query.channels is None else replace(query.visibility, channels=query.channels)
    own = find_collections_by_title(conn, last, listed, MAX_SCANNED_CATEGORIES)
    found = [one for one in (*smart, *own) if any(_has_words(text.title, whole, last) for text in one.texts)]
    return found[:MAX_COLLECTIONS]


def _has_words(title: str, whole: Sequence[str], last: str) -> bool:
    words = [word.folded for word in list_title_words(title)]
    return set(whole) <= set(words) and any(is_begun(word, last) for word in words)
