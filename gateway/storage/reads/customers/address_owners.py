"""Reads of whose addresses these are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.storage.reads.customers.logins import find_homes
from gateway.storage.sql.keyset import is_among
from gateway.storage.tables import customer_addresses


def find_homes_of_addresses(conn: Connection, ids: Sequence[str]) -> Mapping[str, str]:
    """Find the customer ids that were minted with the identities of addresses. The id of a channel's address begins
    with its identity.
    """
    is_asked = is_among(conn, customer_addresses.c.id, ids)
    rows = conn.execute(sa.select(customer_addresses.c.id, customer_addresses.c.identity_id).where(is_asked))
    owners = {row.id: row.identity_id for row in rows}
    owners |= {id_: identity for id_ in ids for identity, colon, _ in [id_.partition(":")] if colon}
    homes = find_homes(conn, sorted(set(owners.values())))
    return {id_: homes[identity] for id_, identity in owners.items() if identity in homes}
