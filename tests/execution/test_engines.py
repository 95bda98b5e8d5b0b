"""The compiled function of a document and the reference executor give the same response, byte by byte."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from random import Random
from typing import Any

import orjson
import pytest
from aiodataloader import DataLoader
from graphql import parse
from graphql.execution.executor import Executor

from gateway.execution import executor
from gateway.execution.batch_loader import BatchLoader
from gateway.execution.compiler import generator, leaves, plan
from gateway.execution.compiler.generator import Generator
from gateway.execution.compiler.plan import DocumentPlans
from gateway.execution.compiler.source import NotCompilableError
from gateway.execution.context import Context
from gateway.graphql.queries import customers
from tests.abuse.scope_matrix import SECRETS, find_ids, open_matrix_world
from tests.conftest import NEVER, TORTURE
from tests.databases import create_sqlite_database
from tests.execution.random_documents import DocumentWriter
from tests.graphql.world import ACCEPT, World, get_schema

pytestmark = pytest.mark.anyio

DOCUMENTS = 10_000 if TORTURE else 500
CALLERS = (None, *SECRETS)
UNLIMITED = {"cost": 10**7, "rate": 10**9}


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    limits = {"anonymous": UNLIMITED, "known": UNLIMITED}
    async with open_matrix_world(create_sqlite_database(tmp_path / "gateway.db"), limits=limits) as world:
        yield world


@contextmanager
def use_engine(executions: int) -> Iterator[None]:
    usual = plan.COMPILED_AFTER
    plan.COMPILED_AFTER = executions
    yield
    plan.COMPILED_AFTER = usual


async def ask(world: World, text: str, caller: str | None, executions: int) -> bytes:
    """Ask one engine, and return the response without ids of requests, with its size as the engine counts it."""
    sizes: list[int] = []
    with use_engine(executions), record_sizes(sizes):
        answer = await world.client.ask(text, None if caller is None else SECRETS[caller])
    return render(answer.body, [] if "errors" in answer.body else sizes)


def render(body: dict[str, Any], *more: object) -> bytes:
    for error in body.get("errors", ()):
        error["extensions"].pop("requestId", None)
    body.get("errors", []).sort(key=json.dumps)
    return orjson.dumps([body, *more])


@contextmanager
def record_sizes(sizes: list[int]) -> Iterator[None]:
    """Record the fields that each response may still have."""
    close = Context.close

    def close_recorded(self: Context) -> None:
        sizes.append(self.fields_left)
        close(self)

    Context.close = close_recorded  # type: ignore[method-assign]
    yield
    Context.close = close  # type: ignore[method-assign]


class Planted(Exception):
    """An error of a loader."""


@contextmanager
def inject_errors(seed: int) -> Iterator[None]:
    """Let some loads fail, and some find nothing; which ones depends on the key and the seed."""
    get_loader, get_key_loader = Context.get_loader, Context._get_key_loader

    def get_planted(self: Context, batch: Any, arguments: Mapping[str, Any]) -> Any:
        return PlantedBatchLoader(get_loader(self, batch, arguments), seed)

    def get_planted_keys(self: Context, batch: Any, arguments: Mapping[str, Any]) -> Any:
        return PlantedKeyLoader(get_key_loader(self, batch, arguments), seed)

    Context.get_loader = get_planted  # type: ignore[method-assign]
    Context._get_key_loader = get_planted_keys  # type: ignore[method-assign]
    yield
    Context.get_loader = get_loader  # type: ignore[method-assign]
    Context._get_key_loader = get_key_loader  # type: ignore[method-assign]


def is_planted(key: Any, seed: int) -> bool:
    return compute_chance(key, seed) <= 0.15


def create_planted_value(key: Any, seed: int) -> Exception | None:
    return Planted() if compute_chance(key, seed) < 0.08 else None


def compute_chance(key: Any, seed: int) -> float:
    return Random(f"{seed} {key if isinstance(key, str) else type(key).__name__}").random()


class PlantedBatchLoader:
    def __init__(self, loader: BatchLoader, seed: int) -> None:
        self._loader, self._seed = loader, seed
        self.cache_values, self.find_values = loader.cache_values, loader.find_values

    def start(self, keys: Sequence[Any]) -> None:
        self._loader.start([key for key in keys if not is_planted(key, self._seed)])

    async def collect(self, keys: Sequence[Any]) -> list[Any]:
        loaded = [key for key in keys if not is_planted(key, self._seed)]
        values = iter(await self._loader.collect(loaded))
        return [create_planted_value(key, self._seed) if is_planted(key, self._seed) else next(values) for key in keys]

    async def load_many(self, keys: Sequence[Any]) -> list[Any]:
        values = await self.collect(keys)
        for value in values:
            if isinstance(value, Exception):
                raise value
        return values


class PlantedKeyLoader:
    def __init__(self, loader: DataLoader[Any, Any], seed: int) -> None:
        self._loader, self._seed = loader, seed

    def load(self, key: Any) -> asyncio.Future[Any]:
        if not is_planted(key, self._seed):
            return self._loader.load(key)
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        value = create_planted_value(key, self._seed)
        if value is None:
            future.set_result(None)
        else:
            future.set_exception(value)
        return future


async def test_both_engines_answer_alike(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    ids, tokens = await find_ids(world)
    by_reference = count_calls(monkeypatch)
    compiled = 0
    for number in range(DOCUMENTS):
        random = Random(number)
        text = DocumentWriter(random, get_schema(), ids, tokens).write()
        caller = random.choice(CALLERS)
        expected = await ask(world, text, caller, NEVER)
        before = by_reference[0]
        found = await ask(world, text, caller, 0)
        assert found == expected, text
        if b'"errors"' not in expected:
            assert by_reference[0] == before or is_too_long(text), text
            compiled += by_reference[0] == before
    assert compiled > DOCUMENTS / 4


def is_too_long(text: str) -> bool:
    """Whether the function of a document would be longer than the compiler writes them."""
    executor = Executor.build(get_schema(), parse(text), raw_variable_values={})
    assert isinstance(executor, Executor)
    with pytest.raises(NotCompilableError, match="more than 1,500 lines"):
        plan.generate_function(executor, tracks=False)
    return True


def count_calls(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Count what the reference executor executes."""
    calls, execute = [0], executor.execute_by_reference

    async def execute_counted(*arguments: Any) -> Any:
        calls[0] += 1
        return await execute(*arguments)

    monkeypatch.setattr(executor, "execute_by_reference", execute_counted)
    return calls


async def test_a_cached_response_equals_that_of_the_reference_executor(world: World) -> None:
    ids, tokens = await find_ids(world)
    cached = 0
    for number in range(DOCUMENTS // 2):
        random = Random(20_000 + number)
        text = DocumentWriter(random, get_schema(), ids, tokens).write()
        if "oken" in text and "node" in text:  # whether a node is the caller's own depends on which field is first
            continue
        if "guest:" in text:  # wrong attempts to find an order are limited
            continue
        callers = random.sample(CALLERS, 3)
        expected = [json.loads(await ask(world, text, caller, NEVER))[0] for caller in callers]
        for _ in range(2):
            assert [json.loads(await ask(world, text, caller, 0))[0] for caller in callers] == expected, text
        cached += world.gateway.responses.size > 0
        world.gateway.responses.clear()
    assert cached > DOCUMENTS / 20


async def test_both_engines_report_the_errors_of_loaders_alike(world: World) -> None:
    ids, tokens = await find_ids(world)
    failed = 0
    for number in range(DOCUMENTS // 2):
        random = Random(-1 - number)
        text = DocumentWriter(random, get_schema(), ids, tokens).write()
        with inject_errors(number):
            expected, found = await ask_until_equal(world, text)
        assert found == expected, text
        failed += b'"errors"' in expected
    assert failed > DOCUMENTS / 20


async def ask_until_equal(world: World, text: str) -> tuple[bytes, bytes]:
    """Ask both engines, again if they differ: an error fails the keys that are loaded with its own, and which they are
    depends on the time that a read takes.
    """
    for _ in range(5):
        expected = await ask(world, text, "admin", NEVER)
        found = await ask(world, text, "admin", 0)
        if found == expected:
            break
    return expected, found


async def ask_by_get(world: World, text: str, executions: int) -> bytes:
    """Ask one engine without a token, and return the response with what caches may do."""
    with use_engine(executions):
        response = await world.client.http.get("/graphql", params={"query": text}, headers=ACCEPT)
    return render(response.json(), response.headers.get("cache-control"), response.headers.get("age"))


async def test_both_engines_tell_caches_alike(world: World) -> None:
    ids, tokens = await find_ids(world)
    shared = 0
    for number in range(DOCUMENTS // 5):
        text = DocumentWriter(Random(10_000 + number), get_schema(), ids, tokens).write()
        expected = await ask_by_get(world, text, NEVER)
        for _ in range(2):  # the second response may be a cached one
            assert await ask_by_get(world, text, 0) == expected, text
        shared += b"public" in expected
    assert shared > DOCUMENTS / 200


def skip_guard(self: Generator, *_: object, **__: object) -> AbstractContextManager[None]:
    return nullcontext()


def skip(*_: object) -> None:
    """Write nothing."""


RULES: Mapping[str, Callable[[pytest.MonkeyPatch], None]] = {
    "scopes of fields": lambda patch: patch.setattr(Generator, "_guard", skip_guard),
    "scopes of types": lambda patch: patch.setattr(Generator, "_add_type_check", skip),
    "lengths of texts": lambda patch: patch.setattr(leaves, "_add_length", skip),
    "weights of loads": lambda patch: patch.setattr(generator, "LOAD_WEIGHT", 4),
    "kinds of data": lambda patch: patch.setattr(Generator, "_add_note", skip),
    "conditions": lambda patch: patch.setattr(DocumentPlans, "_read_conditions", lambda *_: {}),
}
"""Rules of the compiler, each with what takes it out."""

TEXTS = (
    "{ orders(first: 2) { nodes { contact { name } } } }",
    '{ stockLevels(locationKey: "london", first: 2) { nodes { onHand } } }',
    "{ orders(first: 2) { nodes { payments { reference } } } }",
    '{ customer(id: "$CUSTOMER") { displayName } }',
    '{ products(first: 2, search: "zester") { nodes { title description variants { nodes { sku } } } } }',
)
VARIED = "query ($all: Boolean!) { products(first: 1) { nodes { id title @include(if: $all) } } }"


@pytest.mark.parametrize("rule", RULES)
async def test_without_one_of_its_rules_the_compiler_answers_otherwise(
    world: World, monkeypatch: pytest.MonkeyPatch, rule: str
) -> None:
    texts = await prepare_texts(world, monkeypatch)
    RULES[rule](monkeypatch)
    assert await has_difference(world, texts)


async def prepare_texts(world: World, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Lengthen a text, and leave the scopes of customers to their type: their root field checks them, too."""
    ids, _ = await find_ids(world)
    world.stores["web"].change("products", "zester", description="x" * 300)
    world.clock.forward(hours=1)
    await world.gateway.run_due()
    monkeypatch.setattr(customers, "load_guarded", load_unguarded)
    return [one.replace("$CUSTOMER", ids["Customer"]) for one in TEXTS]


async def load_unguarded(context: Context, batch: Any, key: Any, _scopes: object) -> Any:
    return await context.load(batch, key)


async def has_difference(world: World, texts: Sequence[str]) -> bool:
    """Whether the engines differ for any document, caller, method or variable."""
    for text in texts:
        for caller in (None, "clerk", "partner"):
            if await ask(world, text, caller, NEVER) != await ask(world, text, caller, 0):
                return True
        if await ask_by_get(world, text, NEVER) != await ask_by_get(world, text, 0):
            return True
    with use_engine(0):
        found = [(await world.client.ask(VARIED, all=value)).data["products"]["nodes"][0] for value in (True, False)]
    return [len(node) for node in found] != [2, 1]


async def test_with_all_its_rules_it_does_not(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not await has_difference(world, await prepare_texts(world, monkeypatch))


@pytest.mark.parametrize("selection", ["stock { id status available }", "stock { id status available onHand }"])
async def test_a_lean_load_counts_for_the_size_of_the_response_as_the_full_one(world: World, selection: str) -> None:
    variant = (await world.client.fetch_data("{ productVariants(first: 1) { nodes { id } } }"))["productVariants"]
    text = f'{{ node(id: "{variant["nodes"][0]["id"]}") {{ ... on ProductVariant {{ {selection} }} }} }}'
    assert await ask(world, text, None, 0) == await ask(world, text, None, NEVER)
