"""A small retailer behind a real gateway, and a client that queries it over HTTP."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any
from unittest.mock import patch

import httpx2
from graphql import GraphQLSchema

from gateway.app import create_app
from gateway.graphql.schema import create_schema
from gateway.model.ids import GlobalId
from gateway.model.token_secrets import hash_secret
from gateway.runtime.gateway import Gateway
from gateway.sdk.testing import record_builders
from gateway.sdk.testing.memory_channel import MemoryStore
from tests.gateways import Clock, run_gateway
from tests.synced_worlds import SYNCED_WORLDS

STAFF = "staff-secret"
CLERK = "clerk-secret"
ADMIN = "admin-secret"
ACCEPT = {"accept": "application/graphql-response+json"}

TOKENS = {
    "staff": {
        "token": STAFF,
        "scopes": ["stock:read", "orders:read", "customers:read", "customers:pii", "catalogue:admin"],
    },
    "clerk": {"token": CLERK, "scopes": ["stock:read", "orders:read", "customers:read"], "channel": "web"},
    "admin": {"token": ADMIN, "kind": "ADMIN", "scopes": ["*"]},
}
LOCATIONS = {
    "london": {"name": "London", "kind": "STORE", "authority": "till", "channels": {"till": "L", "web": "l-web"}},
    "leeds": {"name": "Leeds", "kind": "STORE", "authority": "till", "channels": {"till": "M"}, "buffer": 2},
    "depot": {"name": "Depot", "kind": "WAREHOUSE", "authority": "web", "channels": {"web": "D"}},
}
GTIN = "04006381333931"
PRODUCTION: Mapping[str, Any] = {
    "server": {"mode": "production"},
    "selling": {"secret": "of-a-test" * 5},
    "tokens": {name: {**table, "token": hash_secret(str(table["token"]))} for name, table in TOKENS.items()},
}
"""Configuration tables of a gateway in production."""


@dataclass(frozen=True)
class Answer:
    """A response of the gateway."""

    status: int
    body: dict[str, Any]

    @property
    def data(self) -> Any:
        assert "errors" not in self.body, self.body["errors"]
        return self.body["data"]

    @property
    def codes(self) -> list[str]:
        return [error["extensions"]["code"] for error in self.body.get("errors", [])]


class Client:
    """Sends GraphQL requests to one gateway."""

    def __init__(self, http: httpx2.AsyncClient) -> None:
        self.http = http

    async def ask(self, query: str, token: str | None = None, **variables: Any) -> Answer:
        headers = ACCEPT if token is None else {**ACCEPT, "authorization": f"Bearer {token}"}
        response = await self.http.post("/graphql", json={"query": query, "variables": variables}, headers=headers)
        return Answer(response.status_code, response.json())

    async def fetch_data(self, query: str, token: str | None = None, **variables: Any) -> Any:
        return (await self.ask(query, token, **variables)).data


@dataclass(frozen=True)
class World:
    """A gateway, its channels, its clock and a client."""

    gateway: Gateway
    stores: Mapping[str, MemoryStore]
    clock: Clock
    client: Client


@cache
def get_schema() -> GraphQLSchema:
    """Return the schema, which is built once per process: it depends on the code alone."""
    return create_schema()


@contextlib.asynccontextmanager
async def open_client(gateway: Gateway) -> AsyncIterator[Client]:
    """Open a client of this gateway."""
    transport = httpx2.ASGITransport(app=create_app(gateway, get_schema()), raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://gateway") as http:
        yield Client(http)


@contextlib.asynccontextmanager
async def open_world(url: str, stores: Mapping[str, MemoryStore], **tables: Any) -> AsyncIterator[World]:
    """Open a gateway over these stores and sync it, or begin where the sync of an equal world ended."""
    clock = Clock()
    document: dict[str, Any] = {
        "tokens": TOKENS,
        "locations": LOCATIONS,
        "catalogue": {"priority": ["web", "till"]},
    } | tables
    document.setdefault("stock", {"default_channel": "till"})
    key = SYNCED_WORLDS.identify(url, stores, document)
    is_synced = await SYNCED_WORLDS.restore(key, url, stores)
    async with run_gateway(url, stores, clock, **document) as gateway, open_client(gateway) as client:
        if is_synced:
            await gateway.check_ready()
        else:
            await gateway.run_due()
            await SYNCED_WORLDS.copy(key, url, stores)
        yield World(gateway, stores, clock, client)


@contextlib.asynccontextmanager
async def open_small_world(url: str, **tables: Any) -> AsyncIterator[World]:
    """Open a gateway over a till with two shops and a web store with a depot."""
    async with open_world(url, {"till": build_till(), "web": build_web_store()}, **tables) as world:
        yield world


@contextlib.contextmanager
def forbid_changes(world: World) -> Iterator[None]:
    """Fail if data is written or the clock is moved in this block, because other tests share this gateway."""
    touched: list[str] = []

    def refuse_change(*touch: object, **_: object) -> None:
        touched.append(str(touch))
        raise AssertionError("this world is shared; mark tests that change it with `writes`")

    with (
        patch.object(world.gateway.database, "write", refuse_change),
        patch.object(world.clock, "forward", refuse_change),
    ):
        yield
    assert touched == [], "this world is shared; mark tests that change it with `writes`"


def build_till() -> MemoryStore:
    store = MemoryStore()
    for row in (
        record_builders.build_product(
            "t-mug", sku="MUG", gtin=GTIN, price="4.50", title="Mug", category=["Kitchen", "Cups"]
        ),
        record_builders.build_product("t-tee", sku="TEE-R", price="12.00", title="Tee red"),
        record_builders.build_product("t-lamp", sku="LAMP", price="30.00", title="Lamp"),
        record_builders.build_product("t-card", sku="CARD", price="2.00", title="Gift card"),
    ):
        store.put("products", row)
    store.change(
        "products",
        "t-card",
        variants=[record_builders.build_variant("t-card", sku="CARD", price="2.00", tracked=False)],
    )
    for item, location, count in (("t-mug", "L", 40), ("t-mug", "M", 3), ("t-tee", "L", -3), ("t-tee", "M", 4)):
        store.put("stock", record_builders.build_stock(item, location, count))
    store.put(
        "customers", record_builders.build_customer("c1", name="Ada Lovelace", email="Ada@example.com", card="77")
    )
    store.put("customers", record_builders.build_customer("c2", name="Grace Hopper"))
    bought = [
        record_builders.build_line("1", "t-mug", 2, "4.50", title="Mug", sku="MUG"),
        record_builders.build_line("2", "gone", 1, "1.00"),
    ]
    store.put("orders", record_builders.build_order("o1", bought, customer="c1", place="L"))
    returned = [record_builders.build_line("1", "t-mug", -1, "4.50", title="Mug")]
    store.put("orders", record_builders.build_order("o2", returned, customer="c1", place="L", reverses="o1"))
    store.put("stock", record_builders.build_stock("half", "L", 0.5))
    return store


def build_web_store() -> MemoryStore:
    store = MemoryStore()
    tee = [
        record_builders.build_variant("w-red", sku="tee-r", price="11.00", title="Red", options={"Color": "Red"}),
        record_builders.build_variant("w-blue", sku="TEE-B", price="11.50", title="Blue", options={"Color": "Blue"}),
    ]
    store.put("products", {"id": "w-tee", "title": "T-shirt", "variants": tee, "brand": "Acme", "tags": ["cotton"]})
    store.put("products", record_builders.build_product("w-mug", gtin=GTIN, price="5.00", title="Mug, white"))
    store.put("stock", record_builders.build_stock("w-blue", "D", 7))
    store.put("stock", record_builders.build_stock("w-red", "D", 1))
    store.put("orders", record_builders.build_order("o1", [record_builders.build_line("1", "w-blue", 1, "11.50")]))
    return store


def build_global_id(type_name: str, *parts: str) -> str:
    return str(GlobalId(type_name, parts))
