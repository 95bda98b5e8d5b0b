"""Identities and decisions for tests, and the groups that recognition finds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from gateway.commerce.customers.recognition.evidence import EvidenceRules, collect_evidence
from gateway.commerce.customers.recognition.given_names import fold_name, normalize_given_name
from gateway.commerce.customers.recognition.partition import find_void_values, recognize
from gateway.model.customers.profiles import ContactPoint
from gateway.model.customers.recognition import (
    Decision,
    DecisionKind,
    Evidence,
    EvidenceKind,
    IdentityFacts,
    Partition,
    RecognitionRules,
)

EMAIL, OTHER_EMAIL = "ada@shop.example", "ada@home.example"
MOBILE, OTHER_MOBILE, LANDLINE = "+447400123456", "+447400123457", "+442079460000"
CARD, OTHER_CARD = "L-0001", "L-0002"
RELAY = "x1@relay.example"
READING = EvidenceRules(relay_domains=frozenset({"relay.example"}))


def build_identity(
    id_: str,
    name: str = "Ada Lovelace",
    *,
    channel: str = "till",
    login: bool = False,
    email: str | None = None,
    phone: str | None = None,
    verified: bool = False,
    card: str | None = None,
    reference: str | None = None,
    merged_into: str | None = None,
    contact: str | None = None,
) -> IdentityFacts:
    """Build an identity. `name`: a given name and a family name, either may be `-`; `verified`: what it has. Several
    addresses or numbers are separated by commas. `reference`: the ID of another one that it names.
    """
    references = [Evidence(EvidenceKind.REFERENCE, id_, verified=True)]
    references += [] if reference is None else [Evidence(EvidenceKind.REFERENCE, reference)]
    given, family = name.replace("-", "").split(" ")
    return IdentityFacts(
        id=id_,
        channel=channel,
        given_name=normalize_given_name(given),
        family_name=fold_name(family),
        has_login=login,
        evidence=(
            *collect_evidence(_list_points(email, verified), _list_points(phone, verified), card, "GB", READING),
            *references,
        ),
        merged_into=merged_into,
        contact=contact,
    )


def _list_points(value: str | None, verified: bool) -> list[ContactPoint]:
    return [ContactPoint(value=text, verified=verified) for text in (value or "").split(",")]


def decide(number: int, kind: str, left: str, right: str, *, proved: bool = False) -> Decision:
    """Build a decision about two sets of identities, whose IDs are single letters."""
    return Decision(f"d{number}", number, DecisionKind(kind), tuple(left), tuple(right), proved)


def run_recognition(
    identities: Sequence[IdentityFacts],
    decisions: Sequence[Decision] = (),
    rules: RecognitionRules | None = None,
) -> Partition:
    """Recognize all identities at once."""
    return recognize(identities, decisions, find_void_values(identities), rules or RecognitionRules())


def list_groups(roots: Mapping[str, str]) -> set[str]:
    """List the groups, each as the concatenated IDs of its members."""
    return {"".join(sorted(id_ for id_, other in roots.items() if other == root)) for root in roots.values()}


def group(*identities: IdentityFacts, decisions: Iterable[Decision] = ()) -> set[str]:
    """Recognize identities. Returns the groups, each as the concatenated IDs of its members."""
    return list_groups(run_recognition(identities, list(decisions)).groups)


def list_reviews(*identities: IdentityFacts, decisions: Iterable[Decision] = ()) -> set[tuple[str, ...]]:
    """Recognize identities. Returns the groups of each suggestion."""
    partition = run_recognition(identities, list(decisions))
    return {tuple("".join(ids) for ids in suggestion.identities) for suggestion in partition.suggestions}
