"""The audit trail: attempts to change something, applied or refused."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from gateway.model.actors import Actor


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """An attempt to change something.

    Attributes:
        action: Name of the mutation, or of the command of an operator.
        subject_type: Type of the object in the schema; None: it concerns no object.
        subject_id: ID of the object, without its type.
        channel_key, location_key: None: it concerns no channel or location in particular.
        refused: Code of the refusal; None: it was applied.
        request_id: ID of the HTTP request; None: it was no request.
    """

    id: str
    occurred_at: datetime
    actor: Actor
    action: str
    subject_type: str | None
    subject_id: str | None
    channel_key: str | None
    location_key: str | None
    refused: str | None
    request_id: str | None


@dataclass(frozen=True, slots=True)
class AuditChange:
    """A changed value.

    Attributes:
        before, after: As texts; None: there was no value, or it was erased.
        is_personal: Whether the value may identify a person.
    """

    field: str
    before: str | None
    after: str | None
    is_personal: bool = False
