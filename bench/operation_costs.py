"""The CPU time per cost point of every field, filter and mutation, relative to that of an ordinary page of products."""

from __future__ import annotations

import gc
import time
from collections.abc import Awaitable, Callable, Mapping
from statistics import median
from typing import Any

from bench.asgi_gateway import Client
from bench.cost_cases import FIELD_PREFIX, Case, Ids, list_cases
from bench.cost_mutations import TIMES, MutationCase, Seller, list_mutation_cases, prepare_inputs
from bench.cost_world import open_cost_gateway
from bench.databases import create_databases
from bench.schema_walk import list_field_cases
from gateway.execution.document_cache import DocumentCache, compute_cost
from gateway.execution.request import GraphQLRequest
from gateway.graphql.schema import create_schema
from gateway.runtime.gateway import Gateway
from gateway.settings.schema import LimitsTable

RUNS = 3
LONG = 500.0
"""CPU milliseconds from which an operation is measured once: it varies little."""

SAMPLES = """{ products(first: 1) { nodes { id category { id } } } customers(first: 1) { nodes { id } }
  orders(first: 1) { nodes { id } } productVariants(first: 100) { nodes { id } } }"""
LEVELS = '{ stockLevels(locationKey: "shop", first: 100) { nodes { onHand variant { id } } } }'


class UncachedClient(Client):
    """Sends requests whose facets and counts are computed anew: each of another query is (rule E2)."""

    def __init__(self, gateway: Gateway) -> None:
        super().__init__(gateway)
        self._values = gateway.catalog_values

    async def query(self, query: str, **variables: Any) -> Any:
        for key, _ in self._values.list_items():
            self._values.remove(key)
        return await super().query(query, **variables)


async def measure(*, dialect: str, products: int, seed: int) -> dict[str, float]:
    """Measure every case: `NAME cost`, and `NAME cpu` in milliseconds."""
    costs = DocumentCache(create_schema(), LimitsTable())
    found: dict[str, float] = {}
    async with create_databases(dialect) as (url, _), open_cost_gateway(url, products, seed) as gateway:
        client = UncachedClient(gateway)
        ids, seller = await collect_samples(client)
        empty = [await _time_cpu(lambda: client.query("{ __typename }")) for _ in range(20)]
        found["empty"] = median(empty)
        walked = [Case(FIELD_PREFIX + one.name, one.text, one.times) for one in list_field_cases(create_schema(), ids)]
        for case in [*list_cases(ids), *walked]:
            text = "{ " + " ".join(f"a{n}: {case.text}" for n in range(case.times)) + " }"
            found |= await _measure_query(client, costs, case.name, text, found["empty"])
        for mutation in list_mutation_cases(seller):
            found |= await _measure_mutation(client, costs, mutation)
    return found


async def collect_samples(client: Client) -> tuple[Ids, Seller]:
    data = await client.query(SAMPLES)
    levels = (await client.query(LEVELS))["stockLevels"]["nodes"]
    seller = Seller(
        client,
        [node["id"] for node in data["productVariants"]["nodes"]],
        {level["variant"]["id"]: level["onHand"] for level in levels if level["onHand"]},
    )
    order = await seller.build_order(100)
    (product,) = data["products"]["nodes"]
    ids = Ids(
        product=product["id"],
        variants=tuple(seller.variants),
        category=product["category"]["id"],
        customer=data["customers"]["nodes"][0]["id"],
        order=data["orders"]["nodes"][0]["id"],
        cart_token=order["cartToken"],
        option_token=order["fulfillmentOptionToken"],
    )
    return ids, seller


async def _measure_query(client: Client, costs: DocumentCache, name: str, text: str, empty: float) -> dict[str, float]:
    """Measure an operation beyond what any request takes, which rate limits count on its own."""
    first = await _time_cpu(lambda: client.query(text))
    cpu = [await _time_cpu(lambda: client.query(text)) for _ in range(RUNS if first < LONG else 1)]
    return {f"{name} cost": _compute_cost(costs, text, {}), f"{name} cpu": max(0.0, median(cpu) - empty)}


async def _measure_mutation(client: Client, costs: DocumentCache, case: MutationCase) -> dict[str, float]:
    document, cpu, cost = case.build_document(TIMES), [], 0
    for _ in range(3):
        variables = {key: value async for key, value in prepare_inputs(case, TIMES)}
        cost = _compute_cost(costs, document, variables)
        answers: list[Any] = []

        async def run(variables: Mapping[str, Any] = variables, answers: list[Any] = answers) -> None:
            answers.append(await client.query(document, **variables))

        cpu.append(await _time_cpu(run))
        if errors := [error for payload in answers[0].values() for error in payload["userErrors"]]:
            raise AssertionError(f"{case.name}: {errors[0]}")
    return {f"{case.name} cost": cost, f"{case.name} cpu": median(cpu)}


def _compute_cost(costs: DocumentCache, text: str, variables: Mapping[str, Any]) -> int:
    prepared = costs.prepare(text)
    if prepared.errors:
        raise AssertionError(prepared.errors[0])
    return compute_cost(prepared, GraphQLRequest(text, variables))


async def _time_cpu(work: Callable[[], Awaitable[object]]) -> float:
    """Return the CPU milliseconds of this process, whose threads run the statements."""
    gc.freeze()  # so that no collection of what was there before is part of it; to collect would take half a second
    begun = time.process_time()
    await work()
    return (time.process_time() - begun) * 1000
