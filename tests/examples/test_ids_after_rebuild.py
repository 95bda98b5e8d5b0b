"""The demo's three channels, read twice from nothing in different orders: the second database answers every ID and
handle that the first one ever gave, with the same thing (rules H1 and H2).
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from examples.demo.__main__ import DATA
from examples.demo.channels import Sandboxes, build_worlds, start_sandboxes
from examples.demo.gateway_process import CONFIG, build_environment
from examples.demo.retail import read_receipts
from gateway.model.ids import GlobalId
from gateway.runtime.gateway import Gateway, open_gateway
from gateway.sdk.testing.sandbox import World
from gateway.settings.loading import load
from gateway.storage.sql.bulk import slice_items
from gateway.sync.scheduler import run_channel
from tests.graphql.world import Client, open_client

pytestmark = [pytest.mark.anyio, pytest.mark.long, pytest.mark.any_database]

ARTICLES = 400
"""Of the thousands in the data: neighbors, so that the colors and patterns of one product are among them."""

RATE_SCALE, TOKEN, PAGE = 1000.0, "demo-admin", 100
CHANNELS = ("till", "web", "amazon")
PARTS = {
    "products": "handle category { id handle ancestors { id handle } } collections(first: 5) { nodes { id handle } }",
    "productVariants": "__typename",
    "listings": "__typename",
    "collections": "handle",
    "categories": "handle",
}
LISTINGS = "listings { channel { key } externalId }"
PRODUCT = f"title brand variants {{ nodes {{ {LISTINGS} }} }}"
NODES = f"""query ($ids: [ID!]!) {{ nodes(ids: $ids) {{ __typename ... on Product {{ {PRODUCT} }}
  ... on ProductVariant {{ title {LISTINGS} }} ... on Listing {{ channel {{ key }} externalId }}
  ... on Category {{ title ancestors {{ title }} }} ... on Collection {{ content {{ title }} }} }} }}"""
FIELDS = {
    "Product": f"product(by: {{handle: $handle}}) {{ {PRODUCT} }}",
    "Category": "category(handle: $handle) { title ancestors { title } }",
    "Collection": 'collection(handle: $handle, channelKey: "web") { content { title } }',
}


@pytest.fixture(scope="module")
def worlds() -> Mapping[str, World]:
    lines = read_receipts(DATA)
    chosen = set(sorted({line.code for line in lines})[:ARTICLES])
    return build_worlds([line for line in lines if line.code in chosen])


@contextlib.asynccontextmanager
async def open_demo(url: str, sandboxes: Sandboxes) -> AsyncIterator[tuple[Gateway, Client]]:
    """Open a gateway with the demo's configuration on this database."""
    environment = {**sandboxes.environment, **build_environment(Path("gateway.db"), 8123), "DEMO_DATABASE": url}
    async with open_gateway(load(CONFIG, environment)) as gateway, open_client(gateway) as client:
        gateway.write_throttle.gap = 0
        yield gateway, client


async def list_nodes(client: Client, root: str) -> list[Any]:
    """List all nodes of a connection."""
    query = f"query ($after: String) {{ {root}(first: {PAGE}, after: $after) {{ nodes {{ id {PARTS[root]} }} pageInfo "
    nodes: list[Any] = []
    page: dict[str, Any] = {"endCursor": None, "hasNextPage": True}
    while page["hasNextPage"]:
        data = await client.fetch_data(query + "{ endCursor hasNextPage } } }", TOKEN, after=page["endCursor"])
        nodes, page = nodes + data[root]["nodes"], data[root]["pageInfo"]
    return nodes


def find_ids(value: Any) -> Iterator[tuple[str, str | None]]:
    """Find all ids in a response, with the handles beside them."""
    if isinstance(value, list):
        for item in value:
            yield from find_ids(item)
    elif isinstance(value, dict):
        if "id" in value:
            yield value["id"], value.get("handle")
        for item in value.values():
            yield from find_ids(item)


async def build(url: str, sandboxes: Sandboxes, order: Sequence[str]) -> set[tuple[str, str | None]]:
    """Read the channels one after the other, and return all ids and handles that clients can have seen meanwhile."""
    seen: set[tuple[str, str | None]] = set()
    async with open_demo(url, sandboxes) as (gateway, client):
        for channel in order:
            await run_channel(gateway.channel_syncs[channel], gateway.process_id)
            for root in PARTS:
                seen.update(find_ids(await list_nodes(client, root)))
        await gateway.run_due()
    return seen


def describe(node: Any) -> Any:
    """Describe what was found, without an order of its parts."""
    if isinstance(node, dict):
        return frozenset((name, describe(value)) for name, value in node.items())
    return frozenset(Counter(map(describe, node)).items()) if isinstance(node, list) else node


async def answer(url: str, sandboxes: Sandboxes, seen: set[tuple[str, str | None]]) -> dict[tuple[str, str], Any]:
    """Answer ids and handles, by their type and text."""
    answers: dict[tuple[str, str], Any] = {}
    types = {id_: GlobalId.parse(id_).type for id_, _ in seen}
    async with open_demo(url, sandboxes) as (_, client):
        for ids in slice_items(sorted(types), PAGE):
            nodes = (await client.fetch_data(NODES, TOKEN, ids=ids))["nodes"]
            answers |= {(types[id_], id_): describe(node) for id_, node in zip(ids, nodes, strict=True)}
        for type_, handle in sorted({(types[id_], handle) for id_, handle in seen if handle is not None}):
            query = f"query ($handle: String!) {{ found: {FIELDS[type_]} }}"
            answers[type_, handle] = describe((await client.fetch_data(query, TOKEN, handle=handle))["found"])
    return answers


async def test_the_demo_built_anew_answers_every_id_and_handle(
    database_url: str, tmp_path: Path, worlds: Mapping[str, World]
) -> None:
    later = f"sqlite:///{tmp_path / 'later.db'}"
    async with start_sandboxes(worlds, tmp_path, scales=(RATE_SCALE, RATE_SCALE)) as sandboxes:
        seen = await build(database_url, sandboxes, CHANNELS)
        present = await build(later, sandboxes, CHANNELS[::-1])
        former, anew = [await answer(url, sandboxes, seen) for url in (database_url, later)]
    assert [key for key, found in anew.items() if found is None] == []
    assert {key: found for key, found in anew.items() if found != former[key]} == {}
    assert {type_ for type_, _ in anew} == {"Product", "ProductVariant", "Listing", "Category", "Collection"}
    assert len(seen) > ARTICLES and seen - present, "some ids were given in the first database only"
