"""What a plugin returned, checked: anything that is not what the SDK promises is named, and goes no further."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from gateway.model import values
from gateway.model.values import InvalidValueError
from gateway.sdk.channel import Place
from gateway.sdk.errors import ChannelError, ContractError
from gateway.sdk.feeds import AnyFeed, Page, Raw, Token
from gateway.sdk.records import Gone, Record, Ref
from gateway.sdk.webhooks import Hint
from gateway.sdk.writes import Accepted, Command, Done, Outcome, Refused

LONGEST_ID = 255
LONGEST_TOKEN = 8_000
LONGEST_MARK = 64_000
LONGEST_TICKET = 2_000
LONGEST_MESSAGE = 500
STAND_IN = "unfit:"

T = TypeVar("T")

_log = logging.getLogger(__name__)


class BrokenPromiseError(Exception):
    """A plugin returned something else than the SDK promises. The message names it, and holds nothing of the data."""


@dataclass(frozen=True, slots=True)
class BadRecord:
    """A raw record that says nothing the model can hold: why, and the field where it stood."""

    reason: str
    field: str | None = None


@dataclass(frozen=True, slots=True)
class Misnamed(Raw):
    """A raw record whose id cannot be stored, under one that can be. It always reads as a `BadRecord`."""

    reason: str = ""


def page(answer: object, token: Token | None) -> Page:
    """The page, if it is one that can stand at `token`. What the plugin handed out lazily is taken now."""
    found = of_type("a page", answer, Page)
    text("the token of the next page", found.next, LONGEST_TOKEN)
    text("the mark", found.mark, LONGEST_MARK)
    of_type("resume", found.resume, bool)
    if token is not None and found.next == token:
        raise BrokenPromiseError("a page names itself as the next one")
    items = tuple(_storable(item) for item in sequence("the items of a page", found.items))
    if len({item.id for item in items}) != len(items):
        raise BrokenPromiseError("a page has two items of one id")
    return Page(items, found.next, found.mark, found.resume)


def records(feed: AnyFeed, raws: Sequence[Raw]) -> list[Record | Gone | BadRecord]:
    """What the raw records say. Each is read by itself, so that one never stops the others."""
    strange: dict[str, BaseException] = {}
    said = [_record(feed, raw, strange) for raw in raws]
    for kind, error in strange.items():
        _log.warning("feed %s: records failed with %s; the first one:", feed.name, kind, exc_info=error)
    return said


def fetched(plugin: str, answer: object, refs: Sequence[Ref]) -> dict[str, Raw | Gone | ChannelError]:
    """An answer for every ref: a `ContractError` where the plugin gave none, or a wrong one."""
    if not isinstance(answer, Mapping):
        raise BrokenPromiseError(f"what fetch returned is of type {type(answer).__name__}, expected a mapping")
    given = dict(answer)
    return {ref.id: _one_fetched(plugin, given.get(ref.id), ref.id) for ref in refs}


def places(answer: object) -> tuple[Place, ...]:
    """The locations, if that is what they are."""
    return tuple(of_type("a place", place, Place) for place in sequence("what places returned", answer))


def hints(answer: object, fetchable: Iterable[str]) -> tuple[Hint, ...]:
    """The hints, if each names a feed that can fetch and an id that can be stored."""
    known = frozenset(fetchable)
    found = tuple(of_type("a hint", hint, Hint) for hint in sequence("what hints returned", answer))
    for hint in found:
        text("the id in a hint", of_type("the id in a hint", hint.id, str), LONGEST_ID)
        if hint.feed not in known:
            raise BrokenPromiseError("a hint names a feed that cannot fetch")
    return found


def outcomes(answer: object, commands: Sequence[Command]) -> tuple[Outcome | ChannelError, ...]:
    """What became of each command, if each was answered."""
    said = sequence("what send returned", answer)
    if len(said) != len(commands):
        raise BrokenPromiseError(f"send answered {len(said)} of {len(commands)} commands")
    return tuple(one if isinstance(one, ChannelError) else outcome(one) for one in said)


def outcome(answer: object) -> Outcome:
    """What became of one command, if it can be stored."""
    match answer:
        case Done(ref=ref, moved_stock=bool()) if ref is None or isinstance(ref, Ref):
            return answer
        case Accepted(ticket=str(), look_after=datetime()):
            text("the ticket", answer.ticket, LONGEST_TICKET)
            values.instant("look_after", answer.look_after)
            return answer
        case Refused(code=str(), message=str()):
            return Refused(code=plain(answer.code), message=plain(answer.message))
    raise BrokenPromiseError(f"an outcome is of type {type(answer).__name__}, or holds something else than it should")


def of_type(what: str, value: object, kind: type[T]) -> T:
    """The value, which must be of this type."""
    if not isinstance(value, kind):
        raise BrokenPromiseError(f"{what} is of type {type(value).__name__}, expected {kind.__name__}")
    return value


def sequence(what: str, value: object) -> Sequence[object]:
    """The value, which must be a sequence and not a text."""
    if isinstance(value, (str, bytes)) or not isinstance(value, Sequence):
        raise BrokenPromiseError(f"{what} is of type {type(value).__name__}, expected a sequence")
    return value


def text(what: str, value: object, longest: int) -> None:
    """The value, which must be None or a text that a database can hold."""
    try:
        values.optional_text(what, value, longest)
    except InvalidValueError as error:
        raise BrokenPromiseError(f"{what}: {error.reason}") from error


def stands_in(id: str) -> bool:
    """Whether this id was made up for one that cannot be stored, so that the channel does not know it."""
    return id.startswith(STAND_IN)


def plain(message: object) -> str:
    """A message that every database and log can hold, of bounded length."""
    readable = str(message).encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")
    return readable if len(readable) <= LONGEST_MESSAGE else readable[: LONGEST_MESSAGE - 1] + "…"


def _storable(item: object) -> Raw:
    """The item; where its id cannot be stored, under an id that can be: one bad record must not stop a feed."""
    raw = of_type("an item of a page", item, Raw)
    try:
        values.text("id", of_type("the id of an item", raw.id, str), LONGEST_ID)
    except InvalidValueError as error:
        digest = hashlib.sha256(raw.id.encode("utf-8", "surrogatepass")).hexdigest()
        return Misnamed(f"{STAND_IN}{digest}", raw.data, error.reason)
    return raw


def _record(feed: AnyFeed, raw: Raw, strange: dict[str, BaseException]) -> Record | Gone | BadRecord:
    if isinstance(raw, Misnamed):
        return BadRecord(f"id: {raw.reason}", "id")
    try:
        return _said(feed, raw)
    except BaseException as error:  # noqa: BLE001 whatever a plugin raises: the record is rejected with its name
        name = type(error).__name__
        strange.setdefault(name, error)
        return BadRecord(f"the plugin failed on it with {name}")


def _said(feed: AnyFeed, raw: Raw) -> Record | Gone | BadRecord:
    try:
        said: object = feed.read(raw)
    except InvalidValueError as error:
        return BadRecord(plain(error), plain(error.field))
    except ChannelError as error:
        return BadRecord(plain(error))
    if not isinstance(said, (Gone, feed.of)):
        return BadRecord(f"read returned {type(said).__name__}, expected {feed.of.__name__}")
    if not isinstance(said.ref, Ref) or said.ref.id != raw.id:
        return BadRecord("read gave the record another id than the page did", "id")
    return said


def _one_fetched(plugin: str, answer: object, asked: str) -> Raw | Gone | ChannelError:
    if isinstance(answer, ChannelError):
        return answer
    if isinstance(answer, Raw) and answer.id == asked:
        return answer
    if isinstance(answer, Gone) and isinstance(answer.ref, Ref) and answer.ref.id == asked:
        return answer
    if answer is None:
        return ContractError(f"the plugin {plugin} did not answer for a record that it was asked for")
    found = "another record" if isinstance(answer, (Raw, Gone)) else type(answer).__name__
    return ContractError(f"the plugin {plugin} answered with {found} for a record that it was asked for")
