"""ShopifyAPI: gets a token, pages, writes and fails, and prints what it got as JSON. It has no retry of its own, and no
verifier of webhooks. Argument: the store and the step, as JSON.
"""

from __future__ import annotations

import contextlib
import http.client
import io
import json
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import shopify  # type: ignore[import-not-found, unused-ignore]

STORE = json.loads(sys.argv[1])
SHOP = "{ shop { currencyCode } }"


class SandboxHandler(urllib.request.HTTPSHandler):
    """Sends requests for the store to the sandbox: the library knows the store's own domain only."""

    def send(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        req.host = urlsplit(STORE["address"]).netloc
        return self.do_open(http.client.HTTPConnection, req)

    https_open = send


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """Returns redirects as they are."""

    def redirect_request(self, *_: Any) -> None:
        return None


def execute(query: str, variables: Any = None, token: str | None = None, version: str | None = None) -> Any:
    """Execute a document and return the response."""
    session = shopify.Session(STORE["shop"], version or STORE["version"], token or STORE["token"])
    shopify.ShopifyResource.activate_session(session)
    return json.loads(shopify.GraphQL().execute(query, variables))


def fail(query: str, **access: str) -> str:
    """Execute a document that fails, and describe how."""
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            error = execute(query, **access)["errors"][0]
    except urllib.error.HTTPError as refusal:
        return f"{type(refusal).__name__} {refusal.code}"
    return str(error.get("extensions", {}).get("code", error["message"]))


def get_token() -> Any:
    """Let the merchant approve, and exchange the code of the redirect for a token."""
    shopify.Session.setup(api_key=STORE["client_id"], secret=STORE["secret"])
    session = shopify.Session(STORE["shop"], STORE["version"])
    url = session.create_permission_url(["read_orders"], "https://app.example.com/callback", "state-1")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), SandboxHandler, NoRedirect)
    try:
        opener.open(url)
        raise AssertionError("the store does not redirect to the app")
    except urllib.error.HTTPError as redirect:
        params = dict(parse_qsl(urlsplit(redirect.headers["location"]).query))
    token = session.request_token(params)
    forged = shopify.Session.validate_params({**params, "shop": "other.myshopify.com"})
    return {"token": token, "state": params["state"], "forged": forged}


def list_all() -> list[str]:
    """Page to the end."""
    ids, after = [], None
    while True:
        query = STORE["list"]
        products = execute(query["query"], {**query["variables"], "after": after})["data"]["products"]
        ids += [node["id"] for node in products["nodes"]]
        if not products["pageInfo"]["hasNextPage"]:
            return ids
        after = products["pageInfo"]["endCursor"]


def list_errors() -> dict[str, str]:
    """Describe how wrong requests fail."""
    return {
        "token": fail(SHOP, token="shpat_other"),
        "version": fail(SHOP, version="2020-01"),
        "document": fail("{ nothing }"),
        "identity": fail('{ order(id: "gid://shopify/Product/1") { id } }'),
    }


STEPS: Mapping[str, Callable[[], Any]] = {
    "token": get_token,
    "list": list_all,
    "write": lambda: execute(**STORE["write"])["data"]["inventoryAdjustQuantities"],
    "errors": list_errors,
    "exhausted": lambda: {"throttled": fail(SHOP)},
}

urllib.request.install_opener(urllib.request.build_opener(urllib.request.ProxyHandler({}), SandboxHandler))
print(json.dumps(STEPS[STORE["step"]]()))
