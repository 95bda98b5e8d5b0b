"""Matching: which listings are one variant, as a pure function of their values and of manual decisions (rules I1, I2).

The result does not depend on the order in which listings arrived, except that a variant has the ID of its oldest
member.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain

from gateway.commerce.catalog.match_candidates import (
    Candidate,
    ListingSource,
    MatchCode,
    Matching,
    MatchReview,
    add_reviews,
    group_by_code,
    is_matchable_gtin,
    list_codes,
)
from gateway.commerce.catalog.sku_matching import find_ambiguous_skus, has_several_products, link_several_products
from gateway.commerce.catalog.union_find import MatchEdge, UnionFind
from gateway.model.catalog import MatchEvidence

MAX_SHARED_CODE = 100
"""A code that more listings than this carry ("N/A", "0000") matches nothing."""


def match_listings(
    candidates: Sequence[Candidate],
    links: Mapping[ListingSource, ListingSource | None],
    services: Collection[str],
    shared: Collection[MatchCode] = (),
) -> Matching:
    """Match the listings of whole connected components.

    Args:
        links: manual decisions: the place that a listing is linked to, or None: it stands alone.
        services: folded codes of services, which never match.
        shared: codes known to be carried by more than `MAX_SHARED_CODE` listings, not all of them candidates.
    """
    candidates = sorted(candidates, key=lambda candidate: (candidate.first_seen_at, candidate.id))
    forest, matching = UnionFind(candidate.id for candidate in candidates), Matching()
    live = [candidate for candidate in candidates if candidate.live]
    void = {*shared, *_find_shared_codes(live), *(("sku_key", code) for code in services)}
    free = [candidate for candidate in live if candidate.source not in links]
    by_code = (link(free, void, matching) for link in (_link_by_gtin, _link_by_sku, _link_by_policy))
    for edge in (*_link_manually(live, links), *chain.from_iterable(by_code)):
        forest.join(edge)
    for dead, alive in _find_followed(candidates, live, links, void):
        forest.follow(dead, alive)
    _review_shared_codes(free, void, services, matching)
    matching.groups, matching.evidence = forest.list_groups(), forest.evidence
    return matching


def _find_shared_codes(live: Iterable[Candidate]) -> set[MatchCode]:
    counts = Counter(key for candidate in live for key in list_codes(candidate))
    return {key for key, count in counts.items() if count > MAX_SHARED_CODE}


def _review_shared_codes(
    free: Iterable[Candidate], void: Collection[MatchCode], services: Collection[str], matching: Matching
) -> None:
    for candidate in free:
        for kind, code in list_codes(candidate):
            if (kind, code) in void and not (kind == "sku_key" and code in services):
                reason = f"{_CODE_NAMES[kind]} {code} is shared by more than {MAX_SHARED_CODE} listings"
                matching.reviews.append(MatchReview(candidate.id, reason, ()))


_CODE_NAMES = {"gtin": "GTIN", "sku_key": "SKU", "match_key": "key"}


def _link_manually(
    live: Sequence[Candidate], links: Mapping[ListingSource, ListingSource | None]
) -> Iterator[MatchEdge]:
    by_source = {candidate.source: candidate.id for candidate in live}
    for candidate in live:
        target = links.get(candidate.source)
        if target is not None and target in by_source and target != candidate.source:
            yield MatchEdge(candidate.id, by_source[target], MatchEvidence.MANUAL)


def _link_by_gtin(free: Sequence[Candidate], void: Collection[MatchCode], matching: Matching) -> Iterator[MatchEdge]:
    groups = group_by_code(
        free, "gtin", lambda candidate: candidate.gtin if is_matchable_gtin(candidate.gtin) else None, void
    )
    for (gtin, _), group in groups.items():
        yield from _link_group(group, MatchEvidence.GTIN, f"GTIN {gtin}", matching)


def _link_by_sku(free: Sequence[Candidate], void: Collection[MatchCode], matching: Matching) -> Iterator[MatchEdge]:
    for group in group_by_code(free, "sku_key", lambda candidate: candidate.sku_key, void).values():
        for part in _split_by_spelling(group, matching):
            if has_several_products(part):
                yield from link_several_products(part, matching)
            else:
                yield from _link_group(part, MatchEvidence.SKU, f"SKU {part[0].sku}", matching)


def _link_by_policy(free: Sequence[Candidate], void: Collection[MatchCode], matching: Matching) -> Iterator[MatchEdge]:
    for (key, _), group in group_by_code(free, "match_key", lambda candidate: candidate.key, void).items():
        yield from _link_group(group, MatchEvidence.PLUGIN, f"key {key}", matching)


def _split_by_spelling(group: list[Candidate], matching: Matching) -> Iterator[list[Candidate]]:
    """Split a group by exact spelling where one channel distinguishes spellings."""
    spellings: dict[str, set[str | None]] = defaultdict(set)
    for candidate in group:
        spellings[candidate.source[0]].add(candidate.sku)
    if all(len(channel_spellings) == 1 for channel_spellings in spellings.values()):
        yield group
        return
    distinguished = {
        spelling
        for channel_spellings in spellings.values()
        if len(channel_spellings) > 1
        for spelling in channel_spellings
    }
    for spelling in sorted({candidate.sku or "" for candidate in group}):
        part = [candidate for candidate in group if candidate.sku == spelling]
        yield part
        if spelling not in distinguished:
            add_reviews(part, group, f"SKU {spelling} has several spellings that one channel distinguishes", matching)


def _link_group(group: list[Candidate], evidence: MatchEvidence, key: str, matching: Matching) -> Iterator[MatchEdge]:
    """Match the listings of a group, unless the group itself shows that its code is ambiguous."""
    if len(group) < 2:
        return
    families = [(candidate.source[0], candidate.family) for candidate in group]
    if len(set(families)) < len(families):
        add_reviews(group, group, f"{key} is used for several variants of one product", matching)
        return
    gtins = Counter(candidate.gtin for candidate in group if is_matchable_gtin(candidate.gtin))
    if len(gtins) > 1:
        agreeing = max(gtins.values())  # listings that agree with most others are not the wrong ones
        doubtful = [
            candidate
            for candidate in group
            if not is_matchable_gtin(candidate.gtin) or gtins[candidate.gtin] < max(agreeing, 2)
        ]
        add_reviews(doubtful, group, f"{key} is used for several GTINs", matching)
        return
    for candidate in group[1:]:
        yield MatchEdge(group[0].id, candidate.id, evidence)


def _find_followed(
    candidates: Sequence[Candidate],
    live: Sequence[Candidate],
    links: Mapping[ListingSource, ListingSource | None],
    void: Collection[MatchCode],
) -> Iterator[tuple[str, str]]:
    """Find the live listing that a removed one follows, if there is one."""
    void = {*void, *find_ambiguous_skus(live)}
    live_by_identity: dict[object, str] = {}
    for candidate in reversed(live):  # the oldest one is last, and remains
        for key in _list_identities(candidate, links, void):
            live_by_identity[key] = candidate.id
    for candidate in candidates:
        if not candidate.live:
            followed = next(
                (live_by_identity[key] for key in _list_identities(candidate, links, void) if key in live_by_identity),
                None,
            )
            if followed is not None:
                yield candidate.id, followed


def _list_identities(
    candidate: Candidate, links: Mapping[ListingSource, ListingSource | None], void: Collection[MatchCode]
) -> Iterator[object]:
    """List the identities by which a removed listing is recognized, the strongest first."""
    yield "itself", candidate.source, candidate.sku_key, candidate.gtin, candidate.title, candidate.condition
    if candidate.source in links:
        return
    if is_matchable_gtin(candidate.gtin) and ("gtin", candidate.gtin) not in void:
        yield "gtin", candidate.gtin, candidate.condition
    if candidate.sku is not None and ("sku_key", candidate.sku_key) not in void:
        yield "sku", candidate.sku, candidate.gtin, candidate.condition
