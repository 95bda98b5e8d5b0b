"""How long customers of segments are counted and listed, and what the page of one customer takes."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from functools import partial
from statistics import median
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bench.asgi_gateway import NOTHING_CACHED, TOKEN, Client
from bench.customer_population import NOW, SAMPLE_SIZES, build_customer_id, build_sku, store_population
from bench.databases import create_databases
from bench.lists import record_statements
from bench.timing import time_runs
from gateway.channels.plugin_registry import discover
from gateway.model.ids import GlobalId
from gateway.runtime.gateway import Gateway, open_gateway
from gateway.sdk.testing.memory_channel import MemoryPlugin
from gateway.sdk.testing.memory_store import MemoryStore
from gateway.settings.loading import parse
from gateway.storage.reads.customers.search import (
    AmountRange,
    CountRange,
    CustomerQuery,
    count_customers,
    search_customers,
)
from gateway.storage.sql.keyset import Window
from gateway.storage.tables import customers

PAGE_SIZE = 20
WARMING = 3
MONTH = timedelta(days=30)

CONDITIONS: Mapping[str, CustomerQuery] = {
    "no condition": CustomerQuery(),
    "channel_keys": CustomerQuery(channels=("web",)),
    "tags": CustomerQuery(tags=("vip",)),
    "channel_mix STORE_ONLY": CustomerQuery(mix="STORE_ONLY"),
    "channel_mix ONLINE_ONLY": CustomerQuery(mix="ONLINE_ONLY"),
    "channel_mix BOTH": CustomerQuery(mix="BOTH"),
    "lifetime_value": CustomerQuery(spent=AmountRange(100_00, None, "GBP")),
    "order_count": CustomerQuery(orders=CountRange(3, None)),
    "first_order_since": CustomerQuery(first_order_since=NOW - 6 * MONTH),
    "last_order_since": CustomerQuery(last_order_since=NOW - 6 * MONTH),
    "last_order_before": CustomerQuery(last_order_before=NOW - 12 * MONTH),
    "bought_at_location_keys": CustomerQuery(shops=(("till", "shop"),)),
    "bought_skus": CustomerQuery(skus=(build_sku(17).casefold(),)),
    "has_consent": CustomerQuery(consent="MARKETING_EMAIL"),
    "has_login": CustomerQuery(has_login=True),
    "has_login, false": CustomerQuery(has_login=False),
    "has_open_review": CustomerQuery(has_open_review=True),
    "has_open_review, false": CustomerQuery(has_open_review=False),
    "three conditions": CustomerQuery(
        consent="MARKETING_EMAIL", orders=CountRange(2, None), last_order_before=NOW - 6 * MONTH
    ),
}
"""Every condition that a segment can have."""

SEGMENTS: Mapping[str, Any] = {
    "regulars": {"order_count": {"min": 3}},
    "win-back": {"has_consent": "MARKETING_EMAIL", "order_count": {"min": 2}, "last_order_before": "180d"},
    "both-channels": {"channel_mix": "BOTH"},
    "big-spenders": {"lifetime_value": {"min": "100.00", "currency_code": "GBP"}},
    "shop": {"bought_at_location_keys": ["shop"], "has_login": True},
}

REQUESTS: Mapping[str, str] = {
    "five segments": "{ segments { key customers } }",
    "first page": '{ customers(first: 20, filter: {segment: "win-back"}) { nodes { id displayName } } }',
    "first page, rare": '{ customers(first: 20, filter: {boughtSkus: ["SKU-17"], hasLogin: true}) { nodes { id } } }',
    "first page, counted": '{ customers(first: 20, filter: {segment: "win-back"}) { totalCount nodes { id } } }',
}
CUSTOMER_PAGE = """query ($id: ID!) { customer(id: $id) {
  displayName emails { value verified channels { key } } phones { value } addresses { line1 city } tags locale hasLogin
  identities(first: 20) { nodes { channel { key } externalId displayName evidence { rule value } } }
  orders(first: 20) { nodes { number placedAt status channel { key } location { key } total { amount } } }
  timeline(first: 20) { nodes { kind occurredAt summary channel { key } location { key } } }
  loyalty { balance tier numbers } consents { purpose state source channel { key } } } }"""
FULL_PAGE = """query ($id: ID!) { customer(id: $id) {
  displayName emails { value } addressBook { address { line1 } } lifetimeValue { amount } segments openReviews { id }
  statistics { count lastAt favouriteLocation { key } } sources { field identity { id } } merges { id }
  identities(first: 20) { totalCount nodes { channel { key } orderCount } }
  orders(first: 20) { totalCount nodes { number lines(first: 5) { nodes { sku } } } }
  timeline(first: 20) { totalCount nodes { kind summary } }
  loyalty { balance entries(first: 20) { nodes { points } } } consents { purpose state } } }"""
PAGES = {"page": CUSTOMER_PAGE, "full page": FULL_PAGE}

TABLES: Mapping[str, Any] = {
    "channels": {key: {"plugin": "memory", "required": True} for key in ("till", "web")},
    "locations": {"shop": {"name": "The shop", "kind": "STORE", "authority": "till", "channels": {"till": "shop"}}},
    "stock": {"default_channel": "web"},
    "limits": {"deadline": "10m", "known": {"cost": 10_000_000, "rate": 100_000_000}},
    "loyalty": {"since": NOW - 36 * MONTH, "rates": {"GBP": "1"}, "tiers": [{"key": "silver", "points": 100}]},
    "segments": {key: {"title": key, "filter": filter_} for key, filter_ in SEGMENTS.items()},
    "server": NOTHING_CACHED,
    "tokens": {"bench": {"token": TOKEN, "kind": "ADMIN", "scopes": ["*"]}},
}


async def measure(*, dialect: str, size: int, times: int, seed: int) -> dict[str, float]:
    """Measure medians in milliseconds, `count NAME` and `list NAME` of each condition, and `request NAME`; and of
    pages of customers with N records `PAGE N`, and `PAGE N statements`.
    """
    found: dict[str, float] = {}
    async with create_databases(dialect) as (url, _), open_customer_gateway(url, size, seed) as gateway:
        found["plain"] = await _measure_median(partial(gateway.database.read, _count_rows), times)
        for name, query in CONDITIONS.items():
            found |= await _measure_condition(gateway, name, query, times)
        client = Client(gateway)
        for name, text in REQUESTS.items():
            found[f"request {name}"], found[f"request {name} statements"] = await _measure_request(client, text, times)
        for name, text in PAGES.items():
            for records in SAMPLE_SIZES:
                id_ = str(GlobalId("Customer", (build_customer_id(f"sample {records}"),)))
                key = f"{name} {records}"
                found[key], found[f"{key} statements"] = await _measure_request(client, text, times, id=id_)
    return found


@contextlib.asynccontextmanager
async def open_customer_gateway(url: str, size: int, seed: int) -> AsyncIterator[Gateway]:
    """Open a gateway with this many customers, at the time of their data."""
    plugins = discover(MemoryPlugin({"till": MemoryStore(), "web": MemoryStore()}), points=())
    settings = parse({"database": url, **TABLES}, {})
    async with open_gateway(settings, plugins=plugins, clock=lambda: NOW) as gateway:
        await store_population(gateway.database, size, seed)
        await gateway.database.tidy()
        yield gateway


def _count_rows(conn: Connection) -> int:
    return conn.execute(sa.select(sa.func.count()).select_from(customers)).scalar_one()


async def _measure_condition(gateway: Gateway, name: str, query: CustomerQuery, times: int) -> dict[str, float]:
    """Measure how long its customers are counted, and the first of them read."""
    count = partial(gateway.database.read, partial(count_customers, queries={name: query}))
    rows = search_customers(replace(query, descending=False))
    return {
        f"matches {name}": (await count())[name],
        f"count {name}": await _measure_median(count, times),
        f"list {name}": await _measure_median(
            lambda: gateway.database.read(lambda conn: rows.read_page(conn, Window(size=PAGE_SIZE))), times
        ),
    }


async def _measure_request(client: Client, text: str, times: int, **variables: Any) -> tuple[float, float]:
    """Measure the median in milliseconds, and the number of statements."""
    request = partial(client.query, text, **variables)
    seconds = await _measure_median(request, times)
    with record_statements() as seen:
        await request()
    return seconds, len(seen)


async def _measure_median(work: Callable[[], Awaitable[object]], times: int) -> float:
    """Measure the median in milliseconds, after some runs."""
    await time_runs(work, WARMING)
    return median(await time_runs(work, times)) * 1000
