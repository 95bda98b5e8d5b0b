"""Facts of identities: what recognition reads of a stored identity and its evidence."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.commerce.customers.config import CustomerConfig
from gateway.commerce.customers.recognition.evidence import collect_evidence
from gateway.commerce.customers.recognition.given_names import (
    fold_name,
    is_initial,
    normalize_given_name,
)
from gateway.model.customers.profiles import GUEST, ContactPoint
from gateway.model.customers.recognition import Evidence, EvidenceKey, EvidenceKind, IdentityFacts
from gateway.storage.sql.bulk import load_json
from gateway.storage.writes.customers.evidence import EvidenceRow
from gateway.storage.writes.customers.identities import IdentityRow


def build_facts(row: IdentityRow, config: CustomerConfig) -> IdentityFacts:
    """Build what recognition knows of an identity."""
    given_name, family_name = _split_name(row)
    channel = row.channel.removeprefix(GUEST)
    own_key = [] if row.policy_key is None else [Evidence(EvidenceKind.POLICY_KEY, row.policy_key)]
    return IdentityFacts(
        id=row.id,
        channel=row.channel,
        given_name=normalize_given_name(_drop_placeholder(given_name, config)),
        family_name=fold_name(_drop_placeholder(family_name, config)),
        has_login=bool(row.has_login),
        evidence=(
            *collect_evidence(
                _read_points(row.emails),
                _read_points(row.phones),
                row.loyalty_number,
                config.regions.get(channel),
                config.evidence,
            ),
            *_list_references(row, config),
            *own_key,
        ),
        contact=row.contact_key,
    )


def _list_references(row: IdentityRow, config: CustomerConfig) -> list[Evidence]:
    """List what a record refers to, and its own ID where others refer to it. An ID of another system, which has no
    records here, is that of every record that names it.
    """
    fields = config.references.get(row.channel, {})
    named = [
        Evidence(EvidenceKind.REFERENCE, build_reference(name, id_), verified=name in config.external_systems)
        for name, field, id_ in load_json(row.external_references or "[]")
        if fields.get(name) == field and not config.evidence.is_placeholder(id_)
    ]
    if row.channel not in config.referenced_channels:
        return named
    return [*named, Evidence(EvidenceKind.REFERENCE, build_reference(row.channel, row.external_id), verified=True)]


def build_reference(name: str, id_: str) -> str:
    """Build the compared value of a reference: the key of the channel or system, and the ID there."""
    return f"{name}:{id_}"


def _split_name(row: IdentityRow) -> tuple[str | None, str | None]:
    """Return given and family name. Of a whole name, the first word is taken as the given name."""
    if row.given_name or row.family_name:
        return row.given_name, row.family_name
    given, _, family = (row.display_name or "").strip().partition(" ")
    return given, family


def _drop_placeholder(name: str | None, config: CustomerConfig) -> str | None:
    return None if name is None or config.evidence.is_placeholder(name) else name


def _read_points(text: str) -> list[ContactPoint]:
    return [ContactPoint(value=value, verified=verified) for value, verified, *_ in load_json(text)]


def build_key(key: EvidenceKey) -> str:
    """Build the key of a value, as `evidence_keys` has it."""
    kind, value = key
    return f"{kind.value}:{value}"


def read_key(key: str) -> EvidenceKey:
    """Read the key of a value."""
    kind, _, value = key.partition(":")
    return EvidenceKind(kind), value


def build_evidence_rows(facts: IdentityFacts) -> list[EvidenceRow]:
    """Build the rows of an identity's evidence."""
    holder, given_name = facts.contact or facts.id, facts.given_name or ""
    if given_name and is_initial(given_name):  # it distinguishes no holders
        given_name = ""
    verified: dict[str, bool] = {}  # a value may be there twice
    for evidence in facts.evidence:
        key = build_key(evidence.key)
        verified[key] = verified.get(key, False) or evidence.verified
    return [EvidenceRow(key, facts.id, flag, given_name, holder) for key, flag in verified.items()]


def restore_evidence(rows: Iterable[EvidenceRow]) -> tuple[Evidence, ...]:
    """Restore the evidence of an identity from its rows. What a later version has stored tells nothing here."""
    return tuple(Evidence(*read_key(row.key), row.verified) for row in sorted(rows) if is_known_kind(row.key))


def is_known_kind(key: str) -> bool:
    """Whether this version knows the kind of a value."""
    return key.partition(":")[0] in EvidenceKind.__members__
