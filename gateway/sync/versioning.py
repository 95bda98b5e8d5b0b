"""Versioning: whether an observation replaces the known state of a record, as a pure decision (rules S1, S2, S5)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto

from gateway.storage.sync.source_records import SourceRecord


class Verdict(Enum):
    """The decision about an observation."""

    APPLY = auto()
    SAME = auto()  # nothing new, but the known state is confirmed as of this read
    IGNORE = auto()  # older than the known state
    AGAIN = auto()  # the order is undecidable: read the record again


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """One record as one read returned it.

    Attributes:
        version: the channel's version as an integer; None: it has none, or the record could not be decoded.
        digest: of the raw data; None: the record was removed.
        begin: the observation counter before the request; `end`: in the transaction that applies it.
        is_authoritative: read by ID, or read after a hint by a feed without reads by ID. An older version is believed.
    """

    digest: str | None
    version: int | None = None
    is_invalid: bool = False
    begin: int
    end: int
    observed_at: datetime
    is_authoritative: bool = False

    @property
    def is_removed(self) -> bool:
        """Whether the channel reported that the record was removed."""
        return self.digest is None


def decide_verdict(source: SourceRecord, observation: Observation) -> Verdict:
    """Decide about an observation.

    Versions decide, in both directions, if the channel has them; otherwise the interval from request to answer. A
    removal is compared by its interval only, because the version before it says nothing about what came after.
    """
    if _is_same(source, observation):
        return Verdict.SAME
    if (
        observation.version is not None
        and source.version is not None
        and not source.gone
        and observation.version != source.version
    ):
        if observation.version > source.version:
            return Verdict.APPLY
        return Verdict.APPLY if observation.is_authoritative and observation.begin >= source.end else Verdict.AGAIN
    if observation.begin >= source.end:
        return Verdict.APPLY
    return Verdict.IGNORE if observation.end < source.begin else Verdict.AGAIN


def _is_same(source: SourceRecord, observation: Observation) -> bool:
    if observation.is_removed or (source.gone and not source.rejected):
        return observation.is_removed and source.gone and not source.rejected
    return source.digest == observation.digest and source.rejected == observation.is_invalid


def advance_source(source: SourceRecord, observation: Observation, verdict: Verdict) -> SourceRecord:
    """Advance the known state of a record by an observation."""
    if verdict is Verdict.IGNORE:
        return source.copy()
    if verdict is Verdict.AGAIN:
        return _mark_for_reread(source, observation)
    after = source.copy()
    after.begin = max(source.begin, observation.begin)
    after.end = max(source.end, observation.end)
    after.observed_at = max(source.observed_at, observation.observed_at)
    after.absent_at = None
    if source.dirty_at is not None and observation.begin >= source.dirty_at:
        after.dirty_at = None
    if verdict is Verdict.APPLY:
        _apply_observation(after, observation)
    return after


def _mark_for_reread(source: SourceRecord, observation: Observation) -> SourceRecord:
    after = source.copy()
    after.dirty_at = max(source.dirty_at or 0, observation.end)
    return after


def _apply_observation(after: SourceRecord, observation: Observation) -> None:
    after.digest, after.rejected = observation.digest, observation.is_invalid
    if observation.is_removed:
        after.gone = True
    elif not observation.is_invalid:
        after.version, after.generation, after.gone = observation.version, after.generation + after.gone, False
