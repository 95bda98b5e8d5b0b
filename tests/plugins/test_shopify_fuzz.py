"""The sandbox of a store answers every document as an API does: never with a failure of its own, nor with its code."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path
from typing import Any

import pytest
from graphql import GraphQLSchema

from gateway_shopify_sandbox import resolvers
from gateway_shopify_sandbox.api import load_sandbox_schema
from gateway_shopify_sandbox.resolvers import IDEMPOTENT_MUTATIONS
from tests.conftest import TORTURE
from tests.plugins.random_documents import TEXTS, DocumentGenerator
from tests.plugins.shopify_client import StoreClient, open_store
from tests.plugins.shopify_specs import find_introspection, load_introspection

pytestmark = pytest.mark.anyio

OUR_CODE = re.compile(r"Traceback|\.py\b|gateway_|Error\(|NoneType|object at 0x|positional argument|unexpected keyword")
ODD_IDS = ("", "1", "gid://shopify/Order/x", "gid://shopify/Order/-1", "gid://shopify/Nothing/1", "gid://shopify/Job/1")
DESCRIBED = find_introspection()


KINDS = {
    "variantId": "ProductVariant",
    "locationId": "Location",
    "newLocationId": "Location",
    "inventoryItemId": "InventoryItem",
    "orderId": "Order",
    "lineItemId": "LineItem",
    "fulfillmentOrderId": "FulfillmentOrder",
}
"""Kinds of nodes, by the argument or field that names one."""


def pick_id(store: StoreClient, dice: random.Random, name: str) -> str:
    """Pick the ID of a node that fits, of another one, or of nothing."""
    if dice.random() < 0.06:
        return dice.choice((*ODD_IDS, *TEXTS))
    usual = [KINDS.get(name, "Order"), KINDS.get(name, "FulfillmentOrder"), KINDS.get(name, "CalculatedOrder")]
    there = [kind for kind, nodes in store.shop.nodes.items() if nodes]
    kinds = ([kind for kind in usual if kind in there] if dice.random() < 0.8 else []) or there
    if dice.random() < 0.1:
        return f"gid://shopify/{dice.choice(kinds)}/{dice.randrange(10**6)}"
    return str(dice.choice(list(store.shop.nodes[dice.choice(kinds)].values()))["id"])


async def send_documents(store: StoreClient, schema: GraphQLSchema, seed: int, count: int) -> int:
    """Send documents at random, check each response, and return how many had data."""
    dice = random.Random(seed)
    generator, succeeded = DocumentGenerator(schema, dice, lambda name: pick_id(store, dice, name)), 0
    for number in range(count):
        generator.directives = dict.fromkeys(IDEMPOTENT_MUTATIONS, f'@idempotent(key: "{number}")')
        query, variables = generator.build()
        response = await store.post({"query": query, "variables": variables})
        assert store.sandbox.api.internal_errors == [], (query, variables)
        succeeded += check_response(response, query, variables)
    return succeeded


def check_response(response: Any, query: str, variables: dict[str, Any]) -> bool:
    """Check that a response is one of an API, and return whether it has data."""
    assert response.status_code in (200, 400), (response.status_code, query, variables)
    body = response.json()
    assert not OUR_CODE.search(json.dumps(body)), (body, query, variables)
    assert set(body) <= {"data", "errors", "extensions"} and ("data" in body or body["errors"])
    assert "INTERNAL_SERVER_ERROR" not in response.text
    return "errors" not in body


@pytest.mark.parametrize(("seed", "count"), [(1, 80), pytest.param(2, 4_000, marks=pytest.mark.long)])
async def test_no_document_makes_the_sandbox_fail(tmp_path: Path, seed: int, count: int) -> None:
    async with open_store(tmp_path, scale=10**6) as store:
        for _ in range(5):
            await store.sandbox.sell("TEA-1", 2, "london")
        succeeded = await send_documents(store, load_sandbox_schema(), seed, count)
        made = {kind: len(store.shop.list_nodes(kind)) for kind in ("Order", "CalculatedOrder")}
    assert succeeded > count / 4
    assert count < 1_000 or (made["Order"] > 6 and made["CalculatedOrder"]), made  # 6 were there before


@pytest.mark.long
@pytest.mark.skipif(DESCRIBED is None, reason="the vendors' specifications are not here (VENDOR_SPECS)")
async def test_no_document_of_the_vendors_whole_schema_makes_the_sandbox_fail(tmp_path: Path) -> None:
    assert DESCRIBED is not None
    async with open_store(tmp_path, scale=10**6) as store:
        await send_documents(store, load_introspection(DESCRIBED), 3, 5_000 if TORTURE else 250)


async def test_the_proof_a_failure_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolvers, "build_page", None)
    async with open_store(tmp_path, scale=10**6) as store:
        with pytest.raises(AssertionError):
            await send_documents(store, load_sandbox_schema(), 1, 80)
