"""Matching by a SKU that several products of one channel have ("N/A", "0", a copied product; rule I1).

Inside a channel such products are different things: the SKU does not match them with each other. It matches listings of
two channels if their GTINs leave exactly one candidate in each. The others stand alone, in one review of the group.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations

from gateway.commerce.catalog.match_candidates import (
    Candidate,
    MatchCode,
    Matching,
    MatchReview,
    is_matchable_gtin,
)
from gateway.commerce.catalog.union_find import MatchEdge, UnionFind
from gateway.model.catalog import MatchEvidence


def has_several_products(group: Iterable[Candidate]) -> bool:
    """Return whether a channel has several products in a group of listings with the same SKU."""
    products = Counter(channel for channel, _ in {(candidate.source[0], candidate.family) for candidate in group})
    return any(number > 1 for number in products.values())


def find_ambiguous_skus(live: Iterable[Candidate]) -> set[MatchCode]:
    """Find the SKUs that several products of one channel have."""
    groups: dict[str, list[Candidate]] = defaultdict(list)
    for candidate in live:
        if candidate.sku_key is not None:
            groups[candidate.sku_key].append(candidate)
    return {("sku_key", sku_key) for sku_key, group in groups.items() if has_several_products(group)}


def link_several_products(group: Sequence[Candidate], matching: Matching) -> Iterator[MatchEdge]:
    """Match the listings of a group whose GTINs leave one candidate in each of two channels, and review the others."""
    by_channel: dict[str, list[Candidate]] = defaultdict(list)
    for candidate in group:
        by_channel[candidate.source[0]].append(candidate)
    pairs = [
        pair
        for one, other in combinations(sorted(by_channel), 2)
        for pair in _pair_candidates(by_channel[one], by_channel[other])
    ]
    edges = _select_consistent(group, pairs)
    yield from edges
    matched = {id_ for edge in edges for id_ in (edge.one, edge.other)} | _find_matched_by_gtin(group)
    _review_group(group, [candidate for candidate in group if candidate.id not in matched], matching)


def _pair_candidates(ours: Sequence[Candidate], theirs: Sequence[Candidate]) -> Iterator[tuple[Candidate, Candidate]]:
    """Pair the candidates of two channels for which there is no other: those that share a GTIN are left out."""
    shared = _list_gtins(ours) & _list_gtins(theirs)
    ours, theirs = ([one for one in side if one.gtin not in shared] for side in (ours, theirs))
    for one in ours:
        possible = [other for other in theirs if _can_be_same(one, other)]
        if len(possible) == 1 and sum(_can_be_same(rival, possible[0]) for rival in ours) == 1:
            yield one, possible[0]


def _list_gtins(side: Iterable[Candidate]) -> set[str | None]:
    return {candidate.gtin for candidate in side if is_matchable_gtin(candidate.gtin)}


def _can_be_same(one: Candidate, other: Candidate) -> bool:
    return len(_list_gtins((one, other))) <= 1


def _select_consistent(group: Iterable[Candidate], pairs: Sequence[tuple[Candidate, Candidate]]) -> list[MatchEdge]:
    """Select the pairs that, over all channels, join at most one listing per channel and at most one GTIN."""
    forest = UnionFind(candidate.id for candidate in group)
    edges = [MatchEdge(one.id, other.id, MatchEvidence.SKU) for one, other in pairs]
    for edge in edges:
        forest.join(edge)
    by_id = {candidate.id: candidate for candidate in group}
    consistent = {
        id_ for joined in forest.list_groups() if _is_consistent([by_id[member] for member in joined]) for id_ in joined
    }
    return [edge for edge in edges if edge.one in consistent]


def _is_consistent(joined: Sequence[Candidate]) -> bool:
    channels = {candidate.source[0] for candidate in joined}
    return len(channels) == len(joined) and len(_list_gtins(joined)) <= 1


def _find_matched_by_gtin(group: Iterable[Candidate]) -> set[str]:
    """Find the listings that share their GTIN with another channel's listing of the group."""
    by_gtin: dict[str, list[Candidate]] = defaultdict(list)
    for candidate in group:
        if candidate.gtin is not None and is_matchable_gtin(candidate.gtin):
            by_gtin[candidate.gtin].append(candidate)
    return {
        candidate.id
        for sharing in by_gtin.values()
        if len({candidate.source[0] for candidate in sharing}) > 1
        for candidate in sharing
    }


def _review_group(group: Sequence[Candidate], unmatched: Sequence[Candidate], matching: Matching) -> None:
    """Add one review for all unmatched listings: of the first by channel and ID, with the others as candidates."""
    if not unmatched:
        return
    first = min(unmatched, key=lambda candidate: candidate.source)
    others = [candidate.id for candidate in sorted(group, key=lambda one: one.source) if candidate is not first]
    reason = f"SKU {first.sku} is used for several products of one channel"
    matching.reviews.append(MatchReview(first.id, reason, tuple(others[:20])))
