"""Reads of reviews, merges and splits of customers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.model.customers.profiles import EvidenceVerdict, IdentityEvidence, IdentityRule
from gateway.model.customers.recognition import DecisionKind
from gateway.model.customers.reviews import CustomerMerge, CustomerMergeKind, CustomerReview, CustomerReviewState
from gateway.storage.sql.bulk import BulkSelect, load_json
from gateway.storage.sql.keyset import Rows, Sort
from gateway.storage.tables import (
    customer_decision_members,
    customer_decisions,
    customer_review_members,
    customer_reviews,
    identities,
)

_reviews = BulkSelect(sa.select(customer_reviews), customer_reviews.c.id)
_customers_of_reviews = BulkSelect(
    sa.select(customer_review_members.c.review_id, identities.c.customer_id)
    .join(identities, identities.c.id == customer_review_members.c.identity_id)
    .distinct(),
    customer_review_members.c.review_id,
)
_reviews_of_customers = BulkSelect(
    sa.select(identities.c.customer_id, customer_reviews.c.id)
    .select_from(
        identities.join(customer_review_members, customer_review_members.c.identity_id == identities.c.id).join(
            customer_reviews, customer_reviews.c.id == customer_review_members.c.review_id
        )
    )
    .where(customer_reviews.c.state == CustomerReviewState.OPEN.value)
    .distinct(),
    identities.c.customer_id,
)
_merges = BulkSelect(sa.select(customer_decisions), customer_decisions.c.merge_id)
_merges_of_customers = BulkSelect(
    sa.select(identities.c.customer_id, customer_decisions.c.merge_id)
    .select_from(
        identities.join(customer_decision_members, customer_decision_members.c.identity_id == identities.c.id).join(
            customer_decisions, customer_decisions.c.id == customer_decision_members.c.decision_id
        )
    )
    .distinct(),
    identities.c.customer_id,
)
_homes = BulkSelect(sa.select(identities.c.id, identities.c.home, identities.c.customer_id), identities.c.id)


def list_reviews(states: Sequence[str]) -> Rows[str]:
    """List the IDs of reviews in these states, oldest first. No states: all."""
    statement = sa.select(customer_reviews.c.id)
    if states:
        statement = statement.where(customer_reviews.c.state.in_(states))
    return Rows(statement, Sort(customer_reviews.c.created_at, customer_reviews.c.id), lambda row: str(row.id))


def find_reviews(conn: Connection, ids: Collection[str]) -> Mapping[str, CustomerReview]:
    """Find reviews, by ID, with the customers of today."""
    rows = _reviews.select(conn, ids)
    customers: dict[str, list[str]] = defaultdict(list)
    for row in _customers_of_reviews.select(conn, [row.id for row in rows]):
        customers[row.review_id].append(row.customer_id)
    return {row.id: _read_review(row, sorted(customers[row.id])) for row in rows}


def find_open_reviews(conn: Connection, customer_ids: Collection[str]) -> Mapping[str, Sequence[CustomerReview]]:
    """Find the open reviews of customers."""
    rows = _reviews_of_customers.select(conn, customer_ids)
    found = find_reviews(conn, {row.id for row in rows})
    reviews: dict[str, list[CustomerReview]] = {id_: [] for id_ in customer_ids}
    for row in sorted(rows, key=lambda row: str(row.id)):
        reviews[row.customer_id].append(found[row.id])
    return reviews


def find_merges(conn: Connection, ids: Collection[str]) -> Mapping[str, CustomerMerge]:
    """Find merges and splits, by ID."""
    rows = sorted(_merges.select(conn, ids), key=lambda row: int(row.number))
    members = {id_ for row in rows for id_ in (*load_json(row.left_ids), *load_json(row.right_ids))}
    homes = {row.id: row for row in _homes.select(conn, members)}
    groups: dict[str, list[Any]] = defaultdict(list)
    for row in rows:
        groups[row.merge_id].append(row)
    return {merge_id: _read_merge(decided, homes) for merge_id, decided in groups.items()}


def find_merges_of_customers(conn: Connection, customer_ids: Collection[str]) -> Mapping[str, Sequence[CustomerMerge]]:
    """Find what people decided about customers, newest first, undone decisions too."""
    rows = _merges_of_customers.select(conn, customer_ids)
    found = find_merges(conn, {row.merge_id for row in rows})
    merges: dict[str, list[CustomerMerge]] = {id_: [] for id_ in customer_ids}
    for row in rows:
        merges[row.customer_id].append(found[row.merge_id])
    return {
        id_: sorted(some, key=lambda merge: (merge.merged_at, merge.id), reverse=True) for id_, some in merges.items()
    }


def _read_review(row: Any, customer_ids: Sequence[str]) -> CustomerReview:
    return CustomerReview(
        id=row.id,
        state=CustomerReviewState(row.state),
        customer_ids=tuple(customer_ids),
        evidence=tuple(_read_evidence(load_json(row.evidence))),
        reason=row.reason,
        created_at=row.created_at,
        decided_at=row.decided_at,
        decided_by=row.decided_by,
        merge_id=row.merge_id,
    )


def _read_evidence(entries: Iterable[Sequence[str]]) -> Iterable[IdentityEvidence]:
    for rule, value, verdict, _, other in entries:
        yield IdentityEvidence(rule=IdentityRule(rule), value=value, verdict=EvidenceVerdict(verdict), other_id=other)


def _read_merge(rows: Sequence[Any], homes: Mapping[str, Any]) -> CustomerMerge:
    """Read the decisions that were made together. Each side is named by the home of its oldest identity."""
    sides = [load_json(row.left_ids) for row in rows[:1]] + [load_json(row.right_ids) for row in rows]
    firsts = [homes[side[0]] for side in sides if side and side[0] in homes]
    is_merge = rows[0].kind == DecisionKind.SAME.value
    return CustomerMerge(
        id=rows[0].merge_id,
        kind=CustomerMergeKind.MERGED if is_merge else CustomerMergeKind.SPLIT,
        proved=rows[0].proved,
        customer_id=firsts[0].customer_id if firsts else "",
        merged_ids=tuple(dict.fromkeys(row.home for row in firsts)),
        evidence=(IdentityEvidence(rule=IdentityRule(rows[0].rule)),),
        by=rows[0].actor,
        note=rows[0].note,
        merged_at=rows[0].decided_at,
        undone_at=rows[0].undone_at,
    )
