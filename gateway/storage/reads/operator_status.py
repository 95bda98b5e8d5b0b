"""Operator status: what an operator must see, of all channels at once."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.model.channels import ChannelHealth, Fault, FaultCode, RejectSeverity
from gateway.model.customers.data_requests import DataRequestKind, DataRequestState
from gateway.model.notices.kinds import NoticeState
from gateway.storage.outbox import OutboxState
from gateway.storage.reads.channel_status import read_fault, read_health
from gateway.storage.tables import channels, data_requests, notices, outbox, passes, rejects, webhook_endpoints

MAX_DEAD_COMMANDS = 1_000
"""Dead commands that are distinguished, the latest first."""

CHANNEL_FAULTS = (FaultCode.TIMEOUT, FaultCode.UNAVAILABLE, FaultCode.RATE_LIMITED, FaultCode.AUTH_FAILED)
"""Faults that concern the whole channel, and show in its health."""


@dataclass(frozen=True, slots=True)
class DeadCommand:
    """A command that was not executed, and that needs an operator."""

    id: int
    channel: str
    operation: str
    fault_code: str | None


@dataclass(frozen=True, slots=True)
class OperatorStatus:
    """What an operator must see.

    Attributes:
        health: of the channels that were called.
        push_faults: why pushes to a channel are stopped.
        feed_faults: what stops a feed of a channel that can be reached, by channel, feed and kind of pass.
        rejects: number of rejected records, by channel and feed.
        dead_commands: the latest commands that need an operator.
        paused_endpoints: why notices are not sent to an endpoint any more.
        dead_notices: number of notices that are not sent any more, by endpoint.
        unfinished_erases: number of erases that wait for a person.
    """

    health: Mapping[str, ChannelHealth]
    push_faults: Mapping[str, str]
    feed_faults: Mapping[tuple[str, str, str], Fault]
    rejects: Mapping[tuple[str, str], int]
    dead_commands: Collection[DeadCommand]
    paused_endpoints: Mapping[str, str]
    dead_notices: Mapping[str, int]
    unfinished_erases: int


_faulty_passes = sa.select(passes).where(
    passes.c.fault_code.is_not(None), passes.c.fault_code.not_in([code.value for code in CHANNEL_FAULTS])
)
_rejected = (
    sa.select(rejects.c.channel, rejects.c.feed, sa.func.count().label("number"))
    .where(rejects.c.severity == RejectSeverity.ERROR.value)
    .group_by(rejects.c.channel, rejects.c.feed)
)
_dead = (
    sa.select(outbox.c.id, outbox.c.channel, outbox.c.operation, outbox.c.fault_code)
    .where(outbox.c.state == OutboxState.DEAD.value)
    .order_by(outbox.c.id.desc())
    .limit(MAX_DEAD_COMMANDS)
)
_paused = sa.select(webhook_endpoints).where(webhook_endpoints.c.paused_at.is_not(None))
_dead_notices = (
    sa.select(notices.c.endpoint, sa.func.count().label("number"))
    .where(notices.c.state == NoticeState.DEAD.value)
    .group_by(notices.c.endpoint)
)


_unfinished = (
    sa.select(sa.func.count())
    .select_from(data_requests)
    .where(
        data_requests.c.state == DataRequestState.PARTLY_DONE.value,
        data_requests.c.kind == DataRequestKind.ERASE.value,
    )
)


def load_operator_status(conn: Connection) -> OperatorStatus:
    """Load what an operator must see."""
    channel_rows = conn.execute(sa.select(channels)).all()
    faults = ((row, read_fault(row)) for row in conn.execute(_faulty_passes))
    return OperatorStatus(
        health={row.key: read_health(row) for row in channel_rows},
        push_faults={row.key: row.push_fault for row in channel_rows if row.push_fault is not None},
        feed_faults={(row.channel, row.feed, row.kind): fault for row, fault in faults if fault is not None},
        rejects={(row.channel, row.feed): row.number for row in conn.execute(_rejected)},
        dead_commands=[DeadCommand(*row) for row in conn.execute(_dead)],
        paused_endpoints={row.name: row.fault or "" for row in conn.execute(_paused)},
        dead_notices={row.endpoint: row.number for row in conn.execute(_dead_notices)},
        unfinished_erases=conn.scalar(_unfinished) or 0,
    )
