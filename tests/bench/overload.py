"""The server on a socket, asked for ten times what it can do, and flooded by one client beside another."""

from __future__ import annotations

import asyncio

import orjson

from tests.bench.processes import listening
from tests.bench.wire import Heard, Load, addresses, request

LIST = """query { products(first: 12) { nodes {
  id title availableForSale priceRange { min { amount currencyCode } } } pageInfo { hasNextPage endCursor } } }"""
BODY = orjson.dumps({"query": LIST})
OTHER = "203.0.113.7"
FLOOD = "203.0.113.66"
ROUNDS = 5
"""How often a client is asked for by herself and beside one that floods, in turn."""


async def measure(*, products: int, seconds: float, excess: float) -> dict[str, float]:
    """Capacity, the overload, and how soon it is over; a client beside one that floods.

    What they are compared with is measured before and after, or in turn with them: no machine is always equally fast.
    """
    async with listening(products) as server:
        port = server.port
        await _asked(port, [OTHER], 10, 2)  # warm
        alone = await _asked(port, [OTHER], 10, seconds / 2)
        before = await _capacity(port, seconds / 4)
        over = Load(port, (request(BODY, one) for one in addresses()))
        heard = await over.run(before * excess, seconds)
        recovered = await _recovered(port, alone.ms(200, 0.99))
        await over.settle()
        capacity = (before + await _capacity(port, seconds / 4)) / 2
        alone.add(await _asked(port, [OTHER], 10, seconds / 2))
        by_herself, beside = Heard(), Heard()
        for _ in range(ROUNDS):
            by_herself.add(await _asked(port, [OTHER], 10, seconds / ROUNDS))
            beside.add(await _beside(port, before * excess, seconds / ROUNDS))
    return {
        "capacity": capacity,
        "goodput": heard.count(200) / seconds,
        "alone_p50": alone.ms(200, 0.5),
        "alone_p99": alone.ms(200, 0.99),
        "accepted_p50": heard.ms(200, 0.5),
        "accepted_p99": heard.ms(200, 0.99),
        "refused": heard.count(503),
        "refused_p50": heard.ms(503, 0.5),
        "refused_p99": heard.ms(503, 0.99),
        "broken": heard.broken,
        "recovered": recovered,
        "by_herself_p50": by_herself.ms(200, 0.5),
        "by_herself_p99": by_herself.ms(200, 0.99),
        "beside_p50": beside.ms(200, 0.5),
        "beside_p99": beside.ms(200, 0.99),
        "beside_refused": beside.count(503),
    }


async def _asked(port: int, clients: list[str], rate: float, seconds: float) -> Heard:
    load = Load(port, (request(BODY, one) for one in clients))
    heard = await load.run(rate, seconds)
    await load.settle()
    return heard


async def _capacity(port: int, seconds: float) -> float:
    """Answers a second to clients of whom each asks again as soon as she is answered."""
    load = Load(port, (request(BODY, one) for one in addresses()), most=4)
    heard = await load.run(2_000, seconds)
    answered = heard.count(200)
    await load.settle(0)
    return answered / seconds


async def _recovered(port: int, usual: float) -> float:
    """Seconds after the end of a load until ten answers in a row took no longer than twice as long as usual."""
    loop = asyncio.get_running_loop()
    begun, good = loop.time(), 0
    while good < 10:
        heard = await _asked(port, [OTHER], 100, 0.01)
        good = good + 1 if heard.count(200) and heard.ms(200, 1) < 2 * usual else 0
    return loop.time() - begun


async def _beside(port: int, rate: float, seconds: float) -> Heard:
    flood = Load(port, [request(BODY, FLOOD)])
    flooding = asyncio.create_task(flood.run(rate, seconds + 1))
    await asyncio.sleep(0.5)
    heard = await _asked(port, [OTHER], 10, seconds)
    await flooding
    await flood.settle()
    return heard
