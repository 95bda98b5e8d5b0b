"""Ingest of products into a database, without a channel and a sync."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.commerce.catalog.ingest import ingest_products, relink
from gateway.commerce.catalog.match_candidates import ListingSource
from gateway.commerce.ingest_batch import IngestBatch, IngestedRecord, IngestRules
from gateway.model.ids import derive_id
from gateway.sdk import ProductRecord
from gateway.sdk.testing.record_builders import Row, read_product
from gateway.storage import tables
from gateway.storage.database import Database

NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


def source_id(channel: str, id_: str) -> str:
    """Build the id of the source row of a record, as sync does."""
    return derive_id("product", channel, id_, 1)


@dataclass
class Catalog:
    """A catalog into which a test ingests records. `step`: time between two ingests."""

    database: Database
    rules: IngestRules = field(default_factory=IngestRules)
    step: timedelta = timedelta(seconds=1)
    _counts: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    async def ingest(self, channel: str, *rows: Row, gone: Sequence[str] = ()) -> None:
        """Apply the records of a channel in one transaction."""
        seen = [IngestedRecord(source_id(channel, row["id"]), read_product(row)) for row in rows]
        missing = [source_id(channel, id_) for id_ in gone]
        count = next(self._counts)
        taken: IngestBatch[ProductRecord] = IngestBatch(
            channel, seen, missing, (), count, self._compute_time(count), self.rules
        )
        await self.database.write(ingest_products, taken)

    async def link(self, source: ListingSource, target: ListingSource | None) -> None:
        """Link or unlink a listing, as an operator does."""
        count = next(self._counts)
        batch: IngestBatch[ProductRecord] = IngestBatch(
            source[0], (), (), (), count, self._compute_time(count), self.rules
        )
        await self.database.write(relink, source, target, batch)

    def _compute_time(self, count: int) -> datetime:
        return NOW + count * self.step

    async def list_rows(self, table: sa.Table) -> list[Any]:
        return await self.database.read(lambda conn: list(conn.execute(sa.select(table)).all()))

    async def list_live_listings(self) -> list[Any]:
        """List the current listings of all channels."""
        return [row for row in await self.list_rows(tables.listings) if row.current and not row.gone]

    async def group_by_variant(self) -> set[frozenset[str]]:
        """Group the listings by variant: sets of `channel:id`."""
        return partition(
            (row.variant_id, f"{row.channel}:{row.external_id}") for row in await self.list_live_listings()
        )

    async def group_by_product(self) -> set[frozenset[str]]:
        """Group the listings by product: sets of `channel:id`."""
        return partition(
            (row.product_id, f"{row.channel}:{row.external_id}") for row in await self.list_live_listings()
        )

    async def find_listing(self, channel: str, id_: str) -> Any:
        """Find a current listing."""
        return next(row for row in await self.list_live_listings() if (row.channel, row.external_id) == (channel, id_))

    async def list_reviews(self) -> dict[str, str]:
        """List the reasons of open match reviews by `channel:id`."""
        sources = {row.id: f"{row.channel}:{row.external_id}" for row in await self.list_rows(tables.listings)}
        return {sources[row.listing_id]: row.reason for row in await self.list_rows(tables.match_reviews)}

    async def read_shown(self) -> list[tuple[Any, ...]]:
        """Read what a storefront shows, without ids: products with texts and offers, and their variants."""
        return await self.database.read(_select_shown)


def _select_shown(conn: Connection) -> list[tuple[Any, ...]]:
    offers: dict[str, list[tuple[Any, ...]]] = {}
    for row in conn.execute(sa.select(tables.offers)):
        offers.setdefault(row.product_id, []).append((row.channel, row.price_min, row.price_max))
    variants: dict[str, list[tuple[Any, ...]]] = {}
    for row in conn.execute(sa.select(tables.variants).where(tables.variants.c.visible)):
        variants.setdefault(row.product_id, []).append((row.position, row.sku or "", row.gtin or "", row.title))
    words: dict[str, set[str]] = {}
    for row in conn.execute(sa.select(tables.product_words)):
        words.setdefault(row.product_id, set()).add(row.word)
    return sorted(
        (
            row.title,
            row.brand or "",
            row.options,
            sorted(offers.get(row.id, ())),
            sorted(variants.get(row.id, ())),
            sorted(words.get(row.id, ())),
        )
        for row in conn.execute(sa.select(tables.products).where(tables.products.c.visible))
    )


def partition(members: Any) -> set[frozenset[str]]:
    """Partition the members by group."""
    groups: dict[str, set[str]] = {}
    for group, member in members:
        groups.setdefault(group, set()).add(member)
    return {frozenset(group) for group in groups.values()}


def clear_catalog(conn: Connection) -> None:
    """Delete the catalog."""
    for table in (
        tables.listings,
        tables.channel_products,
        tables.links,
        tables.match_reviews,
        tables.products,
        tables.product_tags,
        tables.offers,
        tables.variants,
        tables.redirects,
        tables.former_handles,
        tables.categories,
        tables.category_channels,
        tables.category_path_channels,
        tables.product_words,
        tables.changes,
    ):
        conn.execute(sa.delete(table))
