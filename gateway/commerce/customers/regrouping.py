"""Regrouping: derives anew which customers identities belong to, after they have changed (rules C1, C3, C4, C7)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from gateway.commerce.customers import review_rows
from gateway.commerce.customers.blocks import Block, collect_block
from gateway.commerce.customers.config import CustomerConfig
from gateway.commerce.customers.customer_rows import rebuild_customers
from gateway.commerce.customers.identity_facts import (
    build_evidence_rows,
    build_facts,
    is_known_kind,
    read_key,
    restore_evidence,
)
from gateway.commerce.customers.recognition.partition import MAX_GIVEN_NAMES, MAX_HOLDERS, recognize
from gateway.model.customers.profiles import EvidenceVerdict, IdentityRule
from gateway.model.customers.recognition import Decision, DecisionKind, IdentityFacts, Link, Partition
from gateway.storage.database import Connection
from gateway.storage.sql.bulk import dump_json, load_json
from gateway.storage.writes.customers import evidence, identities
from gateway.storage.writes.customers.decisions import DecisionRow
from gateway.storage.writes.customers.evidence import KeyRow
from gateway.storage.writes.customers.identities import IdentityRow

MAX_LINKS = 8
"""Reasons of an identity that are stored at most; with those of the record itself, the list of the schema has ten."""

_ORDER = (EvidenceVerdict.LINKS, EvidenceVerdict.CONTRADICTS, EvidenceVerdict.SUGGESTS)


def regroup(conn: Connection, ids: Collection[str], config: CustomerConfig, now: datetime) -> None:
    """Derive the customers of these identities, whose data or decisions have changed, and of those that they touch."""
    if not ids:
        return
    evidence.lock_recognition(conn)
    rows = identities.lock_identities(conn, ids)
    reached = _replace_evidence(conn, rows, config)
    former = identities.find_members(conn, {row.customer_id for row in rows.values()})  # what joined them may be gone
    block = collect_block(conn, {*rows, *reached, *(row.id for row in former if row.twin_id is None)}, is_void)
    partition = _recognize(block, config)
    touched = _store_groups(conn, block, partition, rows.keys(), now)
    review_rows.store_suggestions(conn, block.members, partition.suggestions, now)
    rebuild_customers(conn, touched | {block.members[id_].customer_id for id_ in rows}, config, now)


def is_void(key: KeyRow) -> bool:
    """Whether so many hold a value that it tells nothing (rule C3)."""
    return key.given_names > MAX_GIVEN_NAMES or key.holders > MAX_HOLDERS


def _replace_evidence(conn: Connection, rows: Mapping[str, IdentityRow], config: CustomerConfig) -> set[str]:
    """Replace the evidence of identities. Returns who else has to be looked at: holders of values that they had, and
    of values that became void or live.
    """
    before = evidence.find_evidence(conn, rows)
    facts = [build_facts(row, config) for row in rows.values() if not row.gone and row.erased_at is None]
    after = [row for fact in facts for row in build_evidence_rows(fact)]
    keys_before, keys_after = evidence.replace_evidence(conn, before, after)
    lost = {row.key for row in before} - {row.key for row in after}
    flipped = {key for key, row in keys_after.items() if is_void(row) != is_void(keys_before[key])}
    followed = flipped | {key for key in lost if not is_void(keys_before[key])}
    return {row.identity_id for row in evidence.find_holders(conn, followed)}


def _recognize(block: Block, config: CustomerConfig) -> Partition:
    decisions = [_read_decision(row) for row in sorted(block.decisions.values(), key=lambda row: row.number)]
    claimed = {id_ for decision in decisions if decision.rule is IdentityRule.CLAIM for id_ in decision.right}
    facts = [
        replace(_build_facts(row, config, is_claimed=id_ in claimed), merged_into=block.merged_into.get(id_))
        for id_, row in sorted(block.members.items())
    ]
    facts = [replace(fact, evidence=restore_evidence(block.evidence.get(fact.id, ()))) for fact in facts]
    return recognize(facts, decisions, {read_key(key) for key in block.void if is_known_kind(key)}, config.recognition)


def _build_facts(row: IdentityRow, config: CustomerConfig, *, is_claimed: bool) -> IdentityFacts:
    """Build the facts of an identity. A guest that a login has claimed joins others as the login itself does: by what
    is verified. Else a person that claims an order with another's name and address would become one with them.
    """
    facts = build_facts(row, config)
    return replace(facts, has_login=True, contact=None) if is_claimed else facts


def _read_decision(row: DecisionRow) -> Decision:
    return Decision(
        id=row.id,
        number=row.number,
        kind=DecisionKind(row.kind),
        left=tuple(load_json(row.left_ids)),
        right=tuple(load_json(row.right_ids)),
        proved=row.proved,
        rule=IdentityRule(row.rule),
    )


def _store_groups(
    conn: Connection, block: Block, partition: Partition, complete: Collection[str], now: datetime
) -> set[str]:
    """Store the groups of a block. Returns the customers that gained or lost identities. `complete`: the identities
    whose evidence is that of their fields; others that wait to be recognized still wait.
    """
    customers, proved = (_find_oldest(block, groups) for groups in (partition.groups, partition.proved))
    reasons = _collect_reasons(partition)
    changed, moved, touched = [], list[IdentityRow](), set[str]()
    for id_, row in block.members.items():
        after = replace(
            row,
            customer_id=customers[id_],
            proved_id=proved[id_],
            links=_build_links(row, reasons.get(id_, ()), now),
            pending_since=None if id_ in complete else row.pending_since,
            twin_id=None,
        )
        if after != row:
            changed.append(after)
            block.members[id_] = after
        if after.customer_id != row.customer_id:
            moved.append(after)
            touched |= {after.customer_id, row.customer_id}
    identities.update_derived(conn, sorted(changed, key=lambda row: row.id))
    identities.move_twins(conn, sorted(moved, key=lambda row: row.id))
    return touched


def _find_oldest(block: Block, groups: Mapping[str, str]) -> Mapping[str, str]:
    """Find the customer ID of each identity: that of the oldest of its group."""
    members: dict[str, list[IdentityRow]] = defaultdict(list)
    for id_, root in groups.items():
        members[root].append(block.members[id_])
    homes = {root: min(rows, key=lambda row: (row.linked_at, row.id)).home for root, rows in members.items()}
    return {id_: homes[root] for id_, root in groups.items()}


class _Reason(NamedTuple):
    link: Link
    other: str


def _collect_reasons(partition: Partition) -> Mapping[str, Sequence[_Reason]]:
    """Collect the links of each identity, those that join it first."""
    suggested = [link for suggestion in partition.suggestions for link in suggestion.links]
    links = dict.fromkeys((*partition.links, *suggested))
    reasons: dict[str, list[_Reason]] = defaultdict(list)
    for link in sorted(links, key=lambda link: (_ORDER.index(link.verdict), link.rule.value, link.first, link.second)):
        reasons[link.first].append(_Reason(link, link.second))
        reasons[link.second].append(_Reason(link, link.first))
    return reasons


def build_shared_links(twin_id: str, now: datetime) -> str:
    """Build the column with the reason of a guest that shares the customer of another one with the same contact."""
    rule, verdict = IdentityRule.EMAIL_AND_PHONE.value, EvidenceVerdict.LINKS.value
    return dump_json([[rule, None, verdict, twin_id, int(now.timestamp() * 1_000_000)]])


def _build_links(row: IdentityRow, reasons: Iterable[_Reason], now: datetime) -> str:
    """Build the column with the reasons of an identity. One that it had before keeps its time."""
    former = {tuple(entry[:4]): entry[4] for entry in load_json(row.links)}
    entries = [(link.rule.value, link.value, link.verdict.value, other) for link, other in reasons]
    stamp = int(now.timestamp() * 1_000_000)
    return dump_json([[*entry, former.get(entry, stamp)] for entry in entries[:MAX_LINKS]])
