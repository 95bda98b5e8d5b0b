"""Erases that a restored backup does not have: the list of what was erased is kept apart from it (rule C11)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from gateway.commerce.context import SellingContext
from gateway.commerce.privacy.keyed_values import DigestKind, build_digests
from gateway.commerce.privacy.parts import RESTORED
from gateway.commerce.privacy.requests import DataRequestDraft, insert_request
from gateway.model.customers.data_requests import DataRequestKind
from gateway.storage.database import Connection
from gateway.storage.privacy import data_requests
from gateway.storage.privacy.suppressions import SuppressionRow
from gateway.storage.sql.bulk import slice_items
from gateway.storage.writes.customers import evidence, identities
from gateway.storage.writes.customers.identities import IdentityRow

SLICE_SIZE = 500


def request_missing_erases(conn: Connection, rows: Sequence[SuppressionRow], context: SellingContext) -> int:
    """Request the erase of the identities that are on the list and are not erased, as of the time on the list. It is
    due at once. Returns how many.
    """
    evidence.lock_recognition(conn)
    erased = {row.digest: row.erased_at for row in rows if row.kind == DigestKind.RECORD.value}
    count = 0
    for some in slice_items(identities.list_ids(conn), SLICE_SIZE):
        found = identities.find_identities(conn, some).values()
        for row in found:
            erased_at = None if row.erased_at is not None else _find_time(row, erased, context)
            if erased_at is not None:
                _request_erase(conn, row, erased_at, context)
                count += 1
    return count


def _find_time(row: IdentityRow, erased: Mapping[str, datetime], context: SellingContext) -> datetime | None:
    """Find when an identity was erased after it was stored: who logs in again afterwards is a new one."""
    digests = build_digests(context.config, DigestKind.RECORD, row.channel, row.external_id)
    times = [erased[digest] for digest in digests if digest in erased and row.linked_at < erased[digest]]
    return max(times, default=None)


def _request_erase(conn: Connection, row: IdentityRow, erased_at: datetime, context: SellingContext) -> None:
    draft = DataRequestDraft(kind=DataRequestKind.ERASE, customer_id=row.home, proved=True, requested_by=RESTORED)
    request = insert_request(conn, draft, [row], context)
    data_requests.store_request(conn, replace(request, requested_at=erased_at, executes_at=context.now))
