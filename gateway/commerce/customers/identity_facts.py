"""Facts of identities: what recognition reads of a stored identity and its evidence."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.commerce.customers.config import CustomerConfig
from gateway.model.customers.recognition import Evidence, EvidenceKey, EvidenceKind, IdentityFacts
from gateway.model.validation import fold
from gateway.storage.sql.bulk import load_json
from gateway.storage.writes.customers.evidence import EvidenceRow
from gateway.storage.writes.customers.identities import IdentityRow


def build_key(key: EvidenceKey) -> str:
    """Build the key of a value, as `evidence_keys` has it."""
    kind, value = key
    return f"{kind.value}:{value}"


def read_key(key: str) -> EvidenceKey:
    """Read the key of a value."""
    kind, _, value = key.partition(":")
    return EvidenceKind(kind), value


def build_evidence_rows(facts: IdentityFacts) -> list[EvidenceRow]:
    """Build the rows of an identity's evidence. An identity holds a value once."""
    verified: dict[str, bool] = {}
    for evidence in facts.evidence:
        key = build_key(evidence.key)
        verified[key] = verified.get(key, False) or evidence.verified
    holder, given_name = facts.contact or facts.id, facts.given_name or ""
    return [EvidenceRow(key, facts.id, is_verified, given_name, holder) for key, is_verified in verified.items()]


def restore_evidence(rows: Iterable[EvidenceRow]) -> tuple[Evidence, ...]:
    """Restore the evidence of an identity from its rows."""
    return tuple(Evidence(*read_key(row.key), row.verified) for row in sorted(rows))


def build_facts(row: IdentityRow, config: CustomerConfig) -> IdentityFacts:
    """Build what recognition knows of an identity."""
    points = [(EvidenceKind.EMAIL, fold(point[0]), point[1]) for point in load_json(row.emails)]
    cards = [] if row.loyalty_number is None else [(EvidenceKind.LOYALTY_NUMBER, row.loyalty_number, True)]
    return IdentityFacts(
        id=row.id,
        channel=row.channel,
        given_name=row.given_name and fold(row.given_name),
        family_name=row.family_name and fold(row.family_name),
        has_login=bool(row.has_login),
        evidence=tuple(Evidence(*point) for point in (*points, *cards)),
        contact=row.contact_key,
    )
