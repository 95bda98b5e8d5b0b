"""Which listings are one thing: a pure function of their values and of what people decided (rules I1, I2).

Nothing here depends on the order in which listings arrived, but for one thing: a variant is called after its oldest
member.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from gateway.model.catalog import MatchEvidence

_IN_STORE = ("002", "004", *(f"0{prefix}" for prefix in range(20, 30)))
"""GTIN-13 prefixes that every shop uses as it likes (GS1: restricted circulation), as they stand in 14 digits."""

CROWD = 100
"""A code that more listings than this carry says nothing ("N/A", "0000"): it draws no edges."""

_STRENGTH = (MatchEvidence.MANUAL, MatchEvidence.GTIN, MatchEvidence.SKU, MatchEvidence.PLUGIN)

Key = tuple[str, str]
"""A code by which listings may be one thing: its kind (a column of `listings`), and its value."""

Place = tuple[str, str]
"""A listing's channel and its id there: what people's decisions are kept by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """What decides where a listing belongs.

    Attributes:
        live: the channel lists it now. Others draw no edges; they only follow, so that their ids stay good.
        family: the product that the channel files it under.
        key: what the matching policy says.
    """

    id: str
    place: Place
    live: bool
    family: str
    sku: str | None
    sku_key: str | None
    gtin: str | None
    key: str | None
    condition: str
    title: str = ""


@dataclass(frozen=True, slots=True)
class Review:
    """A person should look at this: a listing that could belong to others, and why that was not decided."""

    listing_id: str
    reason: str
    candidates: tuple[str, ...]


@dataclass(slots=True)
class Matching:
    """The outcome: groups of listing ids, each in order of age; the evidence by listing id; what is doubtful."""

    groups: list[tuple[str, ...]] = field(default_factory=list)
    evidence: dict[str, MatchEvidence] = field(default_factory=dict)
    reviews: list[Review] = field(default_factory=list)


def match(
    candidates: Sequence[Candidate],
    links: Mapping[Place, Place | None],
    services: Collection[str],
    crowded: Collection[Key] = (),
) -> Matching:
    """Group whole connected components of listings.

    Args:
        links: what people decided: the place that one belongs to, or None: it stands alone.
        services: folded codes of things that are no goods, and never match.
        crowded: codes of which it is known that more than `CROWD` listings carry them, not all of them candidates.
    """
    forest, outcome = Forest(candidates), Matching()
    live = [candidate for candidate in candidates if candidate.live]
    void = {*crowded, *_crowded(live), *(("sku_key", code) for code in services)}
    free = [candidate for candidate in live if candidate.place not in links]
    for edge in (
        *_manual(live, links),
        *_by_gtin(free, void, outcome),
        *_by_sku(free, void, outcome),
        *_by_key(free, void, outcome),
    ):
        forest.join(edge)
    for dead, alive in _followers(candidates, live, links, void):
        forest.follow(dead, alive)
    _doubt_crowds(free, void, services, outcome)
    outcome.groups, outcome.evidence = forest.groups(), forest.evidence
    return outcome


def _crowded(live: Iterable[Candidate]) -> set[Key]:
    counts = Counter(key for candidate in live for key in keys(candidate))
    return {key for key, count in counts.items() if count > CROWD}


def keys(candidate: Candidate) -> Iterator[Key]:
    """The codes by which a listing could belong to others."""
    codes = {"gtin": candidate.gtin if matchable_gtin(candidate.gtin) else None}
    codes |= {"sku_key": candidate.sku_key, "match_key": candidate.key}
    return ((kind, code) for kind, code in codes.items() if code is not None)


def _doubt_crowds(
    free: Iterable[Candidate], void: Collection[Key], services: Collection[str], outcome: Matching
) -> None:
    for candidate in free:
        for kind, code in keys(candidate):
            if (kind, code) in void and not (kind == "sku_key" and code in services):
                reason = f"{_NAMES[kind]} {code} stands for more than {CROWD} listings"
                outcome.reviews.append(Review(candidate.id, reason, ()))


_NAMES = {"gtin": "GTIN", "sku_key": "SKU", "match_key": "key"}


@dataclass(frozen=True, slots=True)
class Edge:
    """Two listings are one thing."""

    one: str
    other: str
    evidence: MatchEvidence


class Forest:
    """Disjoint sets of listing ids (union-find); the least id leads."""

    def __init__(self, candidates: Iterable[Candidate]) -> None:
        self._parent = {candidate.id: candidate.id for candidate in candidates}
        self.evidence: dict[str, MatchEvidence] = {}

    def join(self, edge: Edge) -> None:
        self.follow(edge.one, edge.other)
        for id_ in (edge.one, edge.other):
            known = self.evidence.get(id_)
            if known is None or _STRENGTH.index(edge.evidence) < _STRENGTH.index(known):
                self.evidence[id_] = edge.evidence

    def follow(self, one: str, other: str) -> None:
        low, high = sorted((self._root(one), self._root(other)))
        self._parent[high] = low

    def groups(self) -> list[tuple[str, ...]]:
        found: dict[str, list[str]] = defaultdict(list)
        for id_ in sorted(self._parent):
            found[self._root(id_)].append(id_)
        return [tuple(group) for group in found.values()]

    def _root(self, id_: str) -> str:
        while (parent := self._parent[id_]) != id_:
            self._parent[id_] = self._parent[parent]
            id_ = parent
        return id_


def _manual(live: Sequence[Candidate], links: Mapping[Place, Place | None]) -> Iterator[Edge]:
    at = {candidate.place: candidate.id for candidate in live}
    for candidate in live:
        target = links.get(candidate.place)
        if target is not None and target in at and target != candidate.place:
            yield Edge(candidate.id, at[target], MatchEvidence.MANUAL)


def matchable_gtin(gtin: str | None) -> bool:
    """Whether this GTIN means the same thing everywhere."""
    return gtin is not None and not gtin.startswith(_IN_STORE)


def _by_gtin(free: Sequence[Candidate], void: Collection[Key], outcome: Matching) -> Iterator[Edge]:
    groups: dict[tuple[str, str], list[Candidate]] = defaultdict(list)
    for candidate in free:
        if candidate.gtin is not None and matchable_gtin(candidate.gtin) and ("gtin", candidate.gtin) not in void:
            groups[candidate.gtin, candidate.condition].append(candidate)
    for (gtin, _), group in groups.items():
        yield from _edges(group, MatchEvidence.GTIN, f"GTIN {gtin}", outcome)


def _by_sku(free: Sequence[Candidate], void: Collection[Key], outcome: Matching) -> Iterator[Edge]:
    groups: dict[tuple[str, str], list[Candidate]] = defaultdict(list)
    for candidate in free:
        if candidate.sku_key is not None and ("sku_key", candidate.sku_key) not in void:
            groups[candidate.sku_key, candidate.condition].append(candidate)
    for group in groups.values():
        for part in _spelled_alike(group, outcome):
            yield from _edges(part, MatchEvidence.SKU, f"SKU {part[0].sku}", outcome)


def _by_key(free: Sequence[Candidate], void: Collection[Key], outcome: Matching) -> Iterator[Edge]:
    groups: dict[tuple[str, str], list[Candidate]] = defaultdict(list)
    for candidate in free:
        if candidate.key is not None and ("match_key", candidate.key) not in void:
            groups[candidate.key, candidate.condition].append(candidate)
    for (key, _), group in groups.items():
        yield from _edges(group, MatchEvidence.PLUGIN, f"key {key}", outcome)


def _spelled_alike(group: list[Candidate], outcome: Matching) -> Iterator[list[Candidate]]:
    """The group; or, where one channel tells spellings apart, its members by exact spelling."""
    spellings: dict[str, set[str | None]] = defaultdict(set)
    for candidate in group:
        spellings[candidate.place[0]].add(candidate.sku)
    if all(len(found) == 1 for found in spellings.values()):
        yield group
        return
    told_apart = {spelling for found in spellings.values() if len(found) > 1 for spelling in found}
    for spelling in sorted({candidate.sku or "" for candidate in group}):
        part = [candidate for candidate in group if candidate.sku == spelling]
        yield part
        if spelling not in told_apart:
            _doubt(part, group, f"SKU {spelling} is spelled in several ways that one channel tells apart", outcome)


def _edges(group: list[Candidate], evidence: MatchEvidence, key: str, outcome: Matching) -> Iterator[Edge]:
    """Edges within a group of one key, unless the group itself says that the key is no good."""
    if len(group) < 2:
        return
    families = [(candidate.place[0], candidate.family) for candidate in group]
    if len(set(families)) < len(families):
        _doubt(group, group, f"{key} stands for several variants of one product", outcome)
        return
    gtins = Counter(candidate.gtin for candidate in group if matchable_gtin(candidate.gtin))
    if len(gtins) > 1:
        sure = max(gtins.values())  # who agrees with most others is not the one that is wrong
        doubtful = [one for one in group if not matchable_gtin(one.gtin) or gtins[one.gtin] < max(sure, 2)]
        _doubt(doubtful, group, f"{key} stands for several GTINs", outcome)
        return
    for candidate in group[1:]:
        yield Edge(group[0].id, candidate.id, evidence)


def _doubt(doubtful: Iterable[Candidate], group: Iterable[Candidate], reason: str, outcome: Matching) -> None:
    ids = sorted(candidate.id for candidate in group)
    for candidate in doubtful:
        others = tuple(id_ for id_ in ids if id_ != candidate.id)
        outcome.reviews.append(Review(candidate.id, reason, others[:20]))


def _followers(
    candidates: Sequence[Candidate],
    live: Sequence[Candidate],
    links: Mapping[Place, Place | None],
    void: Collection[Key],
) -> Iterator[tuple[str, str]]:
    """For each listing that is no more: the live one that is what it was, if there is one."""
    same: dict[object, str] = {}
    for candidate in sorted(live, key=lambda candidate: candidate.id, reverse=True):
        for key in _identities(candidate, links, void):
            same[key] = candidate.id
    for candidate in candidates:
        if not candidate.live:
            found = next((same[key] for key in _identities(candidate, links, void) if key in same), None)
            if found is not None:
                yield candidate.id, found


def _identities(candidate: Candidate, links: Mapping[Place, Place | None], void: Collection[Key]) -> Iterator[object]:
    """By what a listing that is no more is known again, the surest first."""
    yield "itself", candidate.place, candidate.sku_key, candidate.gtin, candidate.title
    if candidate.place in links:
        return
    if matchable_gtin(candidate.gtin) and ("gtin", candidate.gtin) not in void:
        yield "gtin", candidate.gtin, candidate.condition
    if candidate.sku is not None and ("sku_key", candidate.sku_key) not in void:
        yield "sku", candidate.sku, candidate.gtin, candidate.condition
