"""Denials of an erased customer that protect others: who has denied for an address speaks for all who hold it (C10)."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.storage.database import Connection
from gateway.storage.writes.customers import consents
from gateway.storage.writes.customers.consents import FactRow
from gateway.storage.writes.customers.identities import IdentityRow


def select_shared_denials(conn: Connection, members: Sequence[IdentityRow]) -> list[FactRow]:
    """Return the denials for addresses for which somebody else has agreed, without what was said. Without them, that
    grant would count. They hold as long as this address is the other's.
    """
    ids = {row.id for row in members}
    facts = consents.find_facts(conn, ids)
    denials = [fact for fact in facts if not fact.granted and fact.address is not None]
    shared = consents.find_granted_addresses(conn, {fact.address or "" for fact in denials}, ids)
    return [fact._replace(wording=None) for fact in denials if fact.address in shared]
