"""Status log: tells operators once of every change that they must see.

It compares what the database and the plugin threads show now with what they showed at the last look. So every process
logs a change, and at its start what is wrong by then.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Protocol

from gateway.runtime.conditions import Condition, Subject, list_conditions, list_thread_conditions
from gateway.storage.database import Database
from gateway.storage.reads.operator_status import load_operator_status
from gateway.sync.channel_sync import ChannelSync

_log = logging.getLogger(__name__)


class ObservedGateway(Protocol):
    """The part of a gateway whose status is logged."""

    @property
    def database(self) -> Database: ...
    @property
    def channel_syncs(self) -> Mapping[str, ChannelSync]: ...


class StatusLog:
    """Logs changes of the status of one gateway."""

    def __init__(self, gateway: ObservedGateway) -> None:
        self._gateway = gateway
        self._stored: dict[Subject, Condition] = {}
        self._threads: dict[Subject, Condition] = {}
        self._has_changed = True
        gateway.database.changes.subscribe(self._note_change)

    async def observe(self) -> None:
        """Log what has changed since the last look. The database is read only if it has changed."""
        states = {key: sync.channel.thread.get_state() for key, sync in self._gateway.channel_syncs.items()}
        self._threads = _log_changes(self._threads, list_thread_conditions(states))
        if self._has_changed:
            self._has_changed = False
            status = await self._gateway.database.read(load_operator_status)
            self._stored = _log_changes(self._stored, list_conditions(status))

    def _note_change(self) -> None:
        self._has_changed = True


def _log_changes(
    before: Mapping[Subject, Condition], now: Iterable[tuple[Subject, Condition]]
) -> dict[Subject, Condition]:
    """Log the conditions that have begun, changed or ended. Returns those of now."""
    conditions = dict(now)
    for subject, condition in conditions.items():
        if subject not in before or before[subject].state != condition.state:
            _log.log(condition.level, "%s", condition.message, extra=condition.fields)
    for subject, condition in before.items():
        if subject not in conditions and condition.end:
            _log.info("%s", condition.end, extra=condition.fields)
    return conditions
