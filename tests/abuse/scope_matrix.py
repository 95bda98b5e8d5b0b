"""The scope matrix: what each principal gets of every field and node.

It is generated from the schema and from requests to a gateway, and committed as `scope_matrix.txt`. A new field fails
the test until its row is added, which is a decision that a reviewer sees: `python -m tests.abuse.scope_matrix`.
"""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from graphql import GraphQLField, GraphQLObjectType, get_named_type, is_required_argument

from gateway.execution.caller import ANONYMOUS, Caller
from gateway.execution.context import Context
from gateway.execution.errors import ForbiddenError, UnauthenticatedError
from gateway.execution.fields import Field
from gateway.model.actors import CallerKind
from gateway.sdk.testing import record_builders
from gateway.settings.value_types import SCOPES
from tests.abuse.conftest import SHOP_SCOPES, open_retailer
from tests.databases import create_sqlite_database
from tests.graphql.shopper import Shopper, build_stores
from tests.graphql.world import ADMIN, World, get_schema

SNAPSHOT = Path(__file__).with_name("scope_matrix.txt")
PRINCIPALS: Mapping[str, tuple[str, ...] | None] = {
    "anonymous": None,
    "owner": None,
    "clerk": ("stock:read", "orders:read", "customers:read"),
    "support": ("stock:read", "orders:read", "customers:read", "customers:pii", "catalogue:admin"),
    "partner": ("carts:write", "carts:read", "payments:assert"),
    "shop": tuple(SHOP_SCOPES),
    "admin": SCOPES,
}
"""Scopes by principal. The owner has no token, and has presented that of the order or cart. The shop acts in Leeds."""

NODE_PRINCIPALS = [name for name in PRINCIPALS if name != "owner"]

SECRETS = {name: f"{name}-secret" for name, scopes in PRINCIPALS.items() if scopes is not None} | {"admin": ADMIN}
TOKENS = {
    name: {
        "token": SECRETS[name],
        "scopes": list(scopes),
        **({"kind": "ADMIN"} if name == "admin" else {}),
        **({"locations": ["leeds"]} if name == "shop" else {}),
    }
    for name, scopes in PRINCIPALS.items()
    if scopes is not None
}
REQUIRED_ARGUMENTS = {
    "search": 'search: "tea"',
    "locationKey": 'locationKey: "london"',
    "types": "types: [PRODUCT, STOCK]",
}
LOYALTY = {"since": datetime(2025, 1, 1, tzinfo=UTC), "rates": {"GBP": "1"}}
OWNERS = {"LoyaltyAccount": ("Customer", "loyalty")}
"""Types that are no nodes: the type of the object that has one, and its field."""

PARTS = {
    "nodes": "nodes { __typename }",
    "edges": "edges { cursor }",
    "totalCount": "totalCount totalCountPrecision",
    "pageInfo": "pageInfo { endCursor }",
}
"""What a connection tells. Each part is selected alone: one may tell what another hides."""

SHOWN, NULL, DENIED = "shown", "null", "-"

IDS = """query ($cart: String!, $order: String!) {
  products(first: 1) { nodes { id variants(first: 1) { nodes { id listings { id } } } } }
  channels { id } locations(first: 1) { nodes { id } } categories(first: 1) { nodes { id } }
  customers(first: 1) { nodes { id identities(first: 1) { nodes { id } } } }
  stockLevels(locationKey: "london", first: 1, filter: {skus: ["MUG"]}) { nodes { id } }
  stocks: products(first: 1) { nodes { variants(first: 1) { nodes { stock { id } } } } }
  syncRejects(first: 1) { nodes { id } } outboxEntries(first: 1) { nodes { id } } apiTokens(first: 1) { nodes { id } }
  auditEntries(first: 1) { nodes { id } } documents(first: 1) { nodes { id } }
  cart(token: $cart) { id lines { id } }
  order(by: {accessToken: $order}) {
    id lines(first: 1) { nodes { id } } fulfillments { id } payments { id } events(first: 1) { nodes { id } }
    channelOrders { id }
  }
}"""


@contextlib.asynccontextmanager
async def open_matrix_world(url: str, **tables: Any) -> AsyncIterator[World]:
    """Open the gateway of the matrix: with a token for each principal, and a category that anyone sees."""
    stores = build_stores()
    zester = record_builders.build_product("zester", title="Zester", sku="ZESTER", category=["Accessories"])
    stores["web"].put("products", zester)
    async with open_retailer(url, stores, tokens=TOKENS, loyalty=LOYALTY, **tables) as world:
        yield world


def render_fields() -> Iterator[str]:
    """Render a line for every field of every type: which principals pass the guards of the type and of the field."""
    for name, named in sorted(get_schema().type_map.items()):
        if not isinstance(named, GraphQLObjectType) or name.startswith("__"):
            continue
        for key, field in named.fields.items():
            definition = field.extensions["strawberry-definition"]
            assert isinstance(definition, Field)
            cells = [SHOWN if _is_shown(named, definition, principal) else DENIED for principal in PRINCIPALS]
            yield f"field {name}.{key}: {_join(PRINCIPALS, cells)}"


def _is_shown(named: GraphQLObjectType, field: Field, principal: str) -> bool:
    gateway: Any = SimpleNamespace(now=lambda: None)
    context: Any = Context(gateway, _build_caller(principal), "request")
    model = getattr(named.extensions["strawberry-definition"].origin, "__model__", None)
    value = SimpleNamespace() if model is None else object.__new__(model)
    if principal == "owner":
        context.is_own = lambda _about: True
    try:
        if named.is_type_of is not None and named.name not in ("Query", "Mutation"):
            named.is_type_of(value, SimpleNamespace(context=context))  # type: ignore[arg-type]
        context.require(field.scopes, value)
    except (ForbiddenError, UnauthenticatedError):
        return False
    return True


def _build_caller(principal: str) -> Caller:
    scopes = PRINCIPALS[principal]
    return ANONYMOUS if scopes is None else Caller(CallerKind.STAFF, scopes, name=principal)


async def render_nodes(world: World) -> list[str]:
    """Render a line for every type of nodes: what each principal gets by `node`, and by `nodes` if that differs."""
    ids, _ = await find_ids(world)
    lines = []
    for name, id_ in sorted(ids.items()):
        cells = [await _ask_for_node(world, principal, id_) for principal in NODE_PRINCIPALS]
        lines.append(f"node {name}: {_join(NODE_PRINCIPALS, cells)}")
    return lines


async def find_ids(world: World) -> tuple[dict[str, str], dict[str, str]]:
    """Find the ID of a node of each type, and the tokens of a cart and an order."""
    shopper = Shopper(world)
    await shopper.fill("web", MUG=1)
    placed = await shopper.buy(await shopper.find_option("SHIPPING", "depot"))
    await shopper.fill("web", MUG=1)
    given = {"cart": shopper.cart["token"], "order": placed["order"]["accessToken"]}
    found = await world.client.fetch_data(IDS, ADMIN, **given)
    query = "query ($ids: [ID!]!) { nodes(ids: $ids) { id __typename } }"
    nodes = await world.client.fetch_data(query, ADMIN, ids=sorted(_collect_ids(found)))
    ids = {node["__typename"]: node["id"] for node in nodes["nodes"] if node is not None}
    return ids, {"token": given["cart"], "cartToken": given["cart"], "accessToken": given["order"]}


def _collect_ids(value: Any) -> set[str]:
    if isinstance(value, dict):
        own = {value["id"]} if "id" in value else set()
        return own.union(*map(_collect_ids, value.values()))
    return set().union(*map(_collect_ids, value)) if isinstance(value, list) else set()


async def _ask_for_node(world: World, principal: str, id_: str) -> str:
    outcomes = []
    for field, name in (("node(id: $id)", "node"), ("nodes(ids: [$id])", "nodes")):
        answer = await world.client.ask(f"query ($id: ID!) {{ {field} {{ id }} }}", SECRETS.get(principal), id=id_)
        data = (answer.body.get("data") or {}).get(name)
        outcomes.append(SHOWN if data not in (None, [None]) else (answer.codes or [NULL])[0])
    return outcomes[0] if outcomes[0] == outcomes[1] else "/".join(outcomes)


async def render_connections(world: World) -> list[str]:
    """Render a line for every connection: what each principal gets of its nodes, cursors, count and page info."""
    (ids, _), lines = await find_ids(world), []
    for parent, name, field in _list_connections():
        query = _build_connection_query(parent, name, field)
        id_ = ids.get(OWNERS[parent][0] if parent in OWNERS else parent)
        cells = [await _ask_for_connection(world, principal, query, id_) for principal in NODE_PRINCIPALS]
        lines.append(f"connection {parent}.{name}: {_join(NODE_PRINCIPALS, cells)}")
    return lines


def _list_connections() -> Iterator[tuple[str, str, GraphQLField]]:
    """List the fields that are connections, with the names of their types."""
    for name, named in sorted(get_schema().type_map.items()):
        if isinstance(named, GraphQLObjectType) and not name.startswith("__"):
            for key, field in named.fields.items():
                if get_named_type(field.type).name.endswith("Connection"):
                    yield name, key, field


def _build_connection_query(parent: str, name: str, field: GraphQLField) -> str:
    """Build a query that selects each part of a connection under its own alias."""
    required = [key for key, argument in field.args.items() if is_required_argument(argument)]
    arguments = ", ".join(["first: 1", *(REQUIRED_ARGUMENTS[key] for key in required)])
    offered: Any = get_named_type(field.type)
    selected = " ".join(
        f"{alias}: {name}({arguments}) {{ {part} }}" for alias, part in PARTS.items() if alias in offered.fields
    )
    if parent == "Query":
        return f"{{ {selected} }}"
    if parent in OWNERS:
        parent, selected = OWNERS[parent][0], f"{OWNERS[parent][1]} {{ {selected} }}"
    return f"query ($id: ID!) {{ node(id: $id) {{ ... on {parent} {{ {selected} }} }} }}"


async def _ask_for_connection(world: World, principal: str, query: str, id_: str | None) -> str:
    """Ask for all parts of a connection. Returns the outcome of each part, or one if all are the same."""
    answer = await world.client.ask(query, SECRETS.get(principal), **({} if id_ is None else {"id": id_}))
    data = answer.body.get("data") or {}
    parts = data if id_ is None else data.get("node")
    if parts and set(parts) <= {field for _, field in OWNERS.values()}:
        (parts,) = parts.values()
    if not parts:
        return (answer.codes or [NULL])[0]
    codes = {error["path"][-1]: error["extensions"]["code"] for error in answer.body.get("errors", ())}
    outcomes = [codes.get(alias) or (NULL if value is None else SHOWN) for alias, value in parts.items()]
    return outcomes[0] if len(set(outcomes)) == 1 else "/".join(outcomes)


def _join(principals: Iterable[str], cells: Iterable[str]) -> str:
    return " ".join(f"{principal}={cell}" for principal, cell in zip(principals, cells, strict=True))


async def render_matrix(world: World) -> str:
    """Render the whole matrix."""
    lines = [*render_fields(), *await render_nodes(world), *await render_connections(world)]
    return "\n".join(lines) + "\n"


async def _write_snapshot() -> None:
    with tempfile.TemporaryDirectory() as folder:
        url = create_sqlite_database(Path(folder) / "gateway.db")
        async with open_matrix_world(url) as world:
            SNAPSHOT.write_text(await render_matrix(world), encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(_write_snapshot())
