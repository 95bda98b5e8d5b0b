"""Validation of plugins' responses: what does not match the SDK's contract is reported and not used."""

from __future__ import annotations

import dataclasses
import hashlib
import logging
import traceback
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from gateway.model import validation
from gateway.model.validation import InvalidValueError, sanitize_message
from gateway.sdk.channel import Place, VerifiedCustomer
from gateway.sdk.errors import ChannelError, ContractError
from gateway.sdk.feeds import AnyFeed, Page, Raw, Token
from gateway.sdk.records import Gone, Record, Ref
from gateway.sdk.webhooks import Hint, PrivacyRequest, PrivacyRequestKind
from gateway.sdk.writes import Accepted, Command, Done, Outcome, Refused

MAX_ID_LENGTH = 255
MAX_TOKEN_LENGTH = 8_000
MAX_MARK_LENGTH = 64_000
MAX_TICKET_LENGTH = 2_000
MAX_FRAMES = 5
STAND_IN_PREFIX = "unfit:"

T = TypeVar("T")

_log = logging.getLogger(__name__)


class PluginContractError(Exception):
    """A plugin violates the SDK's contract. The message names the value, and contains no data."""


@dataclass(frozen=True, slots=True)
class BadRecord:
    """A raw record that the model cannot hold: the reason, and the field."""

    reason: str
    field: str | None = None
    detail: str | None = dataclasses.field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class UnstorableRecord(Raw):
    """A raw record with a stand-in for an id that cannot be stored. It always reads as a `BadRecord`."""

    reason: str = ""


def validate_page(response: object, token: Token | None) -> Page:
    """Validate the page that follows `token`. Lazy values of the plugin are evaluated."""
    page = require_type("a page", response, Page)
    require_text("the token of the next page", page.next, MAX_TOKEN_LENGTH)
    require_text("the mark", page.mark, MAX_MARK_LENGTH)
    require_type("resume", page.resume, bool)
    locations = None if page.locations is None else require_type("the locations of a page", page.locations, frozenset)
    for location in locations or ():  # they are compared with those of the configuration, and never stored
        require_type("a location of a page", location, str)
    if token is not None and page.next == token:
        raise PluginContractError("a page names itself as the next one")
    items = tuple(_make_storable(item) for item in require_sequence("the items of a page", page.items))
    if len({item.id for item in items}) != len(items):
        raise PluginContractError("a page has two items with the same id")
    return Page(items, page.next, page.mark, page.resume, locations)


def read_records(feed: AnyFeed, raws: Sequence[Raw]) -> list[Record | Gone | BadRecord]:
    """Read raw records. Each is read separately, so that an invalid one does not affect others."""
    errors: dict[str, BaseException] = {}
    results = [_read_record(feed, raw, errors) for raw in raws]
    for kind, error in errors.items():
        _log.warning("feed %s: records failed with %s; the first one:", feed.name, kind, exc_info=error)
    return results


def validate_fetched(plugin: str, response: object, refs: Sequence[Ref]) -> dict[str, Raw | Gone | ChannelError]:
    """Validate fetched records. A missing or wrong one is replaced by a `ContractError`."""
    if not isinstance(response, Mapping):
        raise PluginContractError(f"what fetch returned is of type {type(response).__name__}, expected a mapping")
    records = dict(response)
    return {ref.id: _validate_fetched_item(plugin, records.get(ref.id), ref.id) for ref in refs}


def validate_locations(response: object) -> tuple[Place, ...]:
    """Validate the locations."""
    return tuple(
        require_type("a location", location, Place) for location in require_sequence("what `places` returned", response)
    )


def validate_customer(response: object) -> VerifiedCustomer:
    """Validate a customer whose token the channel has verified."""
    customer = require_type("a verified customer", response, VerifiedCustomer)
    require_text("the id of a verified customer", require_type("its id", customer.id, str), MAX_ID_LENGTH)
    if customer.expires_at is not None:
        expires_at = require_type("the end of a customer's token", customer.expires_at, datetime)
        if expires_at.utcoffset() is None:
            raise PluginContractError("the end of a customer's token has no time zone")
    return customer


def validate_hints(response: object, fetchable: Iterable[str]) -> tuple[Hint, ...]:
    """Validate the hints: each has an id that can be stored, and a feed that can fetch."""
    feed_names = frozenset(fetchable)
    hints = tuple(require_type("a hint", hint, Hint) for hint in require_sequence("what hints returned", response))
    for hint in hints:
        require_text("the id in a hint", require_type("the id in a hint", hint.id, str), MAX_ID_LENGTH)
        if hint.feed not in feed_names:
            raise PluginContractError("a hint names a feed that cannot fetch")
    return hints


def validate_privacy_requests(response: object) -> tuple[PrivacyRequest, ...]:
    """Validate what a delivery asks for: one customer is named, unless it is about all."""
    values = require_sequence("what privacy_requests returned", response)
    requests = tuple(require_type("a privacy request", value, PrivacyRequest) for value in values)
    for request in requests:
        kind = require_type("the kind of a privacy request", request.kind, PrivacyRequestKind)
        if (request.customer is None) is not (kind is PrivacyRequestKind.ERASE_ALL):
            raise PluginContractError("a privacy request names one customer, unless it is about all of them")
        if request.customer is not None:
            name = "the customer in a privacy request"
            require_text(name, require_type(name, request.customer, str), MAX_ID_LENGTH)
    return requests


def validate_outcomes(response: object, commands: Sequence[Command]) -> tuple[Outcome | ChannelError, ...]:
    """Validate the outcomes of commands: there is one for each."""
    outcomes = require_sequence("what send returned", response)
    if len(outcomes) != len(commands):
        raise PluginContractError(f"send answered {len(outcomes)} of {len(commands)} commands")
    return tuple(item if isinstance(item, ChannelError) else validate_outcome(item) for item in outcomes)


def validate_outcome(outcome: object) -> Outcome:
    """Validate one outcome."""
    match outcome:
        case Done(ref=ref, moved_stock=bool()) if ref is None or isinstance(ref, Ref):
            return outcome
        case Accepted(ticket=str(), look_after=datetime()):
            require_text("the ticket", outcome.ticket, MAX_TICKET_LENGTH)
            validation.check_instant("look_after", outcome.look_after)
            return outcome
        case Refused(code=str(), message=str()):
            return Refused(code=sanitize_message(outcome.code), message=sanitize_message(outcome.message))
    raise PluginContractError(f"an outcome is of type {type(outcome).__name__}, or has fields of another type")


def require_type(label: str, value: object, kind: type[T]) -> T:
    """Require a value of this type."""
    if not isinstance(value, kind):
        raise PluginContractError(f"{label} is of type {type(value).__name__}, expected {kind.__name__}")
    return value


def require_sequence(label: str, value: object) -> Sequence[object]:
    """Require a sequence that is not a text."""
    if isinstance(value, (str, bytes)) or not isinstance(value, Sequence):
        raise PluginContractError(f"{label} is of type {type(value).__name__}, expected a sequence")
    return value


def require_text(label: str, value: object, max_length: int) -> None:
    """Require None, or a text that a database can store."""
    try:
        validation.check_optional_text(label, value, max_length)
    except InvalidValueError as error:
        raise PluginContractError(f"{label}: {error.reason}") from error


def is_stand_in(id: str) -> bool:
    """Whether this id is a stand-in, which the channel does not know."""
    return id.startswith(STAND_IN_PREFIX)


def _make_storable(item: object) -> Raw:
    """Replace an id that cannot be stored by a stand-in: an invalid record must not stop a feed."""
    raw = require_type("an item of a page", item, Raw)
    try:
        validation.check_text("id", require_type("the id of an item", raw.id, str), MAX_ID_LENGTH)
    except InvalidValueError as error:
        digest = hashlib.sha256(raw.id.encode("utf-8", "surrogatepass")).hexdigest()
        return UnstorableRecord(f"{STAND_IN_PREFIX}{digest}", raw.data, error.reason)
    return raw


def _read_record(feed: AnyFeed, raw: Raw, errors: dict[str, BaseException]) -> Record | Gone | BadRecord:
    if isinstance(raw, UnstorableRecord):
        return BadRecord(f"id: {raw.reason}", "id")
    try:
        return _read_valid(feed, raw)
    except BaseException as error:  # noqa: BLE001 any exception of a plugin: the record is rejected with its name
        name = type(error).__name__
        errors.setdefault(name, error)
        return BadRecord(f"the plugin raised {name} for this record", detail=describe_exception(error))


def describe_exception(error: BaseException) -> str:
    """Describe an exception of a plugin for its author: its text, and the lines that raised it, the innermost first.

    The text can quote the record.
    """
    frames = reversed(traceback.extract_tb(error.__traceback__)[2:])  # the first ones are the gateway's
    lines = [f"  at {frame.filename}:{frame.lineno}, in {frame.name}" for frame in frames]
    text = _get_text(error)
    return "\n".join([f"{type(error).__name__}{': ' if text else ''}{text}", *lines[:MAX_FRAMES]])


def _get_text(error: BaseException) -> str:
    try:
        return sanitize_message(error)
    except Exception:  # noqa: BLE001 the plugin's own code builds the text
        return ""


def _read_valid(feed: AnyFeed, raw: Raw) -> Record | Gone | BadRecord:
    try:
        record: object = feed.read(raw)
    except InvalidValueError as error:
        return BadRecord(sanitize_message(error), sanitize_message(error.field))
    except ChannelError as error:
        return BadRecord(sanitize_message(error))
    if not isinstance(record, (Gone, feed.of)):
        return BadRecord(f"read returned {type(record).__name__}, expected {feed.of.__name__}")
    if not isinstance(record.ref, Ref) or record.ref.id != raw.id:
        return BadRecord("read returned a record with another id than the page", "id")
    return record


def _validate_fetched_item(plugin: str, record: object, id_: str) -> Raw | Gone | ChannelError:
    if isinstance(record, ChannelError):
        return record
    if isinstance(record, Raw) and record.id == id_:
        return record
    if isinstance(record, Gone) and isinstance(record.ref, Ref) and record.ref.id == id_:
        return record
    if record is None:
        return ContractError(f"the plugin {plugin} returned nothing for a requested record")
    description = "another record" if isinstance(record, (Raw, Gone)) else type(record).__name__
    return ContractError(f"the plugin {plugin} returned {description} for a requested record")
