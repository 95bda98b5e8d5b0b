"""Standing decisions: the groups that people state, and who is apart. The newest that speaks of a pair holds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from gateway.commerce.customers.recognition.groups import Groups
from gateway.model.customers.recognition import Decision, DecisionKind, EvidenceVerdict, Link


def apply_decisions(groups: Groups, decisions: Iterable[Decision]) -> list[Link]:
    """Join and separate groups, the newest decision first. What contradicts a newer decision has no effect, and is
    explained.
    """
    links: list[Link] = []
    for decision in sort_newest_first(decisions):
        for first, second in _list_pairs(groups, decision):
            if decision.kind is DecisionKind.DIFFERENT:
                groups.separate(first, second)
            elif groups.are_apart(first, second):
                links.append(_explain(decision, EvidenceVerdict.CONTRADICTS, first, second))
            elif groups.join(first, second):
                links.append(_explain(decision, EvidenceVerdict.LINKS, first, second))
    return links


def find_proved(ids: Iterable[str], decisions: Iterable[Decision]) -> Groups:
    """Find the groups that proved decisions state. A newer one that is not proved joins nothing here."""
    proved = Groups(ids)
    apply_decisions(
        proved, [decision for decision in decisions if decision.proved or decision.kind is DecisionKind.DIFFERENT]
    )
    return proved


def sort_newest_first(decisions: Iterable[Decision]) -> list[Decision]:
    return sorted(decisions, key=lambda decision: -decision.number)


def _list_pairs(groups: Groups, decision: Decision) -> Iterator[tuple[str, str]]:
    """List pairs of both sides: one pair for two groups, as the groups are now."""
    left, right = _pick_members(groups, decision.left), _pick_members(groups, decision.right)
    return ((min(one, other), max(one, other)) for one in left for other in right if one != other)


def _pick_members(groups: Groups, ids: Sequence[str]) -> list[str]:
    """Pick the lowest ID of each group among these identities. Some may be gone."""
    lowest: dict[str, str] = {}
    for id_ in sorted(id_ for id_ in ids if id_ in groups):
        lowest.setdefault(groups.find_root(id_), id_)
    return list(lowest.values())


def _explain(decision: Decision, verdict: EvidenceVerdict, first: str, second: str) -> Link:
    return Link(decision.rule, verdict, None, first, second)
