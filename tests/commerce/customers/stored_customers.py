"""Customers in a database, without channels and a sync: records that are ingested, decided about, and read back."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.commerce.config import SellingConfig
from gateway.commerce.context import SellingContext
from gateway.commerce.customers.ingest import ingest_customers
from gateway.commerce.ingest_batch import IngestBatch, IngestedRecord, IngestRules
from gateway.commerce.topology import Topology
from gateway.model.ids import derive_id
from gateway.sdk import CustomerRecord
from gateway.sdk.testing.record_builders import Row, read_customer
from gateway.storage.tables import (
    contacts,
    customer_consents,
    customer_review_members,
    customer_reviews,
    customers,
    evidence_keys,
    evidence_names,
    identities,
    identity_evidence,
    spendings,
    words,
)

NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
VERSIONED = {
    "identities": {"links", "linked_at", "changed_at"},  # a reason that is found again has a new time
    "customers": {"version", "updated_at", "created_at", "channels_version"},
}
"""Columns of versions and times, by table."""

COMPARED = (
    identities,
    customers,
    contacts,
    spendings,
    identity_evidence,
    evidence_keys,
    evidence_names,
    customer_consents,
    words,
)


def source_id(channel: str, id_: str) -> str:
    """Build the ID of the source row of a record, as sync does."""
    return derive_id("customer", channel, id_, 1)


@dataclass
class StoredCustomers:
    """Customers in a database into which a test ingests records."""

    conn: Connection
    config: SellingConfig = field(default_factory=lambda: SellingConfig(topology=Topology(), secret=b"secret"))
    _counts: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def context(self) -> SellingContext:
        """The context of the next step."""
        return SellingContext(self.config, NOW + timedelta(seconds=next(self._counts)))

    def ingest(self, channel: str, *rows: Row, gone: Sequence[str] = ()) -> None:
        """Apply records of a channel."""
        context = self.context
        batch: IngestBatch[CustomerRecord] = IngestBatch(
            channel,
            [IngestedRecord(source_id(channel, row["id"]), read_customer(row)) for row in rows],
            [source_id(channel, id_) for id_ in gone],
            (),
            1,
            context.now,
            IngestRules(selling=self.config),
        )
        ingest_customers(self.conn, batch)

    def list_groups(self) -> dict[str, list[str]]:
        """List the IDs of identities, by customer."""
        groups: dict[str, list[str]] = {}
        for row in self.conn.execute(sa.select(identities.c.customer_id, identities.c.id).order_by(identities.c.id)):
            groups.setdefault(row.customer_id, []).append(row.id)
        return groups

    def read_state(self) -> dict[str, list[str]]:
        """Read all rows of customers, without versions and times. An ID is shown as that of an identity's home."""
        homes = {row.home: f"home of {row.id}" for row in self.conn.execute(sa.select(identities))}
        return {name: sorted(_replace_ids(row, homes) for row in rows) for name, rows in self._read_tables().items()}

    def _read_tables(self) -> dict[str, list[Any]]:
        state = {table.name: self._read_rows(table) for table in COMPARED}
        open_ = sa.select(customer_reviews.c.key, customer_reviews.c.reason, customer_reviews.c.evidence).where(
            customer_reviews.c.state == "OPEN"
        )
        state["open reviews"] = list(map(tuple, self.conn.execute(open_)))
        members = (
            sa.select(customer_reviews.c.key, customer_review_members.c.identity_id)
            .join(customer_review_members, customer_review_members.c.review_id == customer_reviews.c.id)
            .where(customer_reviews.c.state == "OPEN")
        )
        state["members of reviews"] = list(map(tuple, self.conn.execute(members)))
        return state

    def _read_rows(self, table: sa.Table) -> list[Any]:
        columns = [column for column in table.columns if column.name not in VERSIONED.get(table.name, set())]
        rows = self.conn.execute(sa.select(*columns))
        shown = rows if table is not customers else (row for row in rows if row.visible)
        return list(map(tuple, shown))


def _replace_ids(row: object, homes: Mapping[str, str]) -> str:
    text = repr(row)
    for home, name in homes.items():
        text = text.replace(home, name)
    return text
