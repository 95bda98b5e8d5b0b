"""The schema against the contract, and against what is written down of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from graphql import (
    DirectiveDefinitionNode,
    DocumentNode,
    EnumTypeDefinitionNode,
    InputObjectTypeDefinitionNode,
    InterfaceTypeDefinitionNode,
    Node,
    ObjectTypeDefinitionNode,
    Visitor,
    build_schema,
    parse,
    print_ast,
    visit,
)

from gateway.graphql.schema import printed

ROOT = Path(__file__).parents[2]
CONTRACT = ROOT.parent / "shared" / "design" / "schema.graphql"
SERVED = ROOT / "schema" / "served.graphql"
PRINTED = ROOT / "schema" / "gateway.graphql"

WITH_FIELDS = (ObjectTypeDefinitionNode, InterfaceTypeDefinitionNode, InputObjectTypeDefinitionNode)


class WithoutDescriptions(Visitor):
    def enter(self, node: Node, *_: Any) -> Node | None:
        if getattr(node, "description", None) is None:
            return None
        return replace(node, description=None)  # type: ignore[call-arg]


def bare(text: str) -> DocumentNode:
    document: DocumentNode = visit(parse(text, no_location=True), WithoutDescriptions())
    return document


def described(document: DocumentNode) -> dict[str, list[str]]:
    """Every definition by its name, and its parts in canonical form."""
    return {_name(node): sorted(_parts(node)) for node in document.definitions}


def _name(node: Any) -> str:
    mark = "@" if isinstance(node, DirectiveDefinitionNode) else ""
    return f"{mark}{node.name.value}"


def _parts(node: Any) -> list[str]:
    if isinstance(node, EnumTypeDefinitionNode):
        return [value.name.value for value in node.values or ()]
    if isinstance(node, WITH_FIELDS):
        outside = [print_ast(part) for part in (*(node.directives or ()), *(getattr(node, "interfaces", None) or ()))]
        return [part for field in node.fields or () for part in _with_arguments(field)] + outside
    if isinstance(node, DirectiveDefinitionNode):
        return [_field(argument) for argument in node.arguments or ()] + sorted(place.value for place in node.locations)
    return [print_ast(node)]


def _with_arguments(field: Any) -> list[str]:
    """A field and, each by itself, its arguments: one may be left out."""
    arguments = getattr(field, "arguments", None)
    if not arguments:
        return [_field(field)]
    name = field.name.value
    return [_field(replace(field, arguments=())), *(f"{name}({_field(argument)})" for argument in arguments)]


def _field(node: Any) -> str:
    """A field with everything about it; directives in any order."""
    return print_ast(replace(node, directives=tuple(sorted(node.directives or (), key=print_ast))))


def differences(found: dict[str, list[str]], whole: dict[str, list[str]]) -> list[str]:
    """What is found that the whole does not have."""
    return [
        f"{name}: {part}"
        for name, parts in found.items()
        for part in (parts if name in whole else ["is not in the contract"])
        if name not in whole or part not in whole[name]
    ]


def test_the_printed_schema_is_the_one_that_runs() -> None:
    assert PRINTED.read_text(encoding="utf-8") == printed(), "run `make schema`"


def test_exactly_what_the_list_names_is_served() -> None:
    assert described(bare(printed())) == described(bare(SERVED.read_text(encoding="utf-8")))


def test_what_is_served_is_a_part_of_the_contract() -> None:
    if not CONTRACT.exists():
        pytest.skip("the contract is not at hand")
    served, contract = bare(SERVED.read_text(encoding="utf-8")), bare(CONTRACT.read_text(encoding="utf-8"))
    assert differences(described(served), described(contract)) == []


def test_the_comparison_sees_another_type_argument_default_and_directive() -> None:
    whole = described(bare("directive @d on FIELD_DEFINITION type A { a(x: Int = 1, y: Int): Int @d }"))
    for other, wrong in (
        ("a(x: Int = 1): Int! @d", "a: Int! @d"),
        ("a(x: Int = 2): Int @d", "a(x: Int = 2)"),
        ("a(z: Int): Int @d", "a(z: Int)"),
        ("a(x: Int = 1): Int", "a: Int"),
    ):
        assert differences(described(bare(f"type A {{ {other} }}")), whole) == [f"A: {wrong}"]
    assert differences(described(bare("type A { a(y: Int): Int @d }")), whole) == []
    assert differences(described(bare("type B { a: Int }")), whole) == ["B: is not in the contract"]


def test_the_printed_schema_builds() -> None:
    assert build_schema(PRINTED.read_text(encoding="utf-8")).query_type is not None
