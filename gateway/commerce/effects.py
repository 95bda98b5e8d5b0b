"""What the outcome of a command does to whatever waited for it: in the transaction that closes the outbox entry.

`Entry.about` names the kind of thing that waits; each kind says here what a yes, a no and an unknown outcome do to it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from gateway.commerce import ledger
from gateway.commerce.commands import command_of
from gateway.commerce.ground import Ground
from gateway.model.channels import Fault
from gateway.sdk.writes import Command, Done
from gateway.storage.database import Connection
from gateway.storage.outbox import Entry


@dataclass(frozen=True, slots=True)
class News:
    """What is known of a command now.

    Attributes:
        done: the channel has carried it out, so. None: it has not, or that is not known.
        final: nothing more will be heard of it.
        fault: what went wrong, where it was not carried out.
    """

    entry: Entry
    done: Done | None
    final: bool
    fault: Fault | None = None

    @property
    def refused(self) -> bool:
        """A definite no."""
        return self.final and self.done is None


Effect = Callable[[Connection, News, Ground, datetime], None]
Prepare = Callable[[Connection, Entry], Command | None]


def prepared(conn: Connection, entry: Entry) -> Command | None:
    """The command, as it can be sent now; None: there is nothing to tell the channel any more."""
    kind = entry.about.partition(":")[0]
    if kind in _PREPARE:
        return _PREPARE[kind](conn, entry)
    return command_of(entry.operation, entry.payload)


def heard(conn: Connection, news: News, ground: Ground, now: datetime) -> None:
    """Pass the news on to whatever waits for them."""
    _EFFECTS[news.entry.about.partition(":")[0]](conn, news, ground, now)


def _movement(conn: Connection, news: News, ground: Ground, now: datetime) -> None:
    if news.done is not None:
        ledger.acknowledged(conn, [news.entry.key], ground, now)
    elif news.refused:
        ledger.refused(conn, [news.entry.key], now)


_EFFECTS: Mapping[str, Effect] = {ledger.MOVEMENT: _movement}
_PREPARE: Mapping[str, Prepare] = {}
