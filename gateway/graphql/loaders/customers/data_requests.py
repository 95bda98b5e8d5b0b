"""Loaders of requests for exports and erases."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.commerce.privacy.keyed_values import build_download_token
from gateway.execution.context import Context
from gateway.graphql.loaders.customers.ownership import select_own_homes
from gateway.graphql.runtime_protocol import get_runtime
from gateway.model.customers.data_requests import DataRequest
from gateway.storage.reads.customers.data_requests import find_requests

ERASE_SCOPE = "customers:erase"
DOWNLOADS = "/privacy/exports/"
"""Path of the files of exports, followed by their token."""


async def load_data_requests(context: Context, ids: Sequence[str]) -> Sequence[DataRequest | None]:
    """Load requests. A shopper sees the own ones."""
    rows = await context.read(find_requests, ids)
    if context.caller.has_scope(ERASE_SCOPE) and context.visibility.channels is None:
        return [rows[id_][0] if id_ in rows else None for id_ in ids]
    own = await select_own_homes(context, (row.customer_id for row, is_proved in rows.values() if is_proved))
    for row, is_proved in rows.values():
        if is_proved and row.customer_id in own:
            context.accept_own(row.id)
    return [_select_own(rows.get(id_), own) for id_ in ids]


def _select_own(found: tuple[DataRequest, bool] | None, own: frozenset[str]) -> DataRequest | None:
    if found is None or not found[1] or found[0].customer_id not in own:
        return None
    return found[0]


async def load_download_urls(context: Context, requests: Sequence[DataRequest]) -> Sequence[str | None]:
    """Build the addresses of the files of exports."""
    return [_build_url(context, request) for request in requests]


def _build_url(context: Context, request: DataRequest) -> str | None:
    if request.file_until is None or request.file_until <= context.now:
        return None
    base = (context.gateway.settings.server.public_url or "").rstrip("/")
    return f"{base}{DOWNLOADS}{build_download_token(get_runtime(context).selling, request.id)}"
