"""Union-find: disjoint sets of listing IDs, with the evidence that joined them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from gateway.model.catalog import MatchEvidence

_EVIDENCE_ORDER = (MatchEvidence.MANUAL, MatchEvidence.GTIN, MatchEvidence.SKU, MatchEvidence.PLUGIN)


@dataclass(frozen=True, slots=True)
class MatchEdge:
    """Two listings that are one variant, and the evidence."""

    one: str
    other: str
    evidence: MatchEvidence


class UnionFind:
    """Disjoint sets of listing IDs (union-find), given oldest first. The oldest ID of a set is its root."""

    def __init__(self, ids: Iterable[str]) -> None:
        self._parent = {id_: id_ for id_ in ids}
        self._rank = {id_: rank for rank, id_ in enumerate(self._parent)}
        self.evidence: dict[str, MatchEvidence] = {}

    def join(self, edge: MatchEdge) -> None:
        self.follow(edge.one, edge.other)
        for id_ in (edge.one, edge.other):
            current = self.evidence.get(id_)
            if current is None or _EVIDENCE_ORDER.index(edge.evidence) < _EVIDENCE_ORDER.index(current):
                self.evidence[id_] = edge.evidence

    def follow(self, one: str, other: str) -> None:
        older, younger = sorted((self._find_root(one), self._find_root(other)), key=self._rank.__getitem__)
        self._parent[younger] = older

    def list_groups(self) -> list[tuple[str, ...]]:
        groups: dict[str, list[str]] = defaultdict(list)
        for id_ in self._parent:
            groups[self._find_root(id_)].append(id_)
        return [tuple(group) for group in groups.values()]

    def _find_root(self, id_: str) -> str:
        while (parent := self._parent[id_]) != id_:
            self._parent[id_] = self._parent[parent]
            id_ = parent
        return id_
