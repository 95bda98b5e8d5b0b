"""Golden records of customers, as they would be derived now."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from gateway.commerce.customers.golden_record import GoldenRecord, SurvivorshipRules, build_golden_record
from gateway.storage.database import Connection
from gateway.storage.writes.customers import edits, identities
from gateway.storage.writes.customers.edits import AddressRow, EditRow
from gateway.storage.writes.customers.identities import IdentityRow


def find_golden_records(
    conn: Connection, customer_ids: Collection[str], rules: SurvivorshipRules, *, proved: bool = False
) -> Mapping[str, GoldenRecord]:
    """Find the golden records of customers; `proved`: of what their login proves to be theirs alone (rule C7)."""
    rows = identities.find_members(conn, customer_ids, proved=proved)
    groups: dict[str, list[IdentityRow]] = defaultdict(list)
    for row in rows:
        groups[row.proved_id if proved else row.customer_id].append(row)
    entered, addresses = _find_entries(conn, rows)
    return {id_: build_own_record(members, entered, addresses, rules) for id_, members in groups.items()}


def merge_golden_records(
    conn: Connection, customer_ids: Collection[str], rules: SurvivorshipRules
) -> tuple[GoldenRecord, Sequence[IdentityRow]]:
    """Return the golden record that customers would have together, and their identities."""
    rows = identities.find_members(conn, customer_ids)
    return build_own_record(rows, *_find_entries(conn, rows), rules), rows


def build_own_record(
    rows: Sequence[IdentityRow], entered: Sequence[EditRow], addresses: Sequence[AddressRow], rules: SurvivorshipRules
) -> GoldenRecord:
    """Build the golden record of identities with what was entered for them, and not for others."""
    own = {row.id for row in rows}
    return build_golden_record(
        rows,
        [edit for edit in entered if edit.identity_id in own],
        [address for address in addresses if address.identity_id in own],
        rules,
    )


def _find_entries(conn: Connection, rows: Sequence[IdentityRow]) -> tuple[list[EditRow], list[AddressRow]]:
    ids = [row.id for row in rows]
    return edits.find_edits(conn, ids), edits.find_addresses(conn, ids)
