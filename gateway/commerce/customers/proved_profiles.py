"""Proved profiles: a customer as the customer sees it, from the identities that its login proves (rule C7).

Fields are chosen among these identities alone, so that no value of a record shows that staff or a guess have joined.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from gateway.commerce.customers.config import CustomerConfig
from gateway.commerce.customers.golden_record import GoldenRecord, Point, build_golden_record
from gateway.model.customers.profiles import ContactPoint, Customer
from gateway.model.locations import Address
from gateway.storage.database import Connection
from gateway.storage.reads.customers import logins
from gateway.storage.writes.customers import edits, identities
from gateway.storage.writes.customers.edits import AddressRow, EditRow
from gateway.storage.writes.customers.identities import IdentityRow


def find_proved_profiles(
    conn: Connection, proved_ids: Collection[str], config: CustomerConfig
) -> Mapping[str, Customer]:
    """Find customers as they see themselves, by the id that they see."""
    members: dict[str, list[IdentityRow]] = defaultdict(list)
    for row in identities.find_proved_members(conn, proved_ids):
        members[row.proved_id].append(row)
    ids = [row.id for rows in members.values() for row in rows]
    entered, addresses = edits.find_edits(conn, ids), edits.find_addresses(conn, ids)
    versions = logins.find_versions(conn, sorted({row.customer_id for rows in members.values() for row in rows}))
    return {
        id_: _build_profile(id_, rows, entered, addresses, versions.get(rows[0].customer_id, 1), config)
        for id_, rows in members.items()
    }


def _build_profile(
    id_: str,
    members: Sequence[IdentityRow],
    entered: Sequence[EditRow],
    addresses: Sequence[AddressRow],
    version: int,
    config: CustomerConfig,
) -> Customer:
    own = {row.id for row in members}
    own_edits = [row for row in entered if row.identity_id in own]
    own_addresses = [row for row in addresses if row.identity_id in own]
    golden = build_golden_record(members, own_edits, own_addresses, config.survivorship)
    created_at = min(row.record_created_at or row.linked_at for row in members)
    changes = [
        *(row.changed_at for row in members if row.changed_at is not None),
        *(row.edited_at for row in own_edits),
        *(row.updated_at for row in own_addresses),
    ]
    return Customer(
        id=id_,
        version=version,
        display_name=golden.display_name,
        given_name=golden.given_name,
        family_name=golden.family_name,
        emails=_read_points(golden.emails),
        phones=_read_points(golden.phones),
        addresses=_read_addresses(golden),
        locale=golden.locale,
        has_login=True,
        created_at=created_at,
        updated_at=max(changes, default=created_at),
    )


def _read_points(points: Sequence[Point]) -> tuple[ContactPoint, ...]:
    return tuple(
        ContactPoint(value=value, verified=verified, primary=primary, channel_keys=tuple(channels))
        for value, verified, primary, channels in points
    )


def _read_addresses(golden: GoldenRecord) -> tuple[Address, ...]:
    return tuple(Address(**address) for address in golden.addresses)
