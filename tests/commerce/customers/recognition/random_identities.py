"""Strategies of identities and decisions that share few values and names, so that much of it conflicts."""

from __future__ import annotations

from hypothesis import strategies as st

from gateway.model.customers.recognition import Decision, DecisionKind, Evidence, EvidenceKind, IdentityFacts

IDS = tuple("abcdefghij")
NAMES = ("ada", "byron", "charles", "a", None)
VALUES = {
    EvidenceKind.EMAIL: ("e1", "e2", "e3"),
    EvidenceKind.MOBILE: ("m1", "m2", "m3"),
    EvidenceKind.LOYALTY_NUMBER: ("c1", "c2"),
    EvidenceKind.RELAY_ADDRESS: ("r1",),
    EvidenceKind.POLICY_KEY: ("p1",),
    EvidenceKind.LANDLINE: ("l1",),
}
EVIDENCE = st.sampled_from(
    [
        Evidence(kind, value, verified)
        for kind, values in VALUES.items()
        for value in values
        for verified in (True, False)
    ]
)


@st.composite
def generate_identity(draw: st.DrawFn, id_: str) -> IdentityFacts:
    """Draw the facts of an identity."""
    others = st.sampled_from([None, None, None, *IDS])
    references = [Evidence(EvidenceKind.REFERENCE, draw(st.sampled_from(IDS)))] if draw(st.booleans()) else []
    if draw(st.booleans()):
        references.append(Evidence(EvidenceKind.REFERENCE, id_, verified=True))
    return IdentityFacts(
        id=id_,
        channel=draw(st.sampled_from(("till", "web"))),
        given_name=draw(st.sampled_from(NAMES)),
        family_name=draw(st.sampled_from(("king", "king", "hall", None))),
        has_login=draw(st.booleans()),
        evidence=(*draw(st.lists(EVIDENCE, max_size=4)), *references),
        merged_into=draw(others),
        contact=draw(st.sampled_from((None, None, None, "k1"))),
    )


@st.composite
def generate_decision(draw: st.DrawFn, number: int) -> Decision:
    """Draw a decision about two sets of identities that share none."""
    ids = draw(st.lists(st.sampled_from(IDS), min_size=2, max_size=6, unique=True))
    cut = draw(st.integers(1, len(ids) - 1))
    kind = draw(st.sampled_from(DecisionKind))
    proved = kind is DecisionKind.SAME and draw(st.booleans())
    return Decision(f"d{number}", number, kind, tuple(ids[:cut]), tuple(ids[cut:]), proved)


@st.composite
def generate_population(draw: st.DrawFn) -> tuple[list[IdentityFacts], list[Decision]]:
    """Draw identities and decisions about them."""
    ids = draw(st.lists(st.sampled_from(IDS), min_size=2, max_size=len(IDS), unique=True))
    decisions = [draw(generate_decision(number)) for number in range(draw(st.integers(0, 4)))]
    return [draw(generate_identity(id_)) for id_ in ids], decisions
