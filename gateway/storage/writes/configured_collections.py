"""When collections of the configuration last changed: what the database knows of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.storage.sql.bulk import dump_json, load_json, upsert_rows
from gateway.storage.tables import EPOCH, MICROSECOND, facts

_NAME = "smart_collections"


@dataclass(frozen=True, slots=True)
class ConfiguredCollection:
    """A collection of the configuration. `digest`: of its table."""

    digest: str
    updated_at: datetime


def read_collections(conn: Connection) -> Mapping[str, ConfiguredCollection]:
    """Read the collections as of the last start, by key."""
    value = conn.scalar(sa.select(facts.c.value).where(facts.c.name == _NAME))
    stored = load_json(value) or {}
    return {key: ConfiguredCollection(digest, EPOCH + MICROSECOND * at) for key, (digest, at) in stored.items()}


def store_collections(conn: Connection, collections: Mapping[str, ConfiguredCollection]) -> None:
    """Store the collections, by key."""
    value = {key: [one.digest, (one.updated_at - EPOCH) // MICROSECOND] for key, one in collections.items()}
    upsert_rows(conn, facts, [{"name": _NAME, "value": dump_json(value)}], ["name"])
