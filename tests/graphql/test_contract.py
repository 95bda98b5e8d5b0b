"""The schema compared with the contract and with its printed form."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from graphql import (
    DirectiveDefinitionNode,
    DocumentNode,
    EnumTypeDefinitionNode,
    EnumTypeExtensionNode,
    InputObjectTypeDefinitionNode,
    InputObjectTypeExtensionNode,
    InterfaceTypeDefinitionNode,
    Node,
    ObjectTypeDefinitionNode,
    ObjectTypeExtensionNode,
    Visitor,
    build_schema,
    parse,
    print_ast,
    visit,
)

from gateway.graphql.schema import print_sdl

ROOT = Path(__file__).parents[2]
CONTRACTS = [ROOT.parent / "shared" / "design" / name for name in ("schema.graphql", "schema-next.graphql")]
"""The contract, and its extension, in which types are extended."""

SERVED = ROOT / "schema" / "served.graphql"
PRINTED = ROOT / "schema" / "gateway.graphql"

WITH_FIELDS = (
    ObjectTypeDefinitionNode,
    ObjectTypeExtensionNode,
    InterfaceTypeDefinitionNode,
    InputObjectTypeDefinitionNode,
    InputObjectTypeExtensionNode,
)
WITH_VALUES = (EnumTypeDefinitionNode, EnumTypeExtensionNode)


WEIGHTS = re.compile(r" @(?:cost|maxItems)\([^)]*\)")


class WithoutDescriptions(Visitor):
    def enter(self, node: Node, *_: Any) -> Node | None:
        if getattr(node, "description", None) is None:
            return None
        return replace(node, description=None)  # type: ignore[call-arg]


def parse_bare(text: str) -> DocumentNode:
    document: DocumentNode = visit(parse(text, no_location=True), WithoutDescriptions())
    return document


def describe_definitions(document: DocumentNode) -> dict[str, list[str]]:
    """Map every definition to its parts in canonical form, with those of its extensions."""
    parts: dict[str, list[str]] = {}
    for node in document.definitions:
        parts.setdefault(_name(node), []).extend(_list_parts(node))
    return {name: sorted(items) for name, items in parts.items()}


def _name(node: Any) -> str:
    mark = "@" if isinstance(node, DirectiveDefinitionNode) else ""
    return f"{mark}{node.name.value}"


def _list_parts(node: Any) -> list[str]:
    if isinstance(node, WITH_VALUES):
        return [value.name.value for value in node.values or ()]
    if isinstance(node, WITH_FIELDS):
        outside = [print_ast(part) for part in (*(node.directives or ()), *(getattr(node, "interfaces", None) or ()))]
        return [part for field in node.fields or () for part in _list_field_parts(field)] + outside
    if isinstance(node, DirectiveDefinitionNode):
        return [_print_field(argument) for argument in node.arguments or ()] + sorted(
            location.value for location in node.locations
        )
    return [print_ast(node)]


def _list_field_parts(field: Any) -> list[str]:
    """List a field and, separately, each of its arguments: an implementation may omit arguments."""
    arguments = getattr(field, "arguments", None)
    if not arguments:
        return [_print_field(field)]
    name = field.name.value
    return [
        _print_field(replace(field, arguments=())),
        *(f"{name}({_print_field(argument)})" for argument in arguments),
    ]


def _print_field(node: Any) -> str:
    """Print a field with everything about it; the order of directives does not matter."""
    return print_ast(replace(node, directives=tuple(sorted(node.directives or (), key=print_ast))))


def list_missing(found: dict[str, list[str]], whole: dict[str, list[str]]) -> list[str]:
    """List the parts that the contract does not have. Where it names no weight and no limit, any may be served."""
    return [
        f"{name}: {part}"
        for name, parts in found.items()
        for part in (parts if name in whole else ["is not in the contract"])
        if name not in whole or not {part, WEIGHTS.sub("", part)} & {*whole[name]}
    ]


def test_the_printed_schema_is_the_one_that_runs() -> None:
    assert PRINTED.read_text(encoding="utf-8") == print_sdl(), "run `make schema`"


def test_exactly_what_the_list_names_is_served() -> None:
    assert describe_definitions(parse_bare(print_sdl())) == describe_definitions(
        parse_bare(SERVED.read_text(encoding="utf-8"))
    )


GUARDS = re.compile(r" @requiresScopes\(scopes: .*?\]\]\)| @semanticNonNull(?!\()")
COUNT_PRECISION = "Connection: totalCountPrecision: CountPrecision"
"""In every connection with a count, beside what the contract has."""

DEPARTURES = [
    "@semanticNonNull: is not in the contract",
    "CartCreateInput: cartToken: String",
    "CountPrecision: is not in the contract",
    "FulfillmentCollectInput: identification: String",
    "FulfillmentCollectInput: orderAccessToken: String",
    "FulfillmentCollectInput: pickupCode: String",
    "InteractionSubject: union InteractionSubject = Order | Cart | LoyaltyEntry",
    "Order: otherCharges: [OrderCharge!] @listSize(assumedSize: 5)",
    "Order: test: Boolean!",
    "OrderAttention: INCOMPLETE",
    "OrderAttention: TOTAL_DIFFERS",
    "OrderCharge: is not in the contract",
    "OrderChargeKind: is not in the contract",
    "OrderFilter: includeTest: Boolean",
    "Product: fieldSources: [ProductFieldSource!] @listSize(assumedSize: 20)",
    "ProductField: is not in the contract",
    "ProductFieldSource: is not in the contract",
    "ProductFilter: attributeRanges: [AttributeRangeInput!] @maxItems(max: 10, weight: 150)",
    "SyncReject: severity: SyncRejectSeverity!",
    "SyncRejectSeverity: is not in the contract",
    "SyncStatus: warnings: Int!",
]
"""What is served otherwise than the contract has it: goods are collected with any one of three proofs; orders can be
tests, can lack lines, and have charges that make their amounts add up; records with an invalid informative field are
listed with their severity; staff see which channel wrote a field of a product; interactions are about what is served.
"""


def describe_without_guards(text: str) -> dict[str, list[str]]:
    """Describe definitions without the scopes that they require, of which the gateway shows more than the contract, and
    without the marks of fields that are null only with an error.
    """
    return describe_definitions(parse_bare(GUARDS.sub("", text)))


def test_what_is_served_is_a_part_of_the_contract() -> None:
    if not all(path.exists() for path in CONTRACTS):
        pytest.skip("the contract is not at hand")
    served = SERVED.read_text(encoding="utf-8")
    missing = list_missing(describe_without_guards(served), describe_without_guards(read_contract()))
    assert sorted(part for part in missing if COUNT_PRECISION not in part) == DEPARTURES


def read_contract() -> str:
    """Read the contract with its extension."""
    return "\n".join(path.read_text(encoding="utf-8") for path in CONTRACTS)


def test_everything_that_the_contract_guards_is_guarded() -> None:
    if not all(path.exists() for path in CONTRACTS):
        pytest.skip("the contract is not at hand")
    served, contract = (
        describe_definitions(parse_bare(text)) for text in (SERVED.read_text(encoding="utf-8"), read_contract())
    )
    for name, parts in served.items():
        if not name.startswith("@"):
            without = {GUARDS.sub("", part) for part in parts if "@requiresScopes" not in part}
            guarded = {GUARDS.sub("", part) for part in contract.get(name, ()) if "@requiresScopes" in part}
            assert without.isdisjoint(guarded), name


def test_the_comparison_sees_another_type_argument_default_and_directive() -> None:
    whole = describe_definitions(
        parse_bare("directive @d on FIELD_DEFINITION type A { a(x: Int = 1, y: Int): Int @d b: Int @cost(weight: 3) }")
    )
    for other, wrong in (
        ("a(x: Int = 1): Int! @d", "a: Int! @d"),
        ("a(x: Int = 2): Int @d", "a(x: Int = 2)"),
        ("a(z: Int): Int @d", "a(z: Int)"),
        ("a(x: Int = 1): Int", "a: Int"),
        ("a(x: Int = 1 @maxItems(max: 5)): Int @d @cost(weight: 2)", None),
        ("b: Int", "b: Int"),
    ):
        assert list_missing(describe_definitions(parse_bare(f"type A {{ {other} }}")), whole) == (
            [] if wrong is None else [f"A: {wrong}"]
        )
    assert list_missing(describe_definitions(parse_bare("type A { a(y: Int): Int @d }")), whole) == []
    assert list_missing(describe_definitions(parse_bare("type B { a: Int }")), whole) == ["B: is not in the contract"]


def test_the_printed_schema_builds() -> None:
    assert build_schema(PRINTED.read_text(encoding="utf-8")).query_type is not None
