"""How well a search orders its results: nDCG@10 over the judged queries, beside the order by title."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import AsyncIterator
from statistics import mean

from bench.asgi_gateway import NOTHING_CACHED, TOKEN, Client
from bench.databases import create_databases
from bench.judged_search.grades import DEPTH, JudgedQuery, prepare_title, score_order
from bench.judged_search.queries import generate_queries, load_titles
from bench.judged_search.words import SYNONYMS
from examples.demo import generated
from gateway.channels.plugin_registry import discover
from gateway.runtime.gateway import Gateway, open_gateway
from gateway.sdk.testing import record_builders
from gateway.sdk.testing.memory_channel import MemoryPlugin
from gateway.sdk.testing.memory_store import MemoryStore
from gateway.settings.loading import parse

SEARCH = """query ($search: String!, $first: Int!, $sort: ProductSort) {
  products(search: $search, first: $first, sort: $sort) { nodes { variants(first: 1) { nodes { sku } } } } }"""
SORTS = {"relevance": None, "title": {"key": "TITLE"}}
TABLES = {
    "channels": {"till": {"plugin": "memory", "required": True, "config": {"page_size": 500}}},
    "search": {"synonyms": SYNONYMS},
    "server": NOTHING_CACHED,
    "tokens": {"bench": {"token": TOKEN, "kind": "ADMIN", "scopes": ["*"]}},
    "limits": {"known": {"cost": 10_000_000}},
}


async def measure(*, dialect: str) -> dict[str, float]:
    """Measure the mean score of each set and kind of queries, by order: `relevance held out`, `title typo` …"""
    async with create_databases(dialect) as (url, _):
        return await measure_on(url)


async def measure_on(url: str) -> dict[str, float]:
    """Measure on this empty database."""
    texts = load_titles()
    titles = {code: prepare_title(code, title) for code, title in texts.items()}
    scores: dict[str, list[float]] = defaultdict(list)
    async with open_demo_goods(url, texts) as gateway:
        client = Client(gateway)
        for query in generate_queries(texts):
            for order in SORTS:
                score = score_order(query, await find_codes(client, query, order), titles)
                scores[f"{order} {'held out' if query.is_held_out else 'tuning'}"].append(score)
                scores[f"{order} {query.kind}"].append(score)
    return {name: mean(found) for name, found in scores.items()}


@contextlib.asynccontextmanager
async def open_demo_goods(url: str, titles: dict[str, str]) -> AsyncIterator[Gateway]:
    """Open a gateway with the products of the demo, by code."""
    store = MemoryStore()
    for code, title in titles.items():
        category = list(generated.choose_category(title))
        store.put("products", record_builders.build_product(code, title=title, sku=code, category=category))
    found = discover(MemoryPlugin({"till": store}), points=())
    async with open_gateway(parse({"database": url, **TABLES}, {}), plugins=found) as gateway:
        await gateway.run_due()
        yield gateway


async def find_codes(client: Client, query: JudgedQuery, order: str) -> list[str]:
    """Find the codes of the first products of a query."""
    data = await client.query(SEARCH, search=query.text, first=DEPTH, sort=SORTS[order])
    return [node["variants"]["nodes"][0]["sku"] for node in data["products"]["nodes"]]
