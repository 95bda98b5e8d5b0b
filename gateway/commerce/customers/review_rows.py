"""Rows of reviews: groups of identities that recognition does not join, and staff decide about (rule C3)."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from gateway.model.customers.recognition import Suggestion
from gateway.model.customers.reviews import CustomerReviewState
from gateway.model.ids import generate_id
from gateway.storage.database import Connection
from gateway.storage.sql.bulk import dump_json
from gateway.storage.writes.customers import decisions
from gateway.storage.writes.customers.decisions import ReviewMember, ReviewRow
from gateway.storage.writes.customers.identities import IdentityRow

OPEN, OBSOLETE = CustomerReviewState.OPEN.value, CustomerReviewState.OBSOLETE.value
MAX_MEMBERS = 50


def store_suggestions(
    conn: Connection, members: Mapping[str, IdentityRow], suggestions: Sequence[Suggestion], now: datetime
) -> None:
    """Store the suggestions about the identities of a block as reviews. Open ones that are suggested no more end."""
    suggested = {_build_key(suggestion): suggestion for suggestion in suggestions}
    known = {row.key: row for row in decisions.find_reviews_by_key(conn, suggested)}
    new = [_build_row(key, suggestion, now) for key, suggestion in suggested.items() if key not in known]
    changed = [after for key, row in known.items() if (after := _reopen(row, suggested[key])) != row]
    ended = _list_ended(conn, members, suggested)
    decisions.store_reviews(conn, new, [*changed, *ended])
    by_id = {row.id: suggested[row.key] for row in (*new, *known.values())}
    pairs = [ReviewMember(id_, review) for review, suggestion in by_id.items() for id_ in list_members(suggestion)]
    decisions.replace_members(conn, by_id, pairs)


def _list_ended(conn: Connection, members: Mapping[str, IdentityRow], suggested: Collection[str]) -> list[ReviewRow]:
    """List the open reviews that are only about identities of the block, and suggested no more."""
    rows = [row for row in decisions.find_reviews(conn, members) if row.state == OPEN and row.key not in suggested]
    pairs = decisions.find_members(conn, [row.id for row in rows])
    outside = {pair.review_id for pair in pairs if pair.identity_id not in members}
    return [replace(row, state=OBSOLETE) for row in rows if row.id not in outside]


def _build_key(suggestion: Suggestion) -> str:
    """Build the key of a suggestion: the oldest identity of each of its groups, which later ones join."""
    firsts = sorted(group[0] for group in suggestion.identities)
    return hashlib.sha256("\t".join(firsts).encode()).hexdigest()[:32]


def _build_row(key: str, suggestion: Suggestion, now: datetime) -> ReviewRow:
    return ReviewRow(
        id=generate_id(now),
        key=key,
        state=OPEN,
        reason=suggestion.reason,
        evidence=_dump_evidence(suggestion),
        created_at=now,
    )


def _reopen(row: ReviewRow, suggestion: Suggestion) -> ReviewRow:
    """Update a review that is suggested. One that ended, or whose decision was undone, is open again."""
    return replace(
        row,
        state=OPEN,
        reason=suggestion.reason,
        evidence=_dump_evidence(suggestion),
        decided_at=None,
        decided_by=None,
        merge_id=None,
    )


def _dump_evidence(suggestion: Suggestion) -> str:
    return dump_json(
        [[link.rule.value, link.value, link.verdict.value, link.first, link.second] for link in suggestion.links]
    )


def list_members(suggestion: Suggestion) -> list[str]:
    """List the identities of a suggestion: of very many, the first of each of its groups."""
    share = max(MAX_MEMBERS // max(len(suggestion.identities), 1), 1)
    return sorted({id_ for group in suggestion.identities for id_ in group[:share]})[:MAX_MEMBERS]
