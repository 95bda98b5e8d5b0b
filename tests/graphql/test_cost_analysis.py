"""Cost and limits of operations, computed before execution."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from graphql import (
    GraphQLArgument,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    get_introspection_query,
)
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from gateway.execution.cost_analysis import find_ids_argument, get_assumed_size, is_list, is_page
from gateway.execution.document_cache import DocumentCache, compute_cost
from gateway.execution.error_codes import Code
from gateway.execution.input_costs import build_input_cost
from gateway.execution.limits import check_variables
from gateway.execution.request import GraphQLRequest
from gateway.settings.schema import LimitsTable
from tests.graphql.world import STAFF, World, get_schema

pytestmark = pytest.mark.anyio

FEW = LimitsTable(depth=5, height=10, aliases=3, root_fields=4, directives=2, variables=2, values=10, tokens=200)


@pytest.fixture(scope="module")
def database_kind() -> str:
    return "sqlite"


def get_cost(query: str, **variables: Any) -> int:
    documents = DocumentCache(get_schema(), LimitsTable())
    prepared = documents.prepare(query)
    assert not prepared.errors
    return compute_cost(prepared, GraphQLRequest(query, variables))


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("{ __typename }", 0),
        ("{ viewer { kind } }", 1),
        ("{ products { totalCount } }", 1 + 150),
        ("{ products(first: 100) { pageInfo { endCursor } } }", 1 + 100),
        ("{ products { nodes { title } } }", 1 + 20),
        ("{ products(first: 5) { nodes { title } } }", 1 + 5),
        ("{ products(last: 5) { edges { node { title } } } }", 1 + 5 * 2),
        ("{ products(first: 5) { nodes { variants(first: 3) { nodes { sku } } } } }", 1 + 5 * (1 + 1 + 3)),
        (
            "{ products(first: 24) { nodes { title priceRange { min { amount } } } } }",
            73,
        ),  # as documented in docs/limits.md
        ("{ channels { key } }", 10),
        ('{ stocks(variantIds: ["a", "b"]) { available } }', 2 + 2 * 50),
        ('{ nodes(ids: ["a", "b", "c"]) { id } }', 3 + 3),
        ("{ a: viewer { kind } b: viewer { kind } }", 2),
        ("{ viewer { kind } viewer { scopes } ...F } fragment F on Query { viewer { kind } }", 1),
        ("{ viewer @skip(if: true) { kind } }", 0),
        ("{ viewer @include(if: false) { kind } }", 0),
        ('mutation { channelPause(input: {channelKey: "a", idempotencyKey: "k"}) { userErrors { code } } }', 10 + 20),
    ],
)
def test_an_operation_costs_what_its_lists_may_hold(query: str, expected: int) -> None:
    assert get_cost(query) == expected


def test_variables_are_part_of_what_it_costs() -> None:
    query = """query ($n: Int = 7, $all: Boolean!) {
      products(first: $n) { nodes { category @include(if: $all) { title } } } }"""
    assert get_cost(query, all=False) == 1 + 7
    assert get_cost(query, all=True) == 1 + 7 * 2
    assert get_cost(query, all=True, n=50) == 1 + 50 * 2
    for refused_later in (0, -5, 10**9, "x", None, True, [1]):
        assert 0 < get_cost(query, all=True, n=refused_later) <= 1 + 100 * 2


def test_introspection_has_its_price_whatever_is_asked_about_the_schema() -> None:
    assert get_cost(get_introspection_query(input_value_deprecation=True)) == 10_000
    assert (
        get_cost("{ __schema { " + " ".join(f"t{number}: types {{ name }}" for number in range(50)) + " } }") > 200_000
    )


def test_the_schema_says_of_every_list_how_long_it_is_assumed_to_be() -> None:
    unsaid = {
        f"{kind.name}.{name}"
        for kind in get_schema().type_map.values()
        if isinstance(kind, GraphQLObjectType) and not kind.name.startswith("__")
        for name, field in kind.fields.items()
        if is_list(field)
        and get_assumed_size(field) is None
        and find_ids_argument(field) is None
        and not kind.name.endswith(("Connection", "Payload"))
    }
    assert unsaid == UNSAID


UNSAID = {
    "Channel.capabilities",
    "Location.fulfillmentMethods",
    "OrderPreview.reservations",
    "OrderPreview.steps",
    "OrderPreview.userErrors",
    "UserError.field",
}
"""Lists that are short by nature; they are assumed to be as long as a page."""


def test_every_connection_can_be_asked_for_a_number_of_items() -> None:
    for kind in get_schema().type_map.values():
        if isinstance(kind, GraphQLObjectType):
            for field in kind.fields.values():
                if str(field.type).rstrip("!").endswith("Connection"):
                    assert is_page(field)


# ------------------------------------------------------------------------------------------------ limits


@pytest.mark.parametrize(
    ("query", "code", "says"),
    [
        (
            "{ products { nodes { variants { nodes { sku price { amount } } } } } }",
            "MAX_DEPTH_LIMIT",
            "At most 5 levels",
        ),
        (
            "{ viewer { kind scopes serverTime channels { id key name } locations { id key name } } }",
            "MAX_HEIGHT_LIMIT",
            "10",
        ),
        (
            "{ a: __typename b: __typename c: __typename d: __typename }",
            "MAX_ALIASES_LIMIT",
            "3 aliases. This request has 4",
        ),
        (
            "{ __typename viewer { kind } channels { id } locations { totalCount } products { totalCount } }",
            "MAX_ROOT_FIELDS_LIMIT",
            "At most 4 root fields. This request has 5",
        ),
        ("{ __typename" + " @skip(if: false)" * 3 + " }", "MAX_DIRECTIVES_LIMIT", "2 directives. This request has 3"),
        ("{" + " __typename" * 199 + " }", "GRAPHQL_PARSE_FAILED", "200"),
    ],
)
def test_a_document_beyond_a_limit_is_refused_with_the_name_of_the_limit(query: str, code: str, says: str) -> None:
    prepared = DocumentCache(get_schema(), FEW).prepare(query)
    assert prepared.code is not None
    assert (prepared.code.name, len(prepared.errors)) == (code, 1)
    assert says in prepared.errors[0].message


def test_without_the_limits_the_same_documents_are_refused_for_nothing_but_their_sense() -> None:
    """Proof that the test above can fail."""
    plain = DocumentCache(get_schema(), LimitsTable())
    assert plain.prepare("{ products { nodes { variants { nodes { sku price { amount } } } } } }").errors == []
    assert plain.prepare("{ a: __typename b: __typename c: __typename d: __typename }").errors == []


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=2), inner, max_size=5),
    max_leaves=20,
)


@given(st.dictionaries(st.text(max_size=2), JSON_VALUES, max_size=3))
def test_more_values_than_allowed_are_always_refused_and_fewer_never(variables: dict[str, Any]) -> None:
    def count_values(value: Any) -> int:
        inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        return 1 + sum(map(count_values, inner))

    too_many = len(variables) > FEW.variables or sum(map(count_values, variables.values())) > FEW.values
    try:
        check_variables(variables, FEW)
        refused = False
    except Exception as error:  # noqa: BLE001 the error carries its code
        refused = type(error).__name__ == "LimitError"
    assert refused is too_many


async def test_an_answer_says_what_its_operation_costs_and_may(world: World) -> None:
    for query, said in (("{ products(first: 24) { nodes { title } } }", "25;max=30000"), ("{ nothing }", None)):
        response = await world.client.http.post("/graphql", json={"query": query})
        assert response.headers.get("graphql-cost") == said


async def test_an_operation_that_costs_too_much_is_refused_before_it_is_run(world: World) -> None:
    deep = "{ products(first: 100) { nodes { variants(first: 100) { nodes { listings { id } } } } } }"
    anonymous, known = await world.client.ask(deep), await world.client.ask(deep, STAFF)
    assert (anonymous.status, anonymous.codes, known.codes) == (400, ["COST_ESTIMATED_TOO_EXPENSIVE"], [])
    assert anonymous.body["errors"][0]["message"].startswith("At most 30,000 cost. This operation costs 110,201")


# ------------------------------------------------------------------------------------------------ docs


DOCS = Path(__file__).parent.parent.parent / "docs" / "limits.md"
ROW = re.compile(r"^\| `([a-z_.]+)` \| ([^|]+) \|.*\| (?:`([A-Z_]+)` )?\|$", re.MULTILINE)


def list_settings(table: BaseModel, prefix: str = "") -> dict[str, Any]:
    """List every setting of a table with its default."""
    found: dict[str, Any] = {}
    for name in type(table).model_fields:
        value = getattr(table, name)
        found.update(
            list_settings(value, f"{prefix}{name}.") if isinstance(value, BaseModel) else {f"{prefix}{name}": value}
        )
    return found


def test_the_docs_name_every_limit_with_its_default_and_its_code() -> None:
    rows = {name: (default, code) for name, default, code in ROW.findall(DOCS.read_text(encoding="utf-8"))}
    defaults = list_settings(LimitsTable())
    assert set(rows) == set(defaults)
    for name, (default, code) in rows.items():
        value = defaults[name]
        said = f"{value.total_seconds():g}s" if isinstance(value, timedelta) else f"{value:,}" if value else "none"
        assert default.startswith(said), name
        assert not code or code in Code.__members__


# ------------------------------------------------------------------------------------------------ input lists


def list_inputs() -> Iterator[tuple[str, GraphQLArgument | GraphQLInputField]]:
    """List every argument and every input field of the schema, with its name."""
    for kind in get_schema().type_map.values():
        if isinstance(kind, GraphQLInputObjectType):
            yield from ((f"{kind.name}.{name}", field) for name, field in kind.fields.items())
        elif isinstance(kind, GraphQLObjectType) and not kind.name.startswith("__"):
            for name, field in kind.fields.items():
                yield from ((f"{kind.name}.{name}({key})", argument) for key, argument in field.args.items())


def is_input_list(definition: GraphQLArgument | GraphQLInputField) -> bool:
    kind = definition.type
    return isinstance(kind.of_type if isinstance(kind, GraphQLNonNull) else kind, GraphQLList)


def test_every_input_list_has_a_limit() -> None:
    limits = {name: build_input_cost(one).max_items for name, one in list_inputs() if is_input_list(one)}
    assert len(limits) > 30 and None not in limits.values(), limits


LINES = (
    "mutation ($lines: [CartLineInput!]!) { cartLinesAdd(input: {cartToken: %s, lines: $lines, %s}) { __typename } }"
)
LINES = LINES % ('"t"', 'idempotencyKey: "k"')


def build_lines(size: int) -> list[dict[str, Any]]:
    return [{"variantId": "v", "quantity": 1} for _ in range(size)]


def test_a_mutation_costs_by_its_lines_in_the_document_and_in_the_variables() -> None:
    written = LINES.replace("($lines: [CartLineInput!]!)", "")
    for size in (0, 1, 100):
        text = "[" + ", ".join('{variantId: "v", quantity: 1}' for _ in range(size)) + "]"
        assert get_cost(LINES, lines=build_lines(size)) == get_cost(written.replace("$lines", text)) == 10 + size


def test_filters_and_counts_cost_what_they_make_the_gateway_do() -> None:
    count = get_cost("{ products { totalCount } }")
    filtered = get_cost("{ products(filter: {availableForSale: true}) { totalCount } }")
    assert count == 151 and filtered == count + 1_500
    assert get_cost("query ($f: ProductFilter) { products(filter: $f) { totalCount } }", f=None) == count
    for chosen in ({"availableForSale": True}, {"availableForSale": False, "brands": None}):
        assert get_cost("query ($f: ProductFilter) { products(filter: $f) { totalCount } }", f=chosen) == filtered
    nested = {"facets": [{"key": "brand", "values": ["a", "b"]}], "tags": ["x", "y", "z"]}
    assert (
        get_cost("query ($f: ProductFilter) { products(filter: $f) { totalCount } }", f=nested) == count + 150 + 2 + 3
    )


async def test_a_list_that_is_too_long_is_refused_and_nothing_runs(world: World) -> None:
    """Of an operation with a good and a bad field not even the good one runs."""
    query = "query ($brands: [String!]) { viewer { kind } products(filter: {brands: $brands}) { totalCount } }"
    for size, codes in ((250, []), (251, ["BAD_USER_INPUT"])):
        answer = await world.client.ask(query, brands=["b"] * size)
        assert answer.codes == codes
        assert ("data" in answer.body) is (codes == [])
    assert answer.body["errors"][0]["message"] == "filter.brands: at most 250 items. This request has 251."
    deep = {"facets": [{"key": "brand", "values": ["v"] * 251}]}
    answer = await world.client.ask("query ($f: ProductFilter) { products(filter: $f) { totalCount } }", f=deep)
    assert answer.body["errors"][0]["message"].startswith("filter.facets.values: at most 250 items")


SHIPPED = Path(__file__).parents[2] / "schema" / "operations"


def test_shipped_operations_cost_at_most_half_of_what_a_client_without_a_token_may_spend() -> None:
    for folder in SHIPPED.iterdir():
        fragments = (folder / "fragments.graphql").read_text(encoding="utf-8")
        for path in folder.glob("[A-Z]*.graphql"):
            text = path.read_text(encoding="utf-8")
            used = text + "".join(find_fragments(text, fragments))
            prepared = DocumentCache(get_schema(), LimitsTable()).prepare(used)
            assert not prepared.errors, (path, prepared.errors[0])
            cost = compute_cost(prepared, GraphQLRequest(used, {"first": 24, "filter": {"availableForSale": True}}))
            assert cost <= LimitsTable().anonymous.cost / 2, (path.name, cost)


def find_fragments(text: str, fragments: str) -> Iterator[str]:
    """Find the fragments that a text uses, directly or through others."""
    parts = {match[1]: match[0] for match in re.finditer(r"fragment (\w+) on [\s\S]*?\n}\n?", fragments)}
    pending, found = [text], set[str]()
    while pending:
        for name in re.findall(r"\.\.\.(\w+)", pending.pop()):
            if name in parts and name not in found:
                found.add(name)
                pending.append(parts[name])
                yield parts[name]


async def test_an_operation_named_none_costs_as_any_other(world: World) -> None:
    """A request that names no operation of two finds none, and that costs nothing."""
    expensive = "products(first: 100) { nodes { variants(first: 100) { nodes { listings { id } } } } }"
    document = f"query None {{ {expensive} }} query Other {{ {expensive} }}"
    for name in (None, "None"):
        request = {"query": document, "operationName": name}
        response = await world.client.http.post("/graphql", json=request)
    assert response.json()["errors"][0]["extensions"]["code"] == "COST_ESTIMATED_TOO_EXPENSIVE"
