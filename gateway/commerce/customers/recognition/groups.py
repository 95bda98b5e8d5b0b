"""Groups: disjoint sets of identities, some of which are apart and never join."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping


class Groups:
    """Disjoint sets of identity IDs (union-find). The lowest ID of a set is its root."""

    def __init__(self, ids: Iterable[str]) -> None:
        self._parents = {id_: id_ for id_ in ids}
        self._apart: dict[str, set[str]] = {}

    def __contains__(self, id_: str) -> bool:
        return id_ in self._parents

    def find_root(self, id_: str) -> str:
        parents = self._parents
        while (parent := parents[id_]) != id_:
            parents[id_] = parents[parent]
            id_ = parent
        return id_

    def join(self, one: str, other: str) -> bool:
        """Join two sets. Returns False if they are one already."""
        root, joined = sorted((self.find_root(one), self.find_root(other)))
        if root == joined:
            return False
        self._parents[joined] = root
        for distant in self._apart.pop(joined, ()):
            self._apart[distant].discard(joined)
            self.separate(distant, root)
        return True

    def separate(self, one: str, other: str) -> None:
        """State that two sets are apart, unless they are one already."""
        first, second = self.find_root(one), self.find_root(other)
        if first != second:
            self._apart.setdefault(first, set()).add(second)
            self._apart.setdefault(second, set()).add(first)

    def has_apart(self) -> bool:
        return bool(self._apart)

    def are_apart(self, one: str, other: str) -> bool:
        return self.find_root(other) in self._apart.get(self.find_root(one), ())

    def list_apart(self, roots: set[str]) -> list[tuple[str, str]]:
        """Return the pairs of these roots that are apart, sorted."""
        if not self._apart:
            return []
        return sorted((one, other) for one in roots for other in self._apart.get(one, set()) & roots if one < other)

    def list_roots(self) -> Mapping[str, str]:
        """Return the root of each ID."""
        return {id_: self.find_root(id_) for id_ in self._parents}

    def list_members(self) -> Mapping[str, list[str]]:
        """Return the sorted members of each set, by root."""
        members: dict[str, list[str]] = defaultdict(list)
        for id_ in sorted(self._parents):
            members[self.find_root(id_)].append(id_)
        return members
