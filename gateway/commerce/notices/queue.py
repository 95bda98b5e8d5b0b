"""Queue of notices: each is enqueued in the transaction that needs it, once for every endpoint that takes its kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.commerce.context import SellingContext
from gateway.model.ids import generate_id
from gateway.model.notices.kinds import NoticeKind
from gateway.storage.database import Connection
from gateway.storage.sync import notices
from gateway.storage.sync.notices import NoticeRow


@dataclass(frozen=True, slots=True, kw_only=True)
class NewNotice:
    """A notice to enqueue.

    Attributes:
        subject: what it is about; its versions grow.
        ids: what the body is built of when it is sent: ids, and no personal data.
    """

    kind: NoticeKind
    subject: str
    ids: Mapping[str, str]


def enqueue_notice(conn: Connection, notice: NewNotice, context: SellingContext) -> None:
    """Enqueue a notice for the endpoints that take its kind."""
    endpoints = [name for name, kinds in context.config.webhooks.items() if notice.kind in kinds]
    if endpoints:
        version = notices.get_next_version(conn, notice.subject, context.now)
        notices.insert_notices(conn, [_build_row(notice, name, version, context) for name in endpoints])


def _build_row(notice: NewNotice, endpoint: str, version: int, context: SellingContext) -> NoticeRow:
    return NoticeRow(
        id=generate_id(context.now),
        endpoint=endpoint,
        kind=notice.kind.value,
        subject=notice.subject,
        version=version,
        ids=notices.encode_ids(notice.ids),
        due_at=context.now,
        created_at=context.now,
        updated_at=context.now,
    )
