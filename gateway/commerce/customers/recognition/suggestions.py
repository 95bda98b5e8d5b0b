"""Suggestions: groups that evidence too weak to join connects, for reviews (rule C3)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from gateway.commerce.customers.recognition.block_evidence import BlockEvidence, Holder
from gateway.commerce.customers.recognition.cells import Cell, has_several_cards
from gateway.commerce.customers.recognition.evidence_classes import is_shared_mailbox
from gateway.commerce.customers.recognition.given_names import are_similar
from gateway.commerce.customers.recognition.groups import Groups
from gateway.commerce.customers.recognition.joining import Veto
from gateway.model.customers.profiles import EvidenceVerdict, IdentityRule
from gateway.model.customers.recognition import EvidenceKey, EvidenceKind, Link, Suggestion

MAX_REVIEWED_GROUPS = 10
"""Groups that a review shows. The others follow when it is decided."""

SIMILAR_NAMES = "The given names differ by one letter."
INCOMPLETE_NAME = "A given name is missing or an initial."
SEVERAL_CARDS = "There are several loyalty numbers."
OTHER_FAMILY_NAME = "The family names differ, or one is missing."
SHARED_MAILBOX = "Several people use this email address."
NAMES_ONLY = "Only the names and one value agree."
DECIDED_DIFFERENT = "It would join customers who were decided to be different."
LARGE_BLOCK = "Too many records are connected; this evidence was not applied."

_RULES = {
    EvidenceKind.EMAIL: IdentityRule.EMAIL,
    EvidenceKind.MOBILE: IdentityRule.PHONE,
    EvidenceKind.LOYALTY_NUMBER: IdentityRule.LOYALTY_NUMBER,
    EvidenceKind.POLICY_KEY: IdentityRule.PLUGIN,
}
"""Values that open reviews, and the rules that explain these."""

_TYPED = (EvidenceKind.EMAIL, EvidenceKind.MOBILE)


class SuggestionList:
    """Suggestions about the groups of a block. What names the same groups is one suggestion."""

    def __init__(self, groups: Groups) -> None:
        self._groups = groups
        self._members = groups.list_members()
        self._suggestions: dict[tuple[str, ...], tuple[str, list[Link]]] = {}

    def add(self, ids: Iterable[str], reason: str, links: Iterable[Link]) -> None:
        """Add a suggestion about the groups of these identities, unless people decided that they are different."""
        roots = sorted({self._groups.find_root(id_) for id_ in ids})
        undecided = tuple(root for root in roots if self._is_undecided(root, roots))[:MAX_REVIEWED_GROUPS]
        if len(undecided) > 1:
            _, known = self._suggestions.setdefault(undecided, (reason, []))
            known += [link for link in links if link not in known]

    def _is_undecided(self, root: str, roots: Sequence[str]) -> bool:
        return any(root != other and not self._groups.are_apart(root, other) for other in roots)

    def list_sorted(self) -> list[Suggestion]:
        return [
            Suggestion(tuple(tuple(self._members[root]) for root in roots), reason, sort_links(links))
            for roots, (reason, links) in sorted(self._suggestions.items())
        ]


def sort_links(links: Iterable[Link]) -> tuple[Link, ...]:
    return tuple(sorted(links, key=_get_order))


def _get_order(link: Link) -> tuple[str, str, str, str, str]:
    return link.first, link.second, link.rule.value, link.verdict.value, link.value or ""


def suggest(block: BlockEvidence, groups: Groups, vetoes: Iterable[Veto]) -> list[Suggestion]:
    """List the reviews of a block: of what was not joined because of decisions, and of weak evidence."""
    suggestions = SuggestionList(groups)
    for veto in vetoes:
        suggestions.add(veto.roots, DECIDED_DIFFERENT, veto.explain())
    for kind in _RULES:
        for key in block.list_keys(kind):
            for holders in _list_candidates(key, block.holders[key]):
                reason = _find_reason(key, holders, block.holders[key])
                suggestions.add((holder.id for holder in holders), reason, _list_links(key, holders, groups))
    return suggestions.list_sorted()


def suggest_dropped(cells: Sequence[Cell], groups: Groups) -> list[Suggestion]:
    """Suggest, in one review, what a class that was not applied to a large block would have joined."""
    suggestions = SuggestionList(groups)
    open_cells = [cell for cell in cells if len({groups.find_root(id_) for id_ in cell.ids}) > 1]
    links = [_suggest_pair(cell) for cell in open_cells[: MAX_REVIEWED_GROUPS // 2]]
    suggestions.add([id_ for link in links for id_ in (link.first, link.second)], LARGE_BLOCK, links)
    return suggestions.list_sorted()


def _suggest_pair(cell: Cell) -> Link:
    return Link(cell.rule, EvidenceVerdict.SUGGESTS, cell.value, cell.ids[0], cell.ids[1])


def list_contradictions(block: BlockEvidence) -> list[Link]:
    """List the names that tell the holders of a value apart: one link from the first name to each other one."""
    return [
        _build_link(key, EvidenceVerdict.CONTRADICTS, parts[0][0], part[0])
        for kind in _RULES
        for key in block.list_keys(kind)
        for parts in [_split_by_similar_name(block.holders[key])]
        for part in parts[1:]
    ]


def _build_link(key: EvidenceKey, verdict: EvidenceVerdict, one: Holder, other: Holder) -> Link:
    first, second = sorted((one.id, other.id))
    return Link(_RULES[key[0]], verdict, key[1], first, second)


def _list_candidates(key: EvidenceKey, holders: Sequence[Holder]) -> list[list[Holder]]:
    """List the holders that may be one customer. What is typed into an account is no evidence."""
    admissible = [holder for holder in holders if holder.is_admissible or key[0] not in _TYPED]
    parts = _split_by_similar_name(admissible)
    if len(parts) == 1:
        initials = {(holder.given_name or "")[:1] for holder in parts[0]}
        parts[0] += [one for one in admissible if one.given_name is None and one.initial in {None, *initials}]
    return [sorted(part, key=_get_id) for part in parts if len(part) > 1]


def _split_by_similar_name(holders: Sequence[Holder]) -> list[list[Holder]]:
    """Split the holders that have a given name in full by names that are equal or differ by one letter."""
    by_name: dict[str, list[Holder]] = defaultdict(list)
    for holder in holders:
        if holder.given_name is not None:
            by_name[holder.given_name].append(holder)
    if len(by_name) < 2:
        return list(by_name.values())
    sets = Groups(by_name)
    for one in by_name:
        for other in by_name:
            if one < other and are_similar(one, other):
                sets.join(one, other)
    return sorted((_collect(by_name, names) for names in sets.list_members().values()), key=_get_first_id)


def _collect(by_name: Mapping[str, Sequence[Holder]], names: Iterable[str]) -> list[Holder]:
    return sorted((holder for name in names for holder in by_name[name]), key=_get_id)


def _get_first_id(holders: Sequence[Holder]) -> str:
    return holders[0].id


def _get_id(holder: Holder) -> str:
    return holder.id


def _find_reason(key: EvidenceKey, holders: Sequence[Holder], all_holders: Sequence[Holder]) -> str:
    names = {holder.given_name for holder in holders}
    reasons = {
        SIMILAR_NAMES: len(names - {None}) > 1,
        INCOMPLETE_NAME: None in names,
        SEVERAL_CARDS: has_several_cards(holders),
        OTHER_FAMILY_NAME: len({holder.facts.family_name for holder in holders}) > 1,
        SHARED_MAILBOX: key[0] is EvidenceKind.EMAIL and is_shared_mailbox(all_holders),
    }
    return next((reason for reason, holds in reasons.items() if holds), NAMES_ONLY)


def _list_links(key: EvidenceKey, holders: Sequence[Holder], groups: Groups) -> list[Link]:
    """Connect the first holder of each group with that of the first group."""
    lowest: dict[str, Holder] = {}
    for holder in holders:
        lowest.setdefault(groups.find_root(holder.id), holder)
    first, *others = list(lowest.values())[:MAX_REVIEWED_GROUPS]
    return [_build_link(key, EvidenceVerdict.SUGGESTS, first, other) for other in others]
