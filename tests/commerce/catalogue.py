"""Taking products into a database, without a channel and a sync."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.commerce.catalog import relink, take_products
from gateway.commerce.matching import Place
from gateway.commerce.taking import Rules, Seen, Take
from gateway.sdk import ProductRecord
from gateway.sdk.testing.rows import Row, read_product
from gateway.storage import tables
from gateway.storage.database import Database

NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


def source_id(channel: str, id_: str) -> str:
    """The id of a record's source row: here simply what it is."""
    return f"{channel}:{id_}"


@dataclass
class Catalogue:
    """A catalogue that a test takes records into. `step`: how much time passes between two takes."""

    database: Database
    rules: Rules = field(default_factory=Rules)
    step: timedelta = timedelta(seconds=1)
    _counts: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    async def take(self, channel: str, *rows: Row, gone: Sequence[str] = ()) -> None:
        """Apply what a channel says, in one transaction."""
        seen = [Seen(source_id(channel, row["id"]), read_product(row)) for row in rows]
        missing = [source_id(channel, id_) for id_ in gone]
        count = next(self._counts)
        taken: Take[ProductRecord] = Take(channel, seen, missing, (), count, self._now(count), self.rules)
        await self.database.write(take_products, taken)

    async def link(self, place: Place, target: Place | None) -> None:
        """A person decides."""
        count = next(self._counts)
        await self.database.write(relink, place, target, count=count, now=self._now(count), rules=self.rules)

    def _now(self, count: int) -> datetime:
        return NOW + count * self.step

    async def rows(self, table: sa.Table) -> list[Any]:
        """Every row."""
        return await self.database.read(lambda conn: list(conn.execute(sa.select(table)).all()))

    async def live(self) -> list[Any]:
        """What channels list now."""
        return [row for row in await self.rows(tables.listings) if row.current and not row.gone]

    async def variants(self) -> set[frozenset[str]]:
        """Which listings are one variant: `channel:id` of each."""
        return partition((row.variant_id, f"{row.channel}:{row.external_id}") for row in await self.live())

    async def products(self) -> set[frozenset[str]]:
        """Which listings are of one product."""
        return partition((row.product_id, f"{row.channel}:{row.external_id}") for row in await self.live())

    async def of(self, channel: str, id_: str) -> Any:
        """A listing that stands there now."""
        return next(row for row in await self.live() if (row.channel, row.external_id) == (channel, id_))

    async def reviews(self) -> dict[str, str]:
        """What a person should look at: the reason by `channel:id`."""
        places = {row.id: f"{row.channel}:{row.external_id}" for row in await self.rows(tables.listings)}
        return {places[row.listing_id]: row.reason for row in await self.rows(tables.match_reviews)}

    async def shown(self) -> list[tuple[Any, ...]]:
        """What a shopper sees: products with their texts and offers, and their variants; without ids."""
        return await self.database.read(_shown)


def _shown(conn: Connection) -> list[tuple[Any, ...]]:
    offers: dict[str, list[tuple[Any, ...]]] = {}
    for row in conn.execute(sa.select(tables.offers)):
        offers.setdefault(row.product_id, []).append((row.channel, row.price_min, row.price_max))
    variants: dict[str, list[tuple[Any, ...]]] = {}
    for row in conn.execute(sa.select(tables.variants).where(tables.variants.c.visible)):
        variants.setdefault(row.product_id, []).append((row.position, row.sku or "", row.gtin or "", row.title))
    words: dict[str, set[str]] = {}
    for row in conn.execute(sa.select(tables.words)):
        words.setdefault(row.subject_id, set()).add(row.word)
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
    """Who belongs together."""
    groups: dict[str, set[str]] = {}
    for group, member in members:
        groups.setdefault(group, set()).add(member)
    return {frozenset(group) for group in groups.values()}


def empty(conn: Connection) -> None:
    """Forget the catalogue."""
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
        tables.words,
        tables.changes,
    ):
        conn.execute(sa.delete(table))
