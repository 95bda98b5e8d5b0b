"""Joining of groups by one class of evidence. Groups that people stated to be apart are never joined (rule C3)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from gateway.commerce.customers.recognition.cells import Cell
from gateway.commerce.customers.recognition.groups import Groups
from gateway.model.customers.profiles import EvidenceVerdict, IdentityRule
from gateway.model.customers.recognition import Link


@dataclass(frozen=True, slots=True)
class Edge:
    """Two groups, by their roots, that a cell connects, and the link that explains it."""

    one: str
    other: str
    link: Link


@dataclass(frozen=True, slots=True)
class Veto:
    """A component that a class did not join as a whole, because some of it is apart.

    Attributes:
        roots: Its groups, sorted.
        apart: The lowest IDs of the groups that are apart.
        dropped: The links that it would have had.
    """

    roots: tuple[str, ...]
    apart: tuple[tuple[str, str], ...]
    dropped: tuple[Link, ...]

    def explain(self) -> tuple[Link, ...]:
        """Explain it: the dropped links, and who is apart."""
        manual = [Link(IdentityRule.MANUAL, EvidenceVerdict.CONTRADICTS, None, *pair) for pair in self.apart]
        suggested = [
            Link(link.rule, EvidenceVerdict.SUGGESTS, link.value, link.first, link.second) for link in self.dropped
        ]
        return (*suggested, *manual)


def join_cells(groups: Groups, cells: Sequence[Cell]) -> tuple[list[Link], list[Veto]]:
    """Join the groups that the cells connect. Returns the links that joined some, and what was not joined."""
    edges = [edge for cell in cells for edge in _list_star(groups, cell)]
    conflicts = _find_conflicts(groups, edges)
    roots = groups.list_roots() if conflicts else {}
    links = _apply(groups, (edge for edge in edges if edge.one not in conflicts))
    vetoes: list[Veto] = []
    for component in sorted({tuple(sorted(component)) for component in conflicts.values()}):
        accepted, veto = _resolve(groups, component, [cell for cell in cells if roots[cell.ids[0]] in component])
        links += _apply(groups, accepted)
        vetoes.append(veto)
    return links, vetoes


def _apply(groups: Groups, edges: Iterable[Edge]) -> list[Link]:
    return [edge.link for edge in edges if groups.join(edge.one, edge.other)]


def _pick_lowest(groups: Groups, cell: Cell) -> dict[str, str]:
    """Pick the lowest ID of each group in a cell, by root."""
    lowest: dict[str, str] = {}
    for id_ in cell.ids:
        lowest.setdefault(groups.find_root(id_), id_)
    return lowest


def _list_star(groups: Groups, cell: Cell) -> Iterator[Edge]:
    (root, first), *others = _pick_lowest(groups, cell).items()
    return (_build_edge(cell, (root, first), other) for other in others)


def _build_edge(cell: Cell, one: tuple[str, str], other: tuple[str, str]) -> Edge:
    first, second = sorted((one[1], other[1]))
    return Edge(one[0], other[0], Link(cell.rule, EvidenceVerdict.LINKS, cell.value, first, second))


def _collect_components(edges: Iterable[Edge]) -> dict[str, set[str]]:
    """Return the component of each root that has an edge."""
    pairs = [(edge.one, edge.other) for edge in edges]
    sets = Groups({root for pair in pairs for root in pair})
    for one, other in pairs:
        sets.join(one, other)
    members = {root: set(component) for root, component in sets.list_members().items()}
    return {id_: members[root] for id_, root in sets.list_roots().items()}


def _find_conflicts(groups: Groups, edges: Sequence[Edge]) -> dict[str, set[str]]:
    """Return the components that contain groups that are apart, by each of their roots."""
    if not groups.has_apart():
        return {}
    components = _collect_components(edges)
    return {root: component for root, component in components.items() if groups.list_apart(component)}


def _resolve(groups: Groups, component: Sequence[str], cells: Sequence[Cell]) -> tuple[list[Edge], Veto]:
    """Decide what joins in a component with groups that are apart: the newcomers between them stand alone, and if that
    is not enough, nothing joins.
    """
    apart = groups.list_apart(set(component))
    settled = {root for pair in apart for root in pair}
    edges = [edge for cell in cells for edge in _list_edges(groups, cell, settled)]
    bridges = _find_bridges(groups, edges, settled)
    remaining = [edge for edge in edges if not _is_bridging(edge, settled, bridges)]
    unresolved = _find_conflicts(groups, remaining)
    accepted = [edge for edge in remaining if edge.one not in unresolved]
    dropped = tuple(edge.link for edge in edges if edge not in accepted)
    return accepted, Veto(tuple(component), tuple(apart), dropped)


def _list_edges(groups: Groups, cell: Cell, settled: set[str]) -> Iterator[Edge]:
    """List the edges of a cell without those between groups that are apart."""
    lowest = _pick_lowest(groups, cell)
    newcomers = [item for item in lowest.items() if item[0] not in settled]
    parties = [item for item in lowest.items() if item[0] in settled]
    for other in newcomers[1:]:
        yield _build_edge(cell, newcomers[0], other)
    for at, party in enumerate(parties):
        for newcomer in newcomers[:1]:
            yield _build_edge(cell, party, newcomer)
        for other in parties[at + 1 :]:
            if not groups.are_apart(party[0], other[0]):
                yield _build_edge(cell, party, other)


def _find_bridges(groups: Groups, edges: Sequence[Edge], settled: set[str]) -> set[str]:
    """Find the newcomers that connect parties that are apart, directly or through each other."""
    newcomers = _collect_components(edge for edge in edges if not {edge.one, edge.other} & settled)
    parties = _collect_components(edge for edge in edges if {edge.one, edge.other} <= settled)
    reached: dict[frozenset[str], set[str]] = defaultdict(set)
    for edge in edges:
        party, newcomer = sorted((edge.one, edge.other), key=lambda root: root not in settled)
        if party in settled and newcomer not in settled:
            cluster = frozenset(newcomers.get(newcomer, {newcomer}))
            reached[cluster] |= parties.get(party, {party})
    return {root for cluster, sides in reached.items() if groups.list_apart(sides) for root in cluster}


def _is_bridging(edge: Edge, settled: set[str], bridges: set[str]) -> bool:
    return bool({edge.one, edge.other} & bridges) and bool({edge.one, edge.other} & settled)
