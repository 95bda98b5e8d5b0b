"""Products in the search index of a database, without a gateway."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.model.search.ranking import TITLE, rank_words
from gateway.model.search.terms import SynonymTable
from gateway.model.validation import fold
from gateway.storage.database import Database
from gateway.storage.reads.catalog import Visibility
from gateway.storage.reads.product_search import ProductQuery, find_product_titles
from gateway.storage.reads.similar_words import add_similar_words
from gateway.storage.sql.text_search import parse_search_text
from gateway.storage.tables import product_words, products, word_edits
from gateway.storage.writes import search_index
from tests.gateways import START

EVERYTHING = Visibility(everything=True)


@dataclass(frozen=True)
class OpenedDatabase:
    """A database and its event loop: one for all examples of a test."""

    database: Database
    runner: asyncio.Runner

    def write(self, work: Callable[[Connection], None]) -> None:
        self.runner.run(self.database.write(work))

    def read(self, work: Callable[[Connection], Any]) -> Any:
        return self.runner.run(self.database.read(work))


@dataclass(frozen=True)
class IndexedProduct:
    """A product in the index."""

    id: str
    title: str
    search_index: str


def build_product(number: int, title: str) -> IndexedProduct:
    return IndexedProduct(f"{number:032x}", title, search_index.format_index(rank_words([(TITLE, title)])))


def fill(titles: Sequence[str]) -> Callable[[Connection], None]:
    """Replace all products by products with these titles."""

    def work(conn: Connection) -> None:
        for table in (products, product_words, word_edits):
            conn.execute(sa.delete(table))
        rows = [build_product(number, title) for number, title in enumerate(titles)]
        if rows:
            conn.execute(sa.insert(products), [_build_row(row) for row in rows])
        search_index.store_index(conn, rows, {})

    return work


def _build_row(row: IndexedProduct) -> dict[str, Any]:
    texts = {"description": "", "tags": "[]", "images": "[]", "options": "[]", "words": "", "handle": row.id}
    own = {"id": row.id, "title": row.title, "sort_title": fold(row.title), "search_index": row.search_index}
    state = {"version": 1, "status": "ACTIVE", "visible": True, "created_at": START, "updated_at": START}
    return {**own, **texts, **state}


def find(text: str, synonyms: SynonymTable | None = None, *, to_all: bool = True) -> Callable[[Connection], list[str]]:
    """Find the titles of the products of a search, in order; `to_all`: with one wrong letter in any word."""

    def work(conn: Connection) -> list[str]:
        search = parse_search_text(text, synonyms or {})
        if search is None:
            return []
        similar = add_similar_words(conn, search, EVERYTHING, to_all=to_all)
        query = ProductQuery(visibility=EVERYTHING, search=similar, sort="RELEVANCE")
        return [title for _, title in find_product_titles(conn, query, 1_000)]

    return work
