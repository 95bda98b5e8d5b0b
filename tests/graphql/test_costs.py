"""What operations cost, and what a request may be: known before anything is run."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from graphql import GraphQLObjectType, get_introspection_query
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from gateway.execution.asked import Asked
from gateway.execution.codes import Code
from gateway.execution.costs import assumed_size, ids_argument, is_list, is_page
from gateway.execution.documents import Documents, cost_of
from gateway.execution.limits import check_variables
from gateway.settings import LimitsTable
from tests.graphql.world import STAFF, World, schema

pytestmark = pytest.mark.anyio

FEW = LimitsTable(depth=5, height=10, aliases=3, root_fields=4, directives=2, variables=2, values=10, tokens=200)


@pytest.fixture(scope="module")
def database_kind() -> str:
    return "sqlite"


def cost(query: str, **variables: Any) -> int:
    documents = Documents(schema(), LimitsTable())
    prepared = documents.prepare(query)
    assert not prepared.errors
    return cost_of(prepared, Asked(query, variables))


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("{ __typename }", 0),
        ("{ viewer { kind } }", 1),
        ("{ products { totalCount } }", 1),
        ("{ products { nodes { title } } }", 1 + 20),
        ("{ products(first: 5) { nodes { title } } }", 1 + 5),
        ("{ products(last: 5) { edges { node { title } } } }", 1 + 5 * 2),
        ("{ products(first: 5) { nodes { variants(first: 3) { nodes { sku } } } } }", 1 + 5 * (1 + 1 + 3)),
        ("{ products(first: 24) { nodes { title priceRange { min { amount } } } } }", 73),  # as docs/limits.md says
        ("{ channels { key } }", 10),
        ('{ stocks(variantIds: ["a", "b"]) { available } }', 2 * 50),
        ('{ nodes(ids: ["a", "b", "c"]) { id } }', 3),
        ("{ a: viewer { kind } b: viewer { kind } }", 2),
        ("{ viewer { kind } viewer { scopes } ...F } fragment F on Query { viewer { kind } }", 1),
        ("{ viewer @skip(if: true) { kind } }", 0),
        ("{ viewer @include(if: false) { kind } }", 0),
        ('mutation { channelPause(input: {channelKey: "a", idempotencyKey: "k"}) { userErrors { code } } }', 10 + 20),
    ],
)
def test_an_operation_costs_what_its_lists_may_hold(query: str, expected: int) -> None:
    assert cost(query) == expected


def test_variables_are_part_of_what_it_costs() -> None:
    query = """query ($n: Int = 7, $all: Boolean!) {
      products(first: $n) { nodes { category @include(if: $all) { title } } } }"""
    assert cost(query, all=False) == 1 + 7
    assert cost(query, all=True) == 1 + 7 * 2
    assert cost(query, all=True, n=50) == 1 + 50 * 2
    for refused_later in (0, -5, 10**9, "x", None, True, [1]):
        assert 0 < cost(query, all=True, n=refused_later) <= 1 + 100 * 2


def test_introspection_has_its_price_whatever_is_asked_about_the_schema() -> None:
    assert cost(get_introspection_query(input_value_deprecation=True)) == 10_000
    assert cost("{ __schema { " + " ".join(f"t{number}: types {{ name }}" for number in range(50)) + " } }") > 200_000


def test_the_schema_says_of_every_list_how_long_it_is_assumed_to_be() -> None:
    unsaid = {
        f"{kind.name}.{name}"
        for kind in schema().type_map.values()
        if isinstance(kind, GraphQLObjectType) and not kind.name.startswith("__")
        for name, field in kind.fields.items()
        if is_list(field)
        and assumed_size(field) is None
        and ids_argument(field) is None
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
"""Short ones: they count as a page."""


def test_every_connection_can_be_asked_for_a_number_of_items() -> None:
    for kind in schema().type_map.values():
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
        ("{ a: __typename b: __typename c: __typename d: __typename }", "MAX_ALIASES_LIMIT", "3 aliases; this has 4"),
        (
            "{ __typename viewer { kind } channels { id } locations { totalCount } products { totalCount } }",
            "MAX_ROOT_FIELDS_LIMIT",
            "At most 4 fields of the root; this has 5",
        ),
        ("{ __typename" + " @skip(if: false)" * 3 + " }", "MAX_DIRECTIVES_LIMIT", "2 directives; this has 3"),
        ("{" + " __typename" * 199 + " }", "GRAPHQL_PARSE_FAILED", "200"),
    ],
)
def test_a_document_beyond_a_limit_is_refused_and_told_which(query: str, code: str, says: str) -> None:
    prepared = Documents(schema(), FEW).prepare(query)
    assert prepared.code is not None
    assert (prepared.code.name, len(prepared.errors)) == (code, 1)
    assert says in prepared.errors[0].message


def test_without_the_limits_the_same_documents_are_refused_for_nothing_but_their_sense() -> None:
    """The proof that the test above can fail."""
    plain = Documents(schema(), LimitsTable())
    assert plain.prepare("{ products { nodes { variants { nodes { sku price { amount } } } } } }").errors == []
    assert plain.prepare("{ a: __typename b: __typename c: __typename d: __typename }").errors == []


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=2), inner, max_size=5),
    max_leaves=20,
)


@given(st.dictionaries(st.text(max_size=2), JSON_VALUES, max_size=3))
def test_more_values_than_allowed_are_always_refused_and_fewer_never(variables: dict[str, Any]) -> None:
    def counted(value: Any) -> int:
        inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        return 1 + sum(map(counted, inner))

    too_many = len(variables) > FEW.variables or sum(map(counted, variables.values())) > FEW.values
    try:
        check_variables(variables, FEW)
        refused = False
    except Exception as error:  # noqa: BLE001 whichever it is, it says so
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
    assert anonymous.body["errors"][0]["message"].startswith("At most 30,000 cost; this comes to 110,201")


# ------------------------------------------------------------------------------------------------ docs


DOCS = Path(__file__).parent.parent.parent / "docs" / "limits.md"
ROW = re.compile(r"^\| `([a-z_.]+)` \| ([^|]+) \|.*\| (?:`([A-Z_]+)` )?\|$", re.MULTILINE)


def settings(table: BaseModel, place: str = "") -> dict[str, Any]:
    """Every setting of a table with its default."""
    found: dict[str, Any] = {}
    for name in type(table).model_fields:
        value = getattr(table, name)
        found.update(settings(value, f"{place}{name}.") if isinstance(value, BaseModel) else {f"{place}{name}": value})
    return found


def test_the_docs_name_every_limit_with_its_default_and_its_code() -> None:
    rows = {name: (default, code) for name, default, code in ROW.findall(DOCS.read_text(encoding="utf-8"))}
    defaults = settings(LimitsTable())
    assert set(rows) == set(defaults)
    for name, (default, code) in rows.items():
        value = defaults[name]
        said = f"{value.total_seconds():g}s" if isinstance(value, timedelta) else f"{value:,}" if value else "none"
        assert default.startswith(said), name
        assert not code or code in Code.__members__
