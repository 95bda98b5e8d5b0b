"""Exports and erases that are due."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

from gateway.commerce.context import SellingContext
from gateway.commerce.privacy.erase import begin_erase, can_finish_orders, finish_orders
from gateway.commerce.privacy.export import finish_export, list_readings
from gateway.model.channels import Fault, Resource
from gateway.model.customers.data_requests import DataRequestKind, DataRequestState
from gateway.runtime.process import run_guarded
from gateway.sdk.records import Ref
from gateway.storage.database import Connection, Database
from gateway.storage.privacy import data_requests
from gateway.storage.privacy.data_requests import RequestRow

READ_DEADLINE = timedelta(seconds=30)
"""Time for the records of one channel, which an export reads again."""

Reread = Callable[[str, Resource, Sequence[Ref], timedelta], Awaitable[Fault | None]]
"""`reread(channel, resource, refs, deadline)`: reads records of a channel again, and returns why that failed."""


async def run_requests(database: Database, reread: Reread, context: SellingContext) -> bool:
    """Run the exports and erases that are due. Returns whether any has advanced. One that fails holds up no other."""
    advanced: list[bool] = []
    for id_ in await database.read(data_requests.find_due, context.now):

        async def run(request_id: str = id_) -> None:
            advanced.append(await _run_request(database, reread, request_id, context))

        await run_guarded(run, f"data request {id_}")
    return any(advanced)


async def _run_request(database: Database, reread: Reread, id_: str, context: SellingContext) -> bool:
    row = await database.read(_find_request, id_)
    if row.kind == DataRequestKind.EXPORT.value:
        return await _run_export(database, reread, id_, context)
    if row.state == DataRequestState.QUEUED.value:
        await database.write(begin_erase, id_, context)
        return True
    if not await database.read(can_finish_orders, id_):
        return False
    return await database.write(finish_orders, id_, context)


def _find_request(conn: Connection, id_: str) -> RequestRow:
    return data_requests.find_request(conn, id_)


async def _run_export(database: Database, reread: Reread, id_: str, context: SellingContext) -> bool:
    readings = await database.read(list_readings, id_)
    faults = {
        one.channel: await reread(
            one.channel, Resource.CUSTOMERS, [Ref(external_id) for external_id in one.external_ids], READ_DEADLINE
        )
        for one in readings
    }
    return await database.write(finish_export, id_, faults, context)
