"""Ingest batch: the records of one channel and resource that sync applies in one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, NamedTuple, TypeVar

from gateway.commerce.config import SellingConfig
from gateway.commerce.context import SellingContext
from gateway.commerce.topology import Topology
from gateway.model.attributes.definitions import AttributeDefinition
from gateway.model.catalog import ProductField
from gateway.sdk.policies import Matching, match_by_codes
from gateway.sdk.records import Record
from gateway.storage.tables import EPOCH

R = TypeVar("R", bound=Record)


@dataclass(frozen=True, slots=True)
class IngestRules:
    """The configuration that ingest follows.

    Attributes:
        priority: rank of every channel in the catalog, by channel; lower is preferred.
        service_codes: folded codes of services, which never match.
        prices_include_tax: by channel, whether its prices include tax where a record does not say.
        matching: the matching policy.
        selling: the selling configuration.
        attributes: the declared attributes, by key.
        field_priority: rank of every channel for a field of products; only fields with an order of their own.
        survivorship: a digest of the configured orders of channels.
    """

    priority: Mapping[str, int] = field(default_factory=dict)
    service_codes: frozenset[str] = frozenset()
    prices_include_tax: Mapping[str, bool] = field(default_factory=dict)
    matching: Matching = match_by_codes
    selling: SellingConfig = field(default_factory=lambda: SellingConfig(topology=Topology(), secret=b""))

    attributes: Mapping[str, AttributeDefinition] = field(default_factory=dict)
    field_priority: Mapping[ProductField, Mapping[str, int]] = field(default_factory=dict)
    survivorship: str = ""

    @property
    def topology(self) -> Topology:
        """The configured locations, and the open channels."""
        return self.selling.topology


class IngestedRecord(NamedTuple, Generic[R]):
    """A record to apply, and the ID of its source row."""

    source_id: str
    record: R


@dataclass(frozen=True, slots=True)
class IngestBatch(Generic[R]):
    """The records that one transaction applies.

    Attributes:
        records: the records to apply.
        removed: source rows whose records the channel does not have any more.
        rejected: source rows whose newest version was rejected.
        count: the observation counter; it grows from transaction to transaction.
        unchanged: source rows whose records were read and have not changed.
        begin: the observation counter before the request; `begun_at`: the time. The defaults prove nothing.
        feed: the feed that was read; `seen`: when the records were last seen before, by source row.
    """

    channel: str
    records: Sequence[IngestedRecord[R]]
    removed: Sequence[str]
    rejected: Sequence[str]
    count: int
    now: datetime
    rules: IngestRules
    unchanged: Sequence[str] = ()
    begin: int = 0
    begun_at: datetime = EPOCH
    feed: str = ""
    seen: Mapping[str, datetime] = field(default_factory=dict)

    @property
    def context(self) -> SellingContext:
        """The context in which the batch is applied."""
        return SellingContext(self.rules.selling, self.now)
