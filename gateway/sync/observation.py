"""Whether what was read now replaces what is known (rules S1, S2, S5): a pure decision."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto

from gateway.storage.sources import Source


class Verdict(Enum):
    """What becomes of an observation."""

    APPLY = auto()
    SAME = auto()  # nothing new; but now it is known to have been so until this read
    IGNORE = auto()  # it was read before what is known
    AGAIN = auto()  # it cannot be told which is newer: read once more


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """One record as one read found it.

    Attributes:
        version: the channel's, as an integer; None: it has none, or the record could not be read.
        digest: of the raw data; None: the record is gone.
        begin: the counter before the request; end: the counter in the transaction that applies it.
        sure: read by id, or by a feed that cannot do that after somebody asked for it: older versions are believed.
    """

    digest: str | None
    version: int | None = None
    bad: bool = False
    begin: int
    end: int
    observed_at: datetime
    sure: bool = False

    @property
    def gone(self) -> bool:
        """Whether the channel said that the record is no more."""
        return self.digest is None


def decide(known: Source, seen: Observation) -> Verdict:
    """What becomes of an observation, given what is known.

    Versions decide, both ways, where the channel has them; else the time between request and answer. A tombstone is
    compared by time alone: the last version before it says nothing of what came after.
    """
    if _same(known, seen):
        return Verdict.SAME
    if seen.version is not None and known.version is not None and not known.gone and seen.version != known.version:
        if seen.version > known.version:
            return Verdict.APPLY
        return Verdict.APPLY if seen.sure and seen.begin >= known.end else Verdict.AGAIN
    if seen.begin >= known.end:
        return Verdict.APPLY
    return Verdict.IGNORE if seen.end < known.begin else Verdict.AGAIN


def _same(known: Source, seen: Observation) -> bool:
    if seen.gone or (known.gone and not known.rejected):
        return seen.gone and known.gone and not known.rejected
    return known.digest == seen.digest and known.rejected == seen.bad


def moved(known: Source, seen: Observation, verdict: Verdict) -> Source:
    """What is known of the record's state in its channel after the observation."""
    if verdict is Verdict.IGNORE:
        return known.copy()
    if verdict is Verdict.AGAIN:
        return _doubted(known, seen)
    after = known.copy()
    after.begin = max(known.begin, seen.begin)
    after.end = max(known.end, seen.end)
    after.observed_at = max(known.observed_at, seen.observed_at)
    after.absent_at = None
    if known.dirty_at is not None and seen.begin >= known.dirty_at:
        after.dirty_at = None
    if verdict is Verdict.APPLY:
        _apply(after, seen)
    return after


def _doubted(known: Source, seen: Observation) -> Source:
    after = known.copy()
    after.dirty_at = max(known.dirty_at or 0, seen.end)
    return after


def _apply(after: Source, seen: Observation) -> None:
    after.digest, after.rejected = seen.digest, seen.bad
    if seen.gone:
        after.gone = True
    elif not seen.bad:
        after.version, after.generation, after.gone = seen.version, after.generation + after.gone, False
