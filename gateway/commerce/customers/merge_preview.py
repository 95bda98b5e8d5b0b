"""Preview of a merge: what customers would be together. Nothing is written."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.commerce.customers.customer_rows import VOID_ORDER_STATUSES
from gateway.commerce.customers.golden_record import SurvivorshipRules
from gateway.commerce.customers.golden_records import merge_golden_records
from gateway.model.customers.profiles import EvidenceVerdict, IdentityEvidence
from gateway.model.customers.reviews import CustomerMergePreview
from gateway.storage.database import Connection
from gateway.storage.reads.customers import loyalty_accounts, profiles, statistics
from gateway.storage.writes.customers import identities


def preview_merge(
    conn: Connection, customer_ids: Sequence[str], rules: SurvivorshipRules
) -> CustomerMergePreview | None:
    """Return what a merge of these customers would result in; None: one of them does not exist."""
    homes = identities.resolve_homes(conn, customer_ids)
    if len(homes) < len(set(customer_ids)):
        return None
    record, rows = merge_golden_records(conn, {home.customer_id for home in homes.values()}, rules)
    ids = [row.id for row in rows]
    return CustomerMergePreview(
        display_name=record.display_name,
        identity_ids=tuple(ids),
        sources=tuple(record.sources),
        loyalty_balance=loyalty_accounts.sum_balances(conn, ids),
        orders=sum(statistics.count_orders(conn, ids, VOID_ORDER_STATUSES).values()),
        contradictions=_list_contradictions([row.links for row in rows], set(ids)),
    )


def _list_contradictions(links: Sequence[str], ids: set[str]) -> tuple[IdentityEvidence, ...]:
    """List what says that some of these identities are different customers, each once."""
    contradicting = [
        evidence
        for text in links
        for evidence in profiles.read_links(text)
        if evidence.verdict is EvidenceVerdict.CONTRADICTS and evidence.other_id in ids
    ]
    return tuple({(evidence.rule, evidence.value): evidence for evidence in contradicting}.values())
