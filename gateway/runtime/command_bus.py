"""Executes mutations: from the idempotency key to the result, in one place.

One execution is one line: claim the key → run the use case → record it in the audit trail → start the deliveries of
the commands that it enqueued → commit → call the channels → return the result. Everything up to the commit is one
transaction, so a crash loses nothing: the outbox worker continues with what was committed.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta

from gateway.commerce import idempotency
from gateway.commerce.access import audit
from gateway.commerce.access.audit import Attempt
from gateway.commerce.outbox.commands import EnqueuedKeys
from gateway.model.mutation_result import MutationResult
from gateway.storage.database import Connection, Database
from gateway.storage.errors import StorageUnavailableError
from gateway.storage.idempotency import Claim
from gateway.sync import outbox_worker
from gateway.sync.channel_sync import ChannelSync
from gateway.sync.outbox_worker import Delivery

DELIVERY_TIMEOUT = timedelta(seconds=5)
"""How long a mutation waits for channels. Slower deliveries continue in the background."""

UseCase = Callable[[Connection], MutationResult | tuple[MutationResult, EnqueuedKeys]]
"""Changes the database in the caller's transaction. Returns the result, and the keys of the commands it enqueued."""

_log = logging.getLogger(__name__)


def _begin_always() -> None:
    """Begin: no client can give the mutation up."""


class CommandBus:
    """Executes use cases at most once per idempotency key, and delivers the commands that they enqueue."""

    def __init__(
        self, database: Database, channels: Mapping[str, ChannelSync], wake_outbox: Callable[[str], None]
    ) -> None:
        self._database = database
        self._channels = channels
        self._wake_outbox = wake_outbox
        self._delivering: set[asyncio.Task[None]] = set()

    async def execute(
        self,
        use_case: UseCase,
        claim: Claim,
        subject: MutationResult,
        attempt: Attempt,
        waiting: AbstractContextManager[None] | None = None,
        begin: Callable[[], None] = _begin_always,
    ) -> MutationResult:
        """Execute the use case, or return the result that its idempotency key already has.

        Args:
            subject: what the mutation is about, for results that refuse it.
            attempt: what the audit trail records.
            waiting: entered while channels are called: the request computes nothing then.
            begin: called first in the transaction. It raises if the request has been given up.
        """
        result, deliveries = await self._database.write(self._run, use_case, claim, subject, attempt, begin)
        with waiting or nullcontext():
            await self.deliver(deliveries)
        return result

    async def execute_with_call(
        self,
        start: Callable[[Connection], tuple[MutationResult, bool]],
        call: Callable[[], Awaitable[None]],
        finish: Callable[[Connection, MutationResult], MutationResult],
        claim: Claim,
        subject: MutationResult,
        attempt: Attempt,
        begin: Callable[[], None] = _begin_always,
    ) -> MutationResult:
        """Execute a use case whose result depends on a call of a channel: transaction, call, transaction.

        Args:
            start: returns the result so far, and whether `call` is to be made.
            finish: returns the final result; it is stored under the key.
            begin: as for `execute`.
        """
        result, is_pending = await self._database.write(_start_call, start, claim, subject, attempt, begin)
        if not is_pending:
            return result
        await call()
        return await self._database.write(_finish_call, finish, claim, result, attempt)

    async def deliver(self, deliveries: Sequence[Delivery]) -> None:
        """Call the channels of these deliveries. Late calls continue in the background."""
        tasks = [asyncio.create_task(outbox_worker.call_channel(delivery)) for delivery in deliveries]
        self._delivering.update(tasks)
        for task in tasks:
            task.add_done_callback(self._end_delivery)
        if tasks:
            await asyncio.wait(tasks, timeout=DELIVERY_TIMEOUT.total_seconds())
        for delivery in deliveries:
            self._wake_outbox(delivery.sync.key)

    async def drain(self, grace_period: timedelta) -> None:
        """Wait for the deliveries in flight. Late ones are canceled: the outbox continues with them after a restart."""
        if self._delivering:
            _, late = await asyncio.wait(self._delivering, timeout=grace_period.total_seconds())
            for task in late:
                task.cancel()

    def _run(
        self,
        conn: Connection,
        use_case: UseCase,
        claim: Claim,
        subject: MutationResult,
        attempt: Attempt,
        begin: Callable[[], None],
    ) -> tuple[MutationResult, Sequence[Delivery]]:
        begin()
        stored = idempotency.claim_key(conn, claim, subject)
        if stored is not None:
            return stored, ()
        before = audit.take_snapshot(conn, attempt, subject)
        result, enqueued = _split_result(use_case(conn))
        audit.record_attempt(conn, attempt, before, result, claim.at)
        deliveries = self._start_deliveries(conn, enqueued)
        return idempotency.store_result(conn, claim, result), deliveries

    def _start_deliveries(self, conn: Connection, enqueued: EnqueuedKeys) -> Sequence[Delivery]:
        channels = ((self._channels[key], commands) for key, commands in enqueued.items() if key in self._channels)
        return [outbox_worker.start_delivery(conn, sync, commands) for sync, commands in channels]

    def _end_delivery(self, task: asyncio.Task[None]) -> None:
        self._delivering.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, StorageUnavailableError):
            _log.error("Delivery of a command failed; the outbox retries it.", exc_info=error)


def _split_result(result: MutationResult | tuple[MutationResult, EnqueuedKeys]) -> tuple[MutationResult, EnqueuedKeys]:
    return result if isinstance(result, tuple) else (result, {})


def _start_call(
    conn: Connection,
    start: Callable[[Connection], tuple[MutationResult, bool]],
    claim: Claim,
    subject: MutationResult,
    attempt: Attempt,
    begin: Callable[[], None],
) -> tuple[MutationResult, bool]:
    begin()
    stored = idempotency.claim_key(conn, claim, subject)
    if stored is not None:
        return stored, False
    result, is_pending = start(conn)
    if is_pending:
        return result, True
    audit.record_attempt(conn, attempt, {}, result, claim.at)
    return idempotency.store_result(conn, claim, result), False


def _finish_call(
    conn: Connection,
    finish: Callable[[Connection, MutationResult], MutationResult],
    claim: Claim,
    result: MutationResult,
    attempt: Attempt,
) -> MutationResult:
    final = finish(conn, result)
    audit.record_attempt(conn, attempt, {}, final, claim.at)
    return idempotency.store_result(conn, claim, final)
