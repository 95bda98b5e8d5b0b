"""Erased customers: retained invoices, and the list of what was erased."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from gateway.cli.errors import CommandError
from gateway.commerce.access import audit
from gateway.commerce.context import SellingContext
from gateway.commerce.privacy.keyed_values import decrypt
from gateway.commerce.privacy.restored_erases import request_missing_erases
from gateway.model.ids import GlobalId, InvalidIdError
from gateway.runtime.gateway import open_gateway
from gateway.settings.schema import Settings
from gateway.storage.database import Connection
from gateway.storage.privacy import suppressions
from gateway.storage.privacy.suppressions import InvoiceRow, SuppressionRow


async def read_invoice(settings: Settings, order: str) -> dict[str, Any]:
    """Read what the law keeps of the invoice of an order. The audit trail records it."""
    try:
        id_ = GlobalId.parse(order)
    except InvalidIdError as error:
        raise CommandError(f"{order} is {error}") from error
    async with open_gateway(settings) as gateway:
        row = await gateway.database.write(_find_invoice, id_.key, gateway.now())
        content = None if row is None else decrypt(gateway.selling, row.content)
    if row is None:
        raise CommandError("nothing is retained of this order: its customer is not erased, or its time is over")
    if content is None:
        raise CommandError("no secret of [privacy] or [selling] opens it; add the one of then to previous_secrets")
    return {**json.loads(content), "placedAt": row.placed_at.isoformat(), "deletedAt": row.delete_at.isoformat()}


def _find_invoice(conn: Connection, order_id: str, now: datetime) -> InvoiceRow | None:
    row = suppressions.find_invoice(conn, order_id)
    audit.record_command(conn, f"gateway retained {GlobalId('Order', (order_id,))}", None, now)
    return row


async def fetch_list(settings: Settings) -> list[str]:
    """Fetch the list of what was erased, as lines of JSON."""
    async with open_gateway(settings) as gateway:
        rows = await gateway.database.read(suppressions.list_suppressions)
    return [json.dumps({**asdict(row), "erased_at": row.erased_at.isoformat()}) for row in rows]


async def apply_list(settings: Settings, lines: Sequence[str]) -> int:
    """Erase again what a restored database contains again. Returns the number of records."""
    rows = list(_parse_list(lines))
    async with open_gateway(settings) as gateway:
        context = SellingContext(gateway.selling, gateway.now())
        count = await gateway.database.write(_apply, rows, context)
        await gateway.run_data_requests()
    return count


def _apply(conn: Connection, rows: Sequence[SuppressionRow], context: SellingContext) -> int:
    suppressions.store_suppressions(conn, rows)
    audit.record_command(conn, "gateway erased apply", None, context.now)
    return request_missing_erases(conn, rows, context)


def _parse_list(lines: Iterable[str]) -> Iterator[SuppressionRow]:
    for number, line in enumerate(lines, 1):
        try:
            values = json.loads(line)
            erased_at = datetime.fromisoformat(values["erased_at"]).astimezone(UTC)
            yield SuppressionRow(str(values["digest"]), str(values["kind"]), str(values["key_id"]), erased_at)
        except (ValueError, KeyError, TypeError) as error:
            raise CommandError(f"line {number} is none that `gateway erased export` has written") from error
