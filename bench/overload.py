"""The server on a socket at ten times its capacity, and one client beside another that floods it."""

from __future__ import annotations

import asyncio

import orjson

from bench.load_generator import Load, LoadResult, build_request, generate_addresses
from bench.processes import run_server

LIST = """query { products(first: 12) { nodes {
  id title availableForSale priceRange { min { amount currencyCode } } } pageInfo { hasNextPage endCursor } } }"""
BODY = orjson.dumps({"query": LIST})
OTHER = "203.0.113.7"
FLOOD = "203.0.113.66"
ROUNDS = 5
"""The number of alternating measurements of a client alone and beside a flood."""


async def measure(*, products: int, seconds: float, excess: float) -> dict[str, float]:
    """Capacity, the overload, and how soon it is over; a client beside one that floods.

    What they are compared with is measured before and after, or in turn with them: no machine is always equally fast.
    """
    async with run_server(products) as server:
        port = server.port
        await _run_load(port, [OTHER], 10, 2)  # warm-up
        alone = await _run_load(port, [OTHER], 10, seconds / 2)
        before = await _measure_capacity(port, seconds / 4)
        over = Load(port, (build_request(BODY, one) for one in generate_addresses()))
        result = await over.run(before * excess, seconds)
        recovered = await _measure_recovery(port, alone.compute_percentile_ms(200, 0.99))
        await over.settle()
        capacity = (before + await _measure_capacity(port, seconds / 4)) / 2
        alone.add(await _run_load(port, [OTHER], 10, seconds / 2))
        by_herself, beside = LoadResult(), LoadResult()
        for _ in range(ROUNDS):
            by_herself.add(await _run_load(port, [OTHER], 10, seconds / ROUNDS))
            beside.add(await _measure_beside_flood(port, before * excess, seconds / ROUNDS))
    return {
        "capacity": capacity,
        "goodput": result.count(200) / seconds,
        "alone_p50": alone.compute_percentile_ms(200, 0.5),
        "alone_p99": alone.compute_percentile_ms(200, 0.99),
        "accepted_p50": result.compute_percentile_ms(200, 0.5),
        "accepted_p99": result.compute_percentile_ms(200, 0.99),
        "refused": result.count(503),
        "refused_p50": result.compute_percentile_ms(503, 0.5),
        "refused_p99": result.compute_percentile_ms(503, 0.99),
        "broken": result.broken,
        "recovered": recovered,
        "by_herself_p50": by_herself.compute_percentile_ms(200, 0.5),
        "by_herself_p99": by_herself.compute_percentile_ms(200, 0.99),
        "beside_p50": beside.compute_percentile_ms(200, 0.5),
        "beside_p99": beside.compute_percentile_ms(200, 0.99),
        "beside_refused": beside.count(503),
    }


async def _run_load(port: int, clients: list[str], rate: float, seconds: float) -> LoadResult:
    load = Load(port, (build_request(BODY, one) for one in clients))
    result = await load.run(rate, seconds)
    await load.settle()
    return result


async def _measure_capacity(port: int, seconds: float) -> float:
    """Measure the responses per second to clients that each send the next request after a response."""
    load = Load(port, (build_request(BODY, one) for one in generate_addresses()), most=4)
    result = await load.run(2_000, seconds)
    answered = result.count(200)
    await load.settle(0)
    return answered / seconds


async def _measure_recovery(port: int, usual: float) -> float:
    """Measure the seconds after a load until ten responses in a row take at most twice the normal time."""
    loop = asyncio.get_running_loop()
    begun, good = loop.time(), 0
    while good < 10:
        result = await _run_load(port, [OTHER], 100, 0.01)
        good = good + 1 if result.count(200) and result.compute_percentile_ms(200, 1) < 2 * usual else 0
    return loop.time() - begun


async def _measure_beside_flood(port: int, rate: float, seconds: float) -> LoadResult:
    flood = Load(port, [build_request(BODY, FLOOD)])
    flooding = asyncio.create_task(flood.run(rate, seconds + 1))
    await asyncio.sleep(0.5)
    response = await _run_load(port, [OTHER], 10, seconds)
    await flooding
    await flood.settle()
    return response
