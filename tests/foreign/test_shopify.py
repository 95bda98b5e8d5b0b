"""Clients of Shopify's API by other authors work with the sandbox, each with its own retries and verifiers.

`make foreign-shopify` installs them. Without them, the tests are skipped by name.
"""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.sdk.testing.sandbox_server import Server
from gateway_shopify_sandbox.oauth import SCOPES
from gateway_shopify_sandbox.sandbox import CLIENT_ID, DOMAIN, SECRET, TOKEN
from gateway_shopify_sandbox.state import API_VERSION
from tests.plugins.shopify import build_products, build_world
from tests.plugins.shopify_client import StoreClient, open_store

pytestmark = [pytest.mark.anyio, pytest.mark.long]

ROOT, HERE = Path(__file__).parents[2], Path(__file__).parent / "shopify"
PYTHON, PACKAGES = ROOT / ".venv" / "foreign-shopify" / "bin" / "python", HERE / "node_modules"
LIST = """query ($first: Int!, $after: String) {
  products(first: $first, after: $after) { nodes { id } pageInfo { hasNextPage endCursor } }
}"""
WRITE = """mutation ($input: InventoryAdjustQuantitiesInput!, $key: String!) {
  inventoryAdjustQuantities(input: $input) @idempotent(key: $key) {
    inventoryAdjustmentGroup { id } userErrors { code field message }
  }
}"""
WITH_RETRIES, WITH_TOKEN, WITH_WEBHOOKS = "retries", "token", "webhooks"


@dataclass(frozen=True)
class ForeignClient:
    """A client: its package and script, what it can do, and how wrong requests fail in it."""

    package: str
    script: str
    able: tuple[str, ...]
    errors: Mapping[str, str]
    throttled: str

    def find_command(self) -> list[str]:
        """Return the command that runs the script; skip the test if the package is not installed."""
        node = shutil.which("node")
        if self.script.endswith(".mjs"):
            if node is None or not (PACKAGES / self.package).is_dir():
                pytest.skip(f"npm: {self.package} is not installed (make foreign-shopify)")
            return [node, str(HERE / self.script)]
        if not PYTHON.exists():
            pytest.skip(f"PyPI: {self.package} is not installed (make foreign-shopify)")
        return [str(PYTHON), str(HERE / self.script)]


CLIENTS = (
    ForeignClient(
        "@shopify/admin-api-client",
        "admin_api_client.mjs",
        (WITH_RETRIES,),
        {
            "token": "401",
            "version": "404",
            "document": "200 Cannot query field 'nothing' on type 'QueryRoot'.",
            "identity": "200 RESOURCE_NOT_FOUND",
        },
        "200 THROTTLED",
    ),
    ForeignClient(
        "@shopify/shopify-api",
        "shopify_api.mjs",
        (WITH_RETRIES, WITH_TOKEN, WITH_WEBHOOKS),
        {
            "token": "HttpResponseError 401",
            "version": "HttpResponseError 404",
            "document": "GraphqlQueryError 1",
            "identity": "GraphqlQueryError 1",
        },
        "GraphqlQueryError 1",
    ),
    ForeignClient(
        "ShopifyAPI",
        "shopifyapi_client.py",
        (WITH_TOKEN,),
        {
            "token": "HTTPError 401",
            "version": "HTTPError 404",
            "document": "Cannot query field 'nothing' on type 'QueryRoot'.",
            "identity": "RESOURCE_NOT_FOUND",
        },
        "THROTTLED",
    ),
    ForeignClient(
        "shopifyapp",
        "shopifyapp_client.py",
        (WITH_RETRIES, WITH_TOKEN, WITH_WEBHOOKS),
        {
            "token": "unauthorized",
            "version": "http_error_404",
            "document": "graphql_errors",
            "identity": "graphql_errors",
        },
        "graphql_errors",
    ),
)


def run_for(need: str | None = None) -> pytest.MarkDecorator:
    """Run a test for every client that is able to do something."""
    able = [client for client in CLIENTS if need is None or need in client.able]
    return pytest.mark.parametrize("client", able, ids=[client.package for client in able])


async def run_step(client: ForeignClient, store: StoreClient, step: str, **more: Any) -> Any:
    """Run a step of a client's script against the store, and return what it printed."""
    account = {
        "step": step,
        "address": store.sandbox.config["address"],
        "shop": DOMAIN,
        "token": TOKEN,
        "version": API_VERSION,
        "client_id": CLIENT_ID,
        "secret": SECRET,
        "list": {"query": LIST, "variables": {"first": 2}},
        **more,
    }
    pipe = asyncio.subprocess.PIPE
    command = [*client.find_command(), json.dumps(account)]
    process = await asyncio.create_subprocess_exec(*command, cwd=HERE, stdout=pipe, stderr=pipe)
    output, complaint = await process.communicate()
    assert process.returncode == 0, complaint.decode(errors="replace")
    return json.loads(output.splitlines()[-1])


@run_for(WITH_TOKEN)
async def test_a_foreign_client_gets_a_token(tmp_path: Path, client: ForeignClient) -> None:
    async with open_store(tmp_path) as store:
        found = await run_step(client, store, "token")
    assert found.pop("token") == TOKEN
    assert found in ({"scope": SCOPES}, {"state": "state-1", "forged": False})


@run_for()
async def test_a_foreign_client_pages_to_the_end(tmp_path: Path, client: ForeignClient) -> None:
    async with open_store(tmp_path, build_world(build_products(4))) as store:
        found = await run_step(client, store, "list")
        assert found == [node["id"] for node in store.shop.list_nodes("Product")] and len(found) == 7


@run_for()
async def test_a_foreign_client_writes(tmp_path: Path, client: ForeignClient) -> None:
    async with open_store(tmp_path) as store:
        level = {"inventoryItemId": store.get_variant("TEA-1")["inventoryItem"]["id"], "changeFromQuantity": 12}
        change = {**level, "locationId": f"gid://shopify/Location/{store.sandbox.locations['london']}", "delta": -2}
        given = {"name": "available", "reason": "correction", "changes": [change]}
        write = {"query": WRITE, "variables": {"input": given, "key": "once"}}
        first, again = [await run_step(client, store, "write", write=write) for _ in range(2)]
        assert first == again and first["userErrors"] == [] and first["inventoryAdjustmentGroup"]["id"]
        assert store.get_counts("TEA-1", "london") == {"available": 10, "on_hand": 10}


async def receive_delivery(store: StoreClient) -> dict[str, Any]:
    """Receive a webhook about a new order."""
    received: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def receive(request: Request) -> Response:
        received.put_nowait({"headers": dict(request.headers), "body": (await request.body()).decode()})
        return Response()

    receiver = Server(Starlette(routes=[Route("/webhooks", receive, methods=["POST"])]), None)
    await receiver.open()
    try:
        store.sandbox.subscribe(f"http://127.0.0.1:{receiver.port}/webhooks")
        await store.sandbox.sell("TEA-1", 1, "london")
        await store.sandbox.deliveries.wait_until_sent()
        deliveries = [received.get_nowait() for _ in range(received.qsize())]
        return next(one for one in deliveries if one["headers"]["x-shopify-topic"] == "orders/create")
    finally:
        await receiver.close()


@run_for(WITH_WEBHOOKS)
async def test_a_webhook_passes_the_verifier_of_a_foreign_client(tmp_path: Path, client: ForeignClient) -> None:
    async with open_store(tmp_path) as store:
        found = await run_step(client, store, "webhook", delivery=await receive_delivery(store))
    described = {"topic": "ORDERS_CREATE", "domain": DOMAIN, "apiVersion": API_VERSION}
    assert (found["genuine"], found["forged"]) in (
        (described, {"reason": "invalid_hmac"}),
        ("verified", "invalid_hmac"),
    )


@run_for(WITH_RETRIES)
async def test_a_foreign_client_that_is_throttled_tries_again(tmp_path: Path, client: ForeignClient) -> None:
    async with open_store(tmp_path) as store:
        store.sandbox.behavior.rejected_requests = 1
        assert await run_step(client, store, "throttle") == {"currencyCode": "GBP"}
        assert store.sandbox.behavior.rejected_requests == 0


@run_for()
async def test_wrong_requests_have_the_errors_of_a_foreign_client(tmp_path: Path, client: ForeignClient) -> None:
    async with open_store(tmp_path) as store:
        assert await run_step(client, store, "errors") == client.errors


@run_for()
async def test_an_empty_cost_bucket_is_an_error_of_the_query(tmp_path: Path, client: ForeignClient) -> None:
    async with open_store(tmp_path) as store:
        await store.sandbox.fault("throttle")
        assert await run_step(client, store, "exhausted") == {"throttled": client.throttled}
