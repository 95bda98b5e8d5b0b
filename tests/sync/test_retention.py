"""What is older than its retention is deleted in slices, so that no writer waits for long."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from gateway.model.ids import generate_id
from gateway.runtime.gateway import Gateway
from gateway.storage import change_log, tables
from gateway.storage.outbox import OutboxRow
from gateway.storage.sql.bulk import convert_to_row
from gateway.sync import retention
from gateway.sync.retention import PRUNE_SLICE
from tests.gateways import Clock, run_gateway

pytestmark = pytest.mark.anyio

ROWS = 2 * PRUNE_SLICE + 17
Row = dict[str, Any]


def build_change(number: int, at: datetime) -> Row:
    return {"pos": number + 1, "kind": "PRODUCT", "subjects": "[]", "at": at}


def build_delivery(number: int, at: datetime) -> Row:
    names = {"channel": "till", "delivery_id": str(number), "headers": "{}", "body": b""}
    return {**names, "received_at": at, "processed_at": at}


def build_command(number: int, at: datetime) -> Row:
    row = OutboxRow(
        key=str(number),
        channel="till",
        operation="x",
        subject="x",
        payload="{}",
        about="x",
        state="DONE",
        due_at=at,
        created_at=at,
        updated_at=at,
    )
    return convert_to_row(row)


def build_attempt(number: int, at: datetime) -> Row:
    return {"kind": "x", "subject": str(number), "failures": 1, "since": at + timedelta(microseconds=number)}


def build_refusal(number: int, at: datetime) -> Row:
    minute = (at - timedelta(minutes=number)).replace(second=0, microsecond=0)
    return {"minute": minute, "client": "x", "action": "x", "code": "x", "count": 1}


def build_cart(number: int, at: datetime) -> Row:
    id_ = generate_id(at)
    return {
        "id": id_,
        "version": 1,
        "channel": "till",
        "currency": "GBP",
        "status": "EXPIRED",
        "rotation": 0,
        "created_at": at,
        "expires_at": at,
        "updated_at": at,
    }


def build_lease(number: int, at: datetime) -> Row:
    return {"name": f"process {number} till web", "holder": str(number), "fence": 1, "expires_at": at}


TABLES: list[tuple[sa.Table, Callable[[int, datetime], Row]]] = [
    (tables.changes, build_change),
    (tables.inbox, build_delivery),
    (tables.outbox, build_command),
    (tables.attempts, build_attempt),
    (tables.refusal_counts, build_refusal),
    (tables.carts, build_cart),
    (tables.leases, build_lease),
]


@contextmanager
def record_deletes() -> Iterator[dict[str, list[int]]]:
    """Record how many rows each DELETE of a gateway deletes, by table."""
    deletes: dict[str, list[int]] = {}

    def record(_conn: Connection, cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith("DELETE FROM "):
            deletes.setdefault(statement.split()[2], []).append(cursor.rowcount)

    sa.event.listen(Engine, "after_cursor_execute", record)
    yield deletes
    sa.event.remove(Engine, "after_cursor_execute", record)


@pytest.mark.parametrize(("table", "build"), TABLES, ids=lambda value: getattr(value, "name", ""))
async def test_no_transaction_deletes_more_than_a_slice(
    database_url: str, monkeypatch: pytest.MonkeyPatch, table: sa.Table, build: Callable[[int, datetime], Row]
) -> None:
    monkeypatch.setattr(retention, "SLICE_GAP", 0)
    clock = Clock()
    async with run_gateway(database_url, {}, clock) as gateway:
        await gateway.database.write(insert_old, table, build, clock() - timedelta(days=500))
        with record_deletes() as deletes:
            await gateway.purge_expired()
        left = await count_rows(gateway, table)
    sizes = [size for size in deletes[table.name] if size]
    assert left == 0
    assert sum(sizes) == ROWS and max(sizes) == PRUNE_SLICE


def insert_old(conn: Connection, table: sa.Table, build: Callable[[int, datetime], Row], at: datetime) -> None:
    conn.execute(sa.insert(table), [build(number, at) for number in range(ROWS)])
    if table is tables.changes:
        conn.execute(sa.update(tables.log_head).values(pos=ROWS))


async def count_rows(gateway: Gateway, table: sa.Table) -> int:
    statement = sa.select(sa.func.count()).select_from(table)
    return await gateway.database.read(lambda conn: conn.scalar(statement) or 0)


async def test_leases_of_work_and_of_running_processes_stay(database_url: str) -> None:
    clock = Clock()
    async with run_gateway(database_url, {}, clock) as gateway:
        old = clock() - timedelta(days=500)
        work = {"name": "sync process", "holder": "", "fence": 7, "expires_at": old}
        await gateway.database.write(lambda conn: conn.execute(sa.insert(tables.leases), [work]))
        await gateway.heartbeat.send()
        await gateway.purge_expired()
        assert await count_rows(gateway, tables.leases) == 2


async def test_a_slice_of_the_log_reads_no_more_than_the_slice(database_url: str) -> None:
    """The log has a row per transaction of many days: a search over all of it would hold all writers up."""
    clock = Clock()
    async with run_gateway(database_url, {}, clock) as gateway:
        now, statements = clock(), list[str]()
        await gateway.database.write(insert_old, tables.changes, build_change, now)

        def explain(conn: Connection) -> None:
            sa.event.listen(conn, "before_cursor_execute", lambda *event: statements.append(event[2]))
            change_log.prune_log(conn, now - timedelta(days=1), now, 10)

        await gateway.database.write(explain)
    assert not any("min(changes" in statement for statement in statements)
    assert any("LIMIT" in statement for statement in statements)
