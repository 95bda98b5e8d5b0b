"""The first sync of a channel, compared with upserts of the same rows."""

from __future__ import annotations

import resource
import time
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from bench.asgi_gateway import open_goods_gateway
from bench.databases import create_databases, open_database
from bench.synthetic_channel import PAGE, Goods
from gateway.runtime.process import tune_process
from gateway.storage import tables
from gateway.storage.database import is_sqlite
from gateway.storage.sql.bulk import slice_items

Row = dict[str, Any]


async def measure(*, dialect: str, size: int, seed: int, bare: bool) -> dict[str, float]:
    """Seconds of the sync and, where asked, of the bare upsert; the records; and the most memory of this process.

    What a process has held includes what its parent held when it began it: so the parent holds little.
    """
    async with create_databases(dialect) as (url, other):
        async with open_goods_gateway(url, Goods(products=size, seed=seed)) as gateway:
            tune_process()
            begun = time.perf_counter()
            await gateway.run_due()
            seconds = time.perf_counter() - begun
            records = await gateway.database.read(_count, tables.sources)
            rejected = await gateway.database.read(_count, tables.rejects)
            if (records, rejected) != (2 * size, 0):
                raise AssertionError(f"{records} records were read, {rejected} rejected")
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        measured = {"seconds": seconds, "records": records, "memory": memory}
        return measured | (await _measure_upserts(url, other) if bare else {})


async def _measure_upserts(url: str, other: str) -> dict[str, float]:
    """Upsert the same rows into an empty database, with as many rows per transaction as a page of records."""
    async with open_database(url) as source, open_database(other) as target:
        counts = {table.name: await source.read(_count, table) for table in tables.metadata.sorted_tables}
        rows, records = sum(counts.values()), counts["sources"]
        seconds = 0.0
        for table in tables.metadata.sorted_tables:
            for some in slice_items(await source.read(_read_rows, table), rows * PAGE // records):
                begun = time.perf_counter()
                await target.write(_upsert, table, some)
                seconds += time.perf_counter() - begun
        written = {table.name: await target.read(_count, table) for table in tables.metadata.sorted_tables}
    if written != counts:
        raise AssertionError(f"the databases differ: {counts} and {written}")
    return {"bare_seconds": seconds, "rows": rows}


def _count(conn: Connection, table: sa.Table) -> int:
    return conn.scalar(sa.select(sa.func.count()).select_from(table)) or 0


def _read_rows(conn: Connection, table: sa.Table) -> list[Row]:
    names = [column.key for column in table.columns]
    return [dict(zip(names, row, strict=True)) for row in conn.execute(sa.select(table))]


def _upsert(conn: Connection, table: sa.Table, rows: Sequence[Row]) -> None:
    insert = sqlite.insert(table) if is_sqlite(conn) else postgresql.insert(table)
    keys = [column.key for column in table.primary_key]
    changed = {name: insert.excluded[name] for name in rows[0] if name not in keys}
    same = (
        insert.on_conflict_do_update(index_elements=keys, set_=changed) if changed else insert.on_conflict_do_nothing()
    )
    conn.execute(same, rows)
