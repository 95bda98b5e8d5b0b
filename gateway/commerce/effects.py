"""What the outcome of a command does to whatever waited for it: in the transaction that closes the outbox entry.

`Entry.about` names the kind of thing that waits; each kind says here what a yes, a no and an unknown outcome do to it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from gateway.commerce import answered, bringing, canceling, handing, ledger, parts, pushing
from gateway.commerce.commands import command_of
from gateway.commerce.news import News
from gateway.commerce.selling import Selling
from gateway.sdk.writes import Command
from gateway.storage.database import Connection
from gateway.storage.outbox import Entry

Effect = Callable[[Connection, News, Selling, datetime], None]
Prepare = Callable[[Connection, Entry, Command, Selling, datetime], Command | None]


def prepared(conn: Connection, entry: Entry, selling: Selling, now: datetime) -> Command | None:
    """The command, as it can be sent now; None: there is nothing to tell the channel any more."""
    command = command_of(entry.operation, entry.payload)
    prepare = _PREPARE.get(_kind(entry))
    return command if prepare is None else prepare(conn, entry, command, selling, now)


def needs_a_person(entry: Entry) -> bool:
    """Whether somebody has to look when the channel refuses, or cannot be understood; a push is computed anew."""
    return _kind(entry) != pushing.PUSH


def heard(conn: Connection, news: News, selling: Selling, now: datetime) -> None:
    """Pass the news on to whatever waits for them."""
    _EFFECTS[_kind(news.entry)](conn, news, selling, now)


def _kind(entry: Entry) -> str:
    return entry.about.partition(":")[0]


def _movement(conn: Connection, news: News, selling: Selling, now: datetime) -> None:
    if news.done is not None:
        ledger.acknowledged(conn, [news.entry.key], selling.ground, now)
    elif news.refused:
        ledger.refused(conn, [news.entry.key], now)


_EFFECTS: Mapping[str, Effect] = {
    ledger.MOVEMENT: _movement,
    parts.ORDER: answered.heard,
    canceling.CANCEL: canceling.heard,
    handing.SHIP: handing.heard,
    pushing.PUSH: pushing.heard,
    bringing.BROUGHT: bringing.heard,
    bringing.TAKEN_BACK: bringing.canceled,
}
_PREPARE: Mapping[str, Prepare] = {
    canceling.CANCEL: canceling.prepared,
    handing.SHIP: canceling.prepared,
    pushing.PUSH: pushing.prepared,
    bringing.TAKEN_BACK: canceling.prepared,
}
