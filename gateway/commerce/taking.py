"""What sync hands to commerce: records that are to be applied, all of one channel and kind, in one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, NamedTuple, TypeVar

from gateway.commerce.ground import Ground
from gateway.commerce.selling import Selling
from gateway.sdk.policies import Matching, codes_only
from gateway.sdk.records import Record
from gateway.storage.tables import EPOCH

R = TypeVar("R", bound=Record)


@dataclass(frozen=True, slots=True)
class Rules:
    """What the configuration says about the catalogue.

    Attributes:
        priority: every channel's place in the catalogue's order of preference.
        services: folded codes of things that are no goods.
        gross: per channel, whether its prices include tax where a record does not say.
        selling: what selling goes by: places, and what channels can do.
    """

    priority: Mapping[str, int] = field(default_factory=dict)
    services: frozenset[str] = frozenset()
    gross: Mapping[str, bool] = field(default_factory=dict)
    matching: Matching = codes_only
    selling: Selling = field(default_factory=lambda: Selling(ground=Ground(), secret=b""))

    @property
    def ground(self) -> Ground:
        """Places, and what channels can do."""
        return self.selling.ground


class Seen(NamedTuple, Generic[R]):
    """A record to apply, and the source row that it belongs to."""

    source_id: str
    record: R


@dataclass(frozen=True, slots=True)
class Take(Generic[R]):
    """What one transaction applies.

    Attributes:
        gone: source rows whose records the channel no longer has.
        doubtful: source rows whose newest version was rejected.
        count: the observation counter; grows from transaction to transaction.
        same: source rows whose records were read, and are as they were.
        begin: the observation counter before the request; `begun_at`: the time. By default the read proves nothing.
    """

    channel: str
    seen: Sequence[Seen[R]]
    gone: Sequence[str]
    doubtful: Sequence[str]
    count: int
    now: datetime
    rules: Rules
    same: Sequence[str] = ()
    begin: int = 0
    begun_at: datetime = EPOCH
