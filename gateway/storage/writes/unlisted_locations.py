"""Counts at external locations that their channel does not list any more, for example because it deactivated them."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.storage.tables import sources, stock


def find_known_counts(conn: Connection, channel: str, external_locations: Collection[str], most: int) -> list[str]:
    """Find counts at these external locations that are known, at most `most`."""
    known = sa.select(stock.c.id).where(
        stock.c.channel == channel, stock.c.known, stock.c.place.in_(external_locations)
    )
    return list(conn.scalars(known.order_by(stock.c.id).limit(most)))


def forget_digests(conn: Connection, ids: Collection[str]) -> None:
    """Forget what was read of these counts, so that the next read of the same data is applied again."""
    conn.execute(sa.update(sources).where(sources.c.id.in_(ids)).values(digest=None))


def find_forgotten(
    conn: Connection, channel: str, external_locations: Collection[str], most: int
) -> list[tuple[str, str]]:
    """Find records of counts at these external locations whose digest was forgotten, and their feeds."""
    forgotten = sa.and_(sources.c.digest.is_(None), ~sources.c.gone, ~sources.c.rejected, sources.c.dirty_at.is_(None))
    counted = sa.select(sources.c.external_id, sources.c.feed).join(stock, stock.c.id == sources.c.id)
    at_location = sa.and_(stock.c.channel == channel, ~stock.c.known, stock.c.place.in_(external_locations))
    rows = conn.execute(counted.where(at_location, forgotten).order_by(sources.c.id).limit(most))
    return [(row.external_id, row.feed) for row in rows]
