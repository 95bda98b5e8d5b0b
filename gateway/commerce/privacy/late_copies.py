"""Late copies of erased customers: records that a channel shows first after the erase (rule C12).

Here each is a shell. The channel still has the data, so each is a request of its own, which can be canceled as any
other until it begins: then the channel erases the copy and proves it, or a person does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from gateway.commerce.context import SellingContext
from gateway.commerce.outbox.commands import EnqueuedKeys
from gateway.commerce.privacy.channel_erases import enqueue_erases
from gateway.commerce.privacy.parts import build_parts
from gateway.commerce.privacy.requests import DataRequestDraft, insert_request, store_parts
from gateway.model.customers.data_requests import DataPartState, DataRequestKind
from gateway.storage.database import Connection
from gateway.storage.privacy import data_requests
from gateway.storage.privacy.data_requests import RequestRow
from gateway.storage.writes.customers import identities
from gateway.storage.writes.customers.identities import IdentityRow

COPY = "copy of an erased customer"
"""In place of the name of a token, which has no spaces: the request follows from that of the customer."""


def request_copy_erases(conn: Connection, shells: Sequence[IdentityRow], context: SellingContext) -> None:
    """Request the erase of records that were stored as shells just now. A record is stored once, so it has one such
    request, however often the channel shows it.
    """
    for row in shells:
        draft = DataRequestDraft(kind=DataRequestKind.ERASE, customer_id=row.home, proved=False, requested_by=COPY)
        insert_request(conn, draft, [row], context)


def begin_copy_erase(conn: Connection, request: RequestRow, context: SellingContext) -> EnqueuedKeys:
    """Let the channel erase a copy. Here it never had data."""
    members = list(identities.find_identities(conn, data_requests.find_members(conn, request.id)).values())
    own, *parts = build_parts(conn, request, members, context)
    proof = f"stored without data at {request.requested_at.isoformat(timespec='seconds')}"
    done = replace(own, state=DataPartState.DONE.value, proof=proof, completed_at=context.now)
    store_parts(conn, replace(request, restricted_at=context.now), [done, *parts], context.now)
    return enqueue_erases(conn, request, members, context)
