"""Requests of customers about their data: exports and erases."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from gateway.model.channels import Fault


class DataRequestKind(Enum):
    """What is requested."""

    EXPORT = "EXPORT"
    ERASE = "ERASE"


class DataRequestState(Enum):
    """How far a request is.

    Attributes:
        QUEUED: it has not begun; an erase can be canceled until `executes_at`.
        RUNNING: it has begun. Of an erase: the gateway shows nothing any more, and channels are still to answer.
        DONE: all parts are done.
        PARTLY_DONE: a channel cannot do it, or has refused it: a person has to see to it.
        CANCELLED: it was canceled before it began.
    """

    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    DONE = "DONE"
    PARTLY_DONE = "PARTLY_DONE"
    CANCELLED = "CANCELLED"


class DataPartState(Enum):
    """How far a part of a request is.

    Attributes:
        QUEUED: it has not begun.
        WAITING: an open order keeps its own contact until it is over.
        SENT: the channel has accepted it, and still shows data.
        DONE: it is done; in a channel, its record was read and shows no data.
        NOT_SUPPORTED: the channel cannot do it.
        DONE_BY_HAND: a person has done it in a channel that cannot.
        FAILED: the channel has refused it, or could not be read.
    """

    QUEUED = "QUEUED"
    WAITING = "WAITING"
    SENT = "SENT"
    DONE = "DONE"
    NOT_SUPPORTED = "NOT_SUPPORTED"
    DONE_BY_HAND = "DONE_BY_HAND"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class DataRequestPart:
    """What a request does in a channel.

    Attributes:
        channel_key: key of the channel; None: the gateway itself.
        attempts: how often the channel was asked.
        proof: what shows that it is done.
        kept: what the law keeps, and which.
    """

    channel_key: str | None
    state: DataPartState
    attempts: int
    fault: Fault | None
    proof: str | None
    kept: tuple[str, ...]
    completed_at: datetime | None


@dataclass(frozen=True, slots=True)
class DataRequest:
    """A request for an export or an erase of a customer's data.

    Attributes:
        customer_id: ID of the customer under which it was requested.
        file_until: until when the file of an export can be downloaded; None: there is none.
        requested_by: name of the token; empty: the customer; with the prefix `channel:`, the channel.
        due_at: legal deadline.
    """

    id: str
    kind: DataRequestKind
    state: DataRequestState
    customer_id: str
    parts: tuple[DataRequestPart, ...]
    file_until: datetime | None
    requested_by: str
    requested_at: datetime
    executes_at: datetime
    due_at: datetime
    completed_at: datetime | None
