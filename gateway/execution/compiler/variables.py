"""Variables of a selection: what it depends on besides its document."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from graphql import FragmentSpreadNode, Node, VariableNode
from graphql.execution.collect_fields import FragmentDetails


def find_variables(nodes: Iterable[Node | None], fragments: Mapping[str, FragmentDetails]) -> set[str]:
    """Find the names of the variables in these nodes and in the fragments that they spread."""
    pending, spread, found = [node for node in nodes if node is not None], set[str](), set[str]()
    while pending:
        node = pending.pop()
        if isinstance(node, VariableNode):
            found.add(node.name.value)
        elif isinstance(node, FragmentSpreadNode) and node.name.value not in spread:
            spread.add(node.name.value)
            pending.append(fragments[node.name.value].definition)
        pending.extend(_iterate_children(node))
    return found


def _iterate_children(node: Node) -> Iterator[Node]:
    for key in node.keys:
        value = getattr(node, key, None)
        for child in value if isinstance(value, tuple | list) else (value,):
            if isinstance(child, Node):
                yield child
