"""shopifyapp: gets a token, pages, writes, verifies a webhook, is throttled and fails, and prints what it got as JSON.
Argument: the store and the step, as JSON.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from typing import Any

import httpx  # type: ignore[import-not-found, unused-ignore]
from shopify_app import ShopifyApp  # type: ignore[import-not-found, unused-ignore]

STORE = json.loads(sys.argv[1])
NAME = STORE["shop"].removesuffix(".myshopify.com")
APP = ShopifyApp(client_id=STORE["client_id"], client_secret=STORE["secret"])
SHOP = "{ shop { currencyCode } }"


class SandboxTransport(httpx.HTTPTransport):  # type: ignore[misc, unused-ignore]
    """Sends requests for the store to the sandbox: the library knows the store's own domain only."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.url = httpx.URL(STORE["address"]).copy_with(raw_path=request.url.raw_path)
        return super().handle_request(request)


CLIENT = httpx.Client(transport=SandboxTransport())


def request(query: str, variables: Any = None, token: str | None = None, version: str | None = None) -> Any:
    """Execute a document and return the library's result."""
    return APP.admin_graphql_request(
        query,
        shop=NAME,
        access_token=token or STORE["token"],
        api_version=version or STORE["version"],
        variables=variables,
        http_client=CLIENT,
    )


def execute(query: str, variables: Any = None) -> Any:
    """Execute a document that succeeds."""
    result = request(query, variables)
    assert result.ok, result.log
    return result.data


def get_token() -> Any:
    """Get a token with the credentials of the app."""
    result = APP.exchange_using_client_credentials(NAME, http_client=CLIENT)
    assert result.access_token is not None, result.log
    return {"token": result.access_token.token, "scope": result.access_token.scope}


def list_all() -> list[str]:
    """Page to the end."""
    ids, after = [], None
    while True:
        products = execute(STORE["list"]["query"], {**STORE["list"]["variables"], "after": after})["products"]
        ids += [node["id"] for node in products["nodes"]]
        if not products["pageInfo"]["hasNextPage"]:
            return ids
        after = products["pageInfo"]["endCursor"]


def verify(body: str) -> str:
    """Verify a webhook with this body."""
    given = {"method": "POST", "url": "/webhooks", "headers": STORE["delivery"]["headers"], "body": body}
    return str(APP.verify_webhook_req(given).log.code)


def list_errors() -> dict[str, str]:
    """Describe how wrong requests fail."""
    return {
        "token": request(SHOP, token="shpat_other").log.code,
        "version": request(SHOP, version="2020-01").log.code,
        "document": request("{ nothing }").log.code,
        "identity": request('{ order(id: "gid://shopify/Product/1") { id } }').log.code,
    }


STEPS: Mapping[str, Callable[[], Any]] = {
    "token": get_token,
    "list": list_all,
    "write": lambda: execute(STORE["write"]["query"], STORE["write"]["variables"])["inventoryAdjustQuantities"],
    "webhook": lambda: {
        "genuine": verify(STORE["delivery"]["body"]),
        "forged": verify(STORE["delivery"]["body"] + " "),
    },
    "throttle": lambda: execute(SHOP)["shop"],
    "errors": list_errors,
    "exhausted": lambda: {"throttled": request(SHOP).log.code},
}

print(json.dumps(STEPS[STORE["step"]]()))
