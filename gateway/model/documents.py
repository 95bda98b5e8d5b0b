"""Persisted documents, and the policies that operators set for them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentPolicy:
    """What a persisted document may do, in every app version.

    Attributes:
        max_age_seconds: How long caches store answers that may be shared; None: as their data allows.
        max_per_minute: How often one process executes it in a minute; None: no limit of its own.
        deadline_ms: Deadline of its queries, in milliseconds; None: that of the configuration.
        set_by: Name of the token that set it.
    """

    blocked: bool
    reason: str | None
    max_age_seconds: int | None
    max_per_minute: int | None
    deadline_ms: int | None
    set_by: str
    set_at: datetime

    @property
    def max_age(self) -> timedelta | None:
        """How long caches store answers that may be shared."""
        return None if self.max_age_seconds is None else timedelta(seconds=self.max_age_seconds)

    @property
    def deadline_seconds(self) -> float | None:
        """The deadline in seconds."""
        return None if self.deadline_ms is None else self.deadline_ms / 1000


@dataclass(frozen=True, slots=True)
class DocumentApp:
    """A version of an app that contains a document. `owner`: the team that owns the app."""

    name: str
    version: str
    owner: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PersistedDocument:
    """A persisted document with the app versions that contain it. `hash`: its ID, `sha256:…`."""

    hash: str
    text: str
    apps: tuple[DocumentApp, ...]
    uses: int
    last_used_at: datetime | None
    policy: DocumentPolicy | None
