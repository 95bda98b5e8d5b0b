"""A small retailer behind a real gateway, and a client that asks it over HTTP."""

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
from gateway.graphql.schema import build
from gateway.model.ids import GlobalId
from gateway.runtime import Gateway
from gateway.sdk.testing import rows
from gateway.sdk.testing.memory import MemoryStore
from tests.house import Clock, running

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


@dataclass(frozen=True)
class Answer:
    """What the gateway answered."""

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
    """Asks one gateway."""

    def __init__(self, http: httpx2.AsyncClient) -> None:
        self.http = http

    async def ask(self, query: str, token: str | None = None, **variables: Any) -> Answer:
        headers = ACCEPT if token is None else {**ACCEPT, "authorization": f"Bearer {token}"}
        response = await self.http.post("/graphql", json={"query": query, "variables": variables}, headers=headers)
        return Answer(response.status_code, response.json())

    async def data(self, query: str, token: str | None = None, **variables: Any) -> Any:
        return (await self.ask(query, token, **variables)).data


@dataclass(frozen=True)
class World:
    """The gateway, its channels and a client."""

    gateway: Gateway
    stores: Mapping[str, MemoryStore]
    clock: Clock
    client: Client


@cache
def schema() -> GraphQLSchema:
    """The schema, built once: it depends on nothing but the code."""
    return build()


@contextlib.asynccontextmanager
async def client_of(gateway: Gateway) -> AsyncIterator[Client]:
    """A client of this gateway."""
    transport = httpx2.ASGITransport(app=create_app(gateway, schema()), raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://gateway") as http:
        yield Client(http)


@contextlib.asynccontextmanager
async def opened(url: str, stores: Mapping[str, MemoryStore], **tables: Any) -> AsyncIterator[World]:
    """A gateway over these stores, synced."""
    clock = Clock()
    document: dict[str, Any] = {
        "tokens": TOKENS,
        "locations": LOCATIONS,
        "catalogue": {"priority": ["web", "till"]},
    } | tables
    document.setdefault("stock", {"default_channel": "till"})
    async with running(url, stores, clock, **document) as gateway, client_of(gateway) as client:
        await gateway.run_due()
        yield World(gateway, stores, clock, client)


@contextlib.asynccontextmanager
async def small_world(url: str, **tables: Any) -> AsyncIterator[World]:
    """A till with two shops, and a web store with a depot."""
    async with opened(url, {"till": till(), "web": web()}, **tables) as world:
        yield world


@contextlib.contextmanager
def untouched(world: World) -> Iterator[None]:
    """Meanwhile nothing is written and the time stands still, because other tests share this world."""
    touched: list[str] = []

    def refused(*touch: object, **_: object) -> None:
        touched.append(str(touch))
        raise AssertionError("this world is shared; a test that changes it is marked with `writes`")

    with patch.object(world.gateway.database, "write", refused), patch.object(world.clock, "forward", refused):
        yield
    assert touched == [], "this world is shared; a test that changes it is marked with `writes`"


def till() -> MemoryStore:
    store = MemoryStore()
    for row in (
        rows.product("t-mug", sku="MUG", gtin=GTIN, price="4.50", title="Mug", category=["Kitchen", "Cups"]),
        rows.product("t-tee", sku="TEE-R", price="12.00", title="Tee red"),
        rows.product("t-lamp", sku="LAMP", price="30.00", title="Lamp"),
        rows.product("t-card", sku="CARD", price="2.00", title="Gift card"),
    ):
        store.put("products", row)
    store.change("products", "t-card", variants=[rows.variant("t-card", sku="CARD", price="2.00", tracked=False)])
    for item, place, count in (("t-mug", "L", 40), ("t-mug", "M", 3), ("t-tee", "L", -3), ("t-tee", "M", 4)):
        store.put("stock", rows.stock(item, place, count))
    store.put("customers", rows.customer("c1", name="Ada Lovelace", email="Ada@example.com", card="77"))
    store.put("customers", rows.customer("c2", name="Grace Hopper"))
    bought = [rows.line("1", "t-mug", 2, "4.50", title="Mug", sku="MUG"), rows.line("2", "gone", 1, "1.00")]
    store.put("orders", rows.order("o1", bought, customer="c1", place="L"))
    returned = [rows.line("1", "t-mug", -1, "4.50", title="Mug")]
    store.put("orders", rows.order("o2", returned, customer="c1", place="L", reverses="o1"))
    store.put("stock", rows.stock("half", "L", 0.5))
    return store


def web() -> MemoryStore:
    store = MemoryStore()
    tee = [
        rows.variant("w-red", sku="tee-r", price="11.00", title="Red", options={"Color": "Red"}),
        rows.variant("w-blue", sku="TEE-B", price="11.50", title="Blue", options={"Color": "Blue"}),
    ]
    store.put("products", {"id": "w-tee", "title": "T-shirt", "variants": tee, "brand": "Acme", "tags": ["cotton"]})
    store.put("products", rows.product("w-mug", gtin=GTIN, price="5.00", title="Mug, white"))
    store.put("stock", rows.stock("w-blue", "D", 7))
    store.put("stock", rows.stock("w-red", "D", 1))
    store.put("orders", rows.order("o1", [rows.line("1", "w-blue", 1, "11.50")]))
    return store


def global_id(type_name: str, *parts: str) -> str:
    return str(GlobalId(type_name, parts))
