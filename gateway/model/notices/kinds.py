"""Kinds of notices: what an outgoing webhook can be about (rule N3)."""

from __future__ import annotations

from enum import Enum


class NoticeKind(Enum):
    """What happened. The value is the kind in the body of the webhook."""

    CONSENT_CONFIRMATION_REQUESTED = "consent.confirmation_requested"


class NoticeState(Enum):
    """The state of a notice. DEAD: it is not sent again unless an operator replays it."""

    QUEUED = "QUEUED"
    DONE = "DONE"
    DEAD = "DEAD"
