"""Requests that a channel passes on in the name of its customers, for example by webhooks that its law requires."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from gateway.commerce.context import SellingContext
from gateway.commerce.privacy.parts import CHANNEL
from gateway.commerce.privacy.requests import DataRequestDraft, insert_request
from gateway.commerce.privacy.unowned_orders import request_unowned
from gateway.model.customers.data_requests import DataRequestKind
from gateway.model.customers.profiles import GUEST
from gateway.sdk.webhooks import PrivacyRequest, PrivacyRequestKind
from gateway.storage.database import Connection
from gateway.storage.privacy import data_requests
from gateway.storage.sql.bulk import slice_items
from gateway.storage.writes.customers import evidence, identities
from gateway.storage.writes.customers.identities import IdentityRow

SLICE_SIZE = 100
"""Identities of one request, where a channel asks for the erase of all."""


def store_requests(conn: Connection, channel: str, requests: Sequence[PrivacyRequest], context: SellingContext) -> None:
    """Store what a channel asks for. It is about the records of this channel, and no others of the same customers."""
    if requests:
        evidence.lock_recognition(conn)
    for request in requests:
        for members in _slice_members(conn, channel, request):
            _store_request(conn, channel, request, members, context)
        if request.kind is PrivacyRequestKind.ERASE_ALL:
            request_unowned(conn, channel, context)


def _slice_members(conn: Connection, channel: str, request: PrivacyRequest) -> Iterator[Sequence[IdentityRow]]:
    if request.kind is PrivacyRequestKind.ERASE_ALL:
        ids = [id_ for name in (channel, GUEST + channel) for id_ in identities.list_ids_of_channel(conn, name)]
        for some in slice_items(ids, SLICE_SIZE):
            yield _select_present(identities.find_identities(conn, some).values())
    elif request.customer is not None:
        yield _select_present(identities.find_by_external_id(conn, channel, [request.customer]))


def _select_present(rows: Iterable[IdentityRow]) -> Sequence[IdentityRow]:
    return [row for row in rows if row.erased_at is None]


def _store_request(
    conn: Connection,
    channel: str,
    request: PrivacyRequest,
    members: Sequence[IdentityRow],
    context: SellingContext,
) -> None:
    is_export = request.kind is PrivacyRequestKind.EXPORT
    kind = DataRequestKind.EXPORT if is_export else DataRequestKind.ERASE
    pending = _find_pending(conn, channel, kind, members)
    if new := [row for row in members if row.id not in pending]:
        draft = DataRequestDraft(kind=kind, customer_id=new[0].home, proved=False, requested_by=f"{CHANNEL}{channel}")
        insert_request(conn, draft, new, context)


def _find_pending(conn: Connection, channel: str, kind: DataRequestKind, members: Sequence[IdentityRow]) -> set[str]:
    """Find those for whom this channel has asked already. What others have requested they can cancel."""
    requests = data_requests.lock_requests(conn, data_requests.find_open(conn, kind, [row.id for row in members]))
    own = [row.id for row in requests.values() if row.requested_by == f"{CHANNEL}{channel}"]
    return {id_ for request_id in own for id_ in data_requests.find_members(conn, request_id)}
