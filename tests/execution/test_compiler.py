"""Compiled queries (rule E1): what is compiled, what runs once, and what a level loads."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator
from functools import partialmethod
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from graphql import GraphQLInterfaceType, GraphQLObjectType, parse

from gateway.execution import executor
from gateway.execution.caching.lru_cache import WeightedLRU
from gateway.execution.compiler import plan, source
from gateway.execution.compiler.abstract_types import find_names_by_class
from gateway.execution.compiler.explanation import explain_operation
from gateway.execution.compiler.generator import Generator
from gateway.execution.compiler.run import PlanRun
from gateway.execution.compiler.source import NotCompilableError
from gateway.execution.context import Context
from tests.databases import create_sqlite_database
from tests.execution.published_schema import Cat, Dog, Kitten
from tests.graphql.world import STAFF, World, get_schema, open_client, open_small_world

pytestmark = pytest.mark.anyio

LIST = "{ products(first: 5) { nodes { title variants { nodes { sku price { amount } listings { title } } } } } }"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with open_small_world(create_sqlite_database(tmp_path / "gateway.db")) as world:
        yield world


@pytest.fixture
def by_reference(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Records what the reference executor executes."""
    calls: list[object] = []
    execute = executor.execute_by_reference

    async def execute_recorded(*arguments: Any) -> Any:
        calls.append(arguments)
        return await execute(*arguments)

    monkeypatch.setattr(executor, "execute_by_reference", execute_recorded)
    return calls


async def test_a_document_is_compiled_when_it_is_executed_again(
    world: World, monkeypatch: pytest.MonkeyPatch, by_reference: list[object]
) -> None:
    monkeypatch.setattr(plan, "COMPILED_AFTER", 1)
    answers = [await world.client.fetch_data(LIST) for _ in range(3)]
    assert len(by_reference) == 1 and answers[0] == answers[1] == answers[2]


async def test_documents_that_are_executed_once_are_not_compiled(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[object] = []
    monkeypatch.setattr(plan, "COMPILED_AFTER", 1)
    monkeypatch.setattr(plan, "compile_operation", lambda *_, **__: compiled.append(1))
    for number in range(20):
        await world.client.fetch_data(f"{{ a{number}: products(first: 1) {{ nodes {{ id }} }} }}")
    assert compiled == []


@pytest.mark.parametrize(
    ("fields", "batches"),
    [
        ("stock { id status available }", ["load_stock_sums_by_variant"]),
        ("stock { ...Shown }", ["load_stock_sums_by_variant"]),
        ("stock { available observedAt }", ["load_stocks_by_variant"]),
        ("a: stock { available } b: stock { ...{ onHand } }", ["load_stocks_by_variant"] * 2),
    ],
)
def test_a_lean_batch_is_used_where_it_loads_all_that_is_selected(fields: str, batches: list[str]) -> None:
    fragment = "fragment Shown on Stock { available __typename }"
    text = f"{{ products(first: 1) {{ nodes {{ variants {{ nodes {{ {fields} }} }} }} }} }} {fragment}"
    explained = explain_operation(get_schema(), parse(text), None)
    loads = [line.split(" by ")[1] for line in explained.splitlines() if line.startswith("# ")]
    assert [load for load in loads if "stock" in load] == batches


async def test_a_document_has_a_bounded_number_of_plans(world: World, by_reference: list[object]) -> None:
    names = [f"v{number}" for number in range(5)]
    fields = " ".join(f"{name}: title @include(if: ${name})" for name in names)
    declared = ", ".join(f"${name}: Boolean!" for name in names)
    text = f"query ({declared}) {{ products(first: 1) {{ nodes {{ id {fields} }} }} }}"
    for number in range(32):
        variables: dict[str, Any] = {name: bool(number & 1 << bit) for bit, name in enumerate(names)}
        (node,) = (await world.client.fetch_data(text, **variables))["products"]["nodes"]
        assert set(node) == {"id", *(name for name in names if variables[name])}
    assert len(by_reference) == 32 - plan.MAX_COMPILATIONS


@pytest.mark.parametrize("first", [True, False])
async def test_a_condition_of_null_is_for_the_reference(world: World, by_reference: list[object], first: bool) -> None:
    text = "query ($a: Boolean = true) { products(first: 1) { nodes { id title @skip(if: $a) } } }"
    variables: dict[str, Any] = {"a": first}
    assert (await world.client.ask(text, **variables)).codes == []
    answers = [await world.client.ask(text, None, a=None) for _ in range(2)]
    assert [(answer.status, answer.codes) for answer in answers] == [(200, ["BAD_USER_INPUT"])] * 2
    assert len(by_reference) == 2


async def test_plans_of_unpublished_documents_are_bounded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    caches: list[plan.PlanCache] = []
    add = plan.PlanCache.add_document

    def add_recorded(self: plan.PlanCache, document: Any) -> Any:
        caches.append(self)
        return add(self, document)

    monkeypatch.setattr(plan.PlanCache, "add_document", add_recorded)
    monkeypatch.setattr(WeightedLRU, "__init__", partialmethod(limit_size, WeightedLRU.__init__))
    async with open_client(world.gateway) as client:
        for number in range(30):
            fields = " ".join(f"n{count}: title" for count in range(50))
            await client.fetch_data(f"{{ a{number}: products(first: 1) {{ nodes {{ {fields} }} }} }}")
    (cache,) = set(caches)
    assert 0 < cache.plans.weight <= 50_000


def limit_size(self: Any, init: Any, bound: int, largest: int | None = None) -> None:
    """Bound each cache to 50,000."""
    init(self, min(bound, 50_000), None if largest is None else min(largest, 50_000))


async def test_a_fault_of_the_compiler_is_logged_once_and_the_document_left_to_the_reference(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, by_reference: list[object]
) -> None:
    def add_wrong_attribute(self: Generator, value: str, parent: str, _path: str) -> None:
        self.source.add(f"{value} = {parent}.missing")

    monkeypatch.setattr(Generator, "_add_attribute", add_wrong_attribute)
    answers = [await world.client.fetch_data(LIST) for _ in range(3)]
    assert answers[0] == answers[1] == answers[2] and answers[0]["products"]["nodes"]
    assert len([record for record in caplog.records if "compiled document failed" in record.message]) == 1
    assert len(by_reference) == 3


async def test_a_response_that_is_too_large_ends_within_its_level(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.execution.context.MAX_RESPONSE_FIELDS", 200)
    serialized: list[int] = []
    aliases = " ".join(f"n{number}: title" for number in range(90))
    monkeypatch.setattr(PlanRun, "spend", partialmethod(record_size, PlanRun.spend, serialized))
    answer = await world.client.ask(f"{{ products(first: 5) {{ nodes {{ {aliases} }} }} }}")
    assert answer.codes == ["ANSWER_TOO_LARGE"]
    assert max(serialized) < 5 * 90


def record_size(self: Any, spend: Any, sizes: list[int], fields: int) -> None:
    sizes.append(fields)
    spend(self, fields)


async def test_after_a_failed_load_no_root_field_runs_again(
    world: World, monkeypatch: pytest.MonkeyPatch, by_reference: list[object]
) -> None:
    pages: list[object] = []
    read = Context.read

    async def read_counted(self: Context, work: Any, *arguments: Any, **named: Any) -> Any:
        pages.append(work)
        return await read(self, work, *arguments, **named)

    monkeypatch.setattr(Context, "read", read_counted)
    text = "{ products(first: 1) { nodes { title variants(first: 1000) { nodes { sku } } } } }"
    answer = await world.client.ask(text)
    assert (answer.codes, len(by_reference), len(pages)) == (["BAD_USER_INPUT"], 1, 1)
    assert answer.body["data"]["products"]["nodes"][0]["variants"] is None


def test_the_class_of_a_node_says_its_type() -> None:
    """Otherwise each of 35 types is asked in turn, which takes longer than the completion of a node."""
    schema = get_schema()
    node = schema.type_map["Node"]
    assert isinstance(node, GraphQLInterfaceType)
    types = tuple(schema.get_possible_types(node))
    assert set(find_names_by_class(types).values()) == {type_.name for type_ in types}


def build_type(name: str, model: type | None) -> GraphQLObjectType:
    """Build an object type whose objects are of a class; None: of any."""
    origin = SimpleNamespace() if model is None else SimpleNamespace(__model__=model)
    definition = SimpleNamespace(origin=origin)
    return GraphQLObjectType(name, {}, extensions={"strawberry-definition": definition})


def test_a_class_that_objects_of_two_types_have_says_no_type() -> None:
    cat, kitten, dog = build_type("Cat", Cat), build_type("Kitten", Kitten), build_type("Dog", Dog)
    assert find_names_by_class((cat, kitten, dog)) == {Cat: "Cat", Dog: "Dog"}
    assert find_names_by_class((cat, build_type("Other", Cat), dog)) == {Dog: "Dog"}
    assert find_names_by_class((cat, build_type("Any", None))) == {}


async def test_a_query_of_many_nodes_is_compiled(world: World, by_reference: list[object]) -> None:
    (product,) = (await world.client.fetch_data("{ products(first: 1) { nodes { id title } } }"))["products"]["nodes"]
    nodes = " ".join(f"n{number}: node(id: $id) {{ ...Named }}" for number in range(20))
    text = f"query ($id: ID!) {{ {nodes} }} fragment Named on Node {{ __typename id ... on Product {{ title }} }}"
    data = await world.client.fetch_data(text, id=product["id"])
    assert list(data.values()) == [{"__typename": "Product", **product}] * 20
    assert by_reference == []


async def test_the_compilation_of_an_operation_that_is_too_long_is_tried_once(
    world: World, monkeypatch: pytest.MonkeyPatch, by_reference: list[object]
) -> None:
    tried: list[plan.Plan | None] = []
    compile_operation = plan.compile_operation

    def compile_recorded(*arguments: Any, **named: Any) -> plan.Plan | None:
        tried.append(compile_operation(*arguments, **named))
        return tried[-1]

    monkeypatch.setattr(plan, "compile_operation", compile_recorded)
    monkeypatch.setattr(source, "MAX_LINES", 20)
    for _ in range(3):
        await world.client.fetch_data(LIST)
    assert (tried, len(by_reference)) == ([None], 3)


@pytest.fixture
def batches(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """Records the name of each batch function that is called, and the number of its keys."""
    calls: list[tuple[str, int]] = []
    call_batch = Context.call_batch

    async def call_recorded(self: Context, batch: Any, keys: list[Any], arguments: Any) -> Any:
        calls.append((batch.__name__, len(keys)))
        return await call_batch(self, batch, keys, arguments)

    monkeypatch.setattr(Context, "call_batch", call_recorded)
    return calls


async def test_nodes_of_a_type_are_one_batch_and_each_keeps_its_place(
    world: World, batches: list[tuple[str, int]]
) -> None:
    text = "{ productVariants(first: 3) { nodes { id product { id } } } orders(first: 1) { nodes { id } } }"
    data = await world.client.fetch_data(text, STAFF)
    variants, (order,) = data["productVariants"]["nodes"], data["orders"]["nodes"]
    (first, product), (second, _), (third, _) = [(one["id"], one["product"]["id"]) for one in variants]
    ids = [first, product, "nothing", order["id"], second, third, first]
    batches.clear()
    answer = await world.client.ask("query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", ids=ids)
    shown = [node and node["id"] for node in answer.body["data"]["nodes"]]
    assert shown == [first, product, None, None, second, third, first]
    errors = {tuple(error["path"]): error["extensions"]["code"] for error in answer.body["errors"]}
    assert errors == {("nodes", 2): "BAD_USER_INPUT", ("nodes", 3): "UNAUTHENTICATED"}
    assert sorted(batches) == [("load_products", 1), ("load_variants", 3)]


async def test_a_level_is_one_batch_for_all_parents(world: World, batches: list[tuple[str, int]]) -> None:
    data = await world.client.fetch_data(LIST, STAFF)
    products = data["products"]["nodes"]
    variants = sum(len(product["variants"]["nodes"]) for product in products)
    assert ("load_variants_by_product", len(products)) in batches
    assert ("load_prices", variants) in batches
    assert len(batches) == len({name for name, _ in batches})


async def test_introspection_and_several_mutations_are_for_the_reference(
    world: World, by_reference: list[object]
) -> None:
    await world.client.fetch_data("{ __schema { queryType { name } } }")
    await world.client.fetch_data("{ __typename }")
    assert len(by_reference) == 1
    pause = 'channelPause(input: {channelKey: "web"}) { __typename }'
    assert "async def execute(run):" in explain_operation(get_schema(), parse(f"mutation {{ {pause} }}"), None)
    with pytest.raises(NotCompilableError, match="several root fields"):
        explain_operation(get_schema(), parse(f"mutation {{ {pause} b: {pause} }}"), None)


async def test_a_subscription_is_refused_whenever_it_is_sent(world: World) -> None:
    """The schema has none, so it does not pass validation, and is never compiled."""
    text = "subscription { __typename }"
    refused = [await world.client.ask(text) for _ in range(3)]
    assert [answer.codes for answer in refused] == [["GRAPHQL_VALIDATION_FAILED"]] * 3


def test_an_explanation_shows_the_loads_and_the_function() -> None:
    shown = explain_operation(get_schema(), parse(LIST), None)
    assert "variants by load_variants_by_product" in shown
    assert "async def execute(run):" in shown and ".sku" in shown


async def test_a_canceled_query_ends(world: World) -> None:
    task = asyncio.ensure_future(world.client.ask(LIST))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (await world.client.ask(LIST)).codes == []


async def test_errors_of_many_loads_are_in_the_response_and_not_in_the_log(world: World) -> None:
    """A client could otherwise fill the log: the event loop logs an error that nothing has waited for."""
    logged: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: logged.append(context))
    for kind in ("price", "priceIncludesTax"):
        text = f"{{ productVariants {{ nodes {{ {kind}{' { amount }' if kind == 'price' else ''} }} }} }}"
        answer = await world.client.ask(text.replace(kind, f'{kind}(channelKey: "nowhere")', 1))
        assert set(answer.codes) == {"BAD_USER_INPUT"} and len(answer.codes) > 1
    gc.collect()
    await asyncio.sleep(0)
    assert logged == []
