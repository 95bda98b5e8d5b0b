"""Blocks: the identities that can be recognized as one with a changed one, over live values, merges of channels and
decisions (rule C4).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field

from gateway.storage.database import Connection
from gateway.storage.writes.customers import decisions, evidence, identities
from gateway.storage.writes.customers.decisions import DecisionRow
from gateway.storage.writes.customers.evidence import EvidenceRow, KeyRow
from gateway.storage.writes.customers.identities import IdentityRow


@dataclass(slots=True)
class Block:
    """Identities with all that connects them.

    Attributes:
        members: the identities, by ID.
        evidence: the evidence of each.
        decisions: decisions about them that stand.
        void: keys of values that tell nothing.
        merged_into: the identity into which its channel has merged one, by ID.
    """

    members: dict[str, IdentityRow] = field(default_factory=dict)
    evidence: dict[str, list[EvidenceRow]] = field(default_factory=lambda: defaultdict(list))
    decisions: dict[str, DecisionRow] = field(default_factory=dict)
    void: set[str] = field(default_factory=set)
    merged_into: dict[str, str] = field(default_factory=dict)


def collect_block(conn: Connection, ids: Iterable[str], is_void: Callable[[KeyRow], bool]) -> Block:
    """Collect the blocks of identities."""
    block, live = Block(), set[str]()
    pending = set(ids)
    while pending:
        rows = identities.lock_identities(conn, pending)
        block.members |= rows
        held = evidence.find_evidence(conn, rows)
        for row in held:
            block.evidence[row.identity_id].append(row)
        reached = _follow_keys(conn, {row.key for row in held}, block, live, is_void)
        reached |= _follow_decisions(conn, rows, block) | _follow_merges(conn, rows, block)
        pending = reached - block.members.keys()
    return block


def _follow_keys(
    conn: Connection, keys: Collection[str], block: Block, live: set[str], is_void: Callable[[KeyRow], bool]
) -> set[str]:
    """Return the holders of live keys that were not followed yet."""
    new = set(keys) - live - block.void
    counts = evidence.find_keys(conn, new)
    void = {key for key in new if key in counts and is_void(counts[key])}
    block.void |= void
    live |= new - void
    return {row.identity_id for row in evidence.find_holders(conn, new - void)}


def _follow_decisions(conn: Connection, rows: Mapping[str, IdentityRow], block: Block) -> set[str]:
    standing = [row for row in decisions.find_decisions(conn, rows) if row.undone_at is None]
    block.decisions |= {row.id: row for row in standing}
    return {id_ for row in standing for id_ in decisions.list_members(row)}


def _follow_merges(conn: Connection, rows: Mapping[str, IdentityRow], block: Block) -> set[str]:
    """Follow the merges of channels, in both directions."""
    reached: set[str] = set()
    for channel in {row.channel for row in rows.values()}:
        here = [row for row in rows.values() if row.channel == channel]
        targets = {row.merged_into for row in here if row.merged_into is not None}
        found = {row.external_id: row.id for row in identities.find_by_external_id(conn, channel, targets)}
        block.merged_into |= {row.id: found[row.merged_into] for row in here if row.merged_into in found}
        merged = identities.find_merged(conn, channel, [row.external_id for row in here])
        reached |= {*found.values(), *merged}
    return reached
