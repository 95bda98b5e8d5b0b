"""The sandbox of a seller account answers as Amazon does: also clients that others wrote, and wrong requests."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from gateway_amazon_sandbox import AmazonSandbox, start
from gateway_amazon_sandbox.login import CLIENT_ID, CLIENT_SECRET, REFRESH
from gateway_amazon_sandbox.parameters import PARAMETERS
from gateway_amazon_sandbox.sandbox import SELLER, STORE
from tests.plugins.amazon import START, Clock, build_world
from tests.plugins.amazon_models import find_specs, load_operations

pytestmark = pytest.mark.anyio
SPECS = find_specs()
LISTINGS, ORDERS, FEEDS = f"/listings/2021-08-01/items/{SELLER}", "/orders/2026-01-01/orders", "/feeds/2021-06-30"
TEA, PAIR, LARGE_MUG = "TEA-1", "MUG-1-PAIR", "MUG, LARGE/1"
FBA_QUERY = {"granularityType": "Marketplace", "granularityId": STORE, "marketplaceIds": STORE}
LOGIN = {
    "grant_type": "refresh_token",
    "refresh_token": REFRESH,
    "client_id": CLIENT_ID,
    "client_secret": CLIENT_SECRET,
}
XML = "text/xml; charset=UTF-8"


@dataclass
class Account:
    """A sandbox, and a client that is logged in."""

    sandbox: AmazonSandbox
    clock: Clock
    http: httpx2.AsyncClient
    headers: dict[str, str] = field(default_factory=dict)

    async def log_in(self) -> None:
        answer = await self.http.post("/auth/o2/token", data=LOGIN)
        self.headers["x-amz-access-token"] = answer.json()["access_token"]

    async def request(self, method: str, path: str, **options: Any) -> httpx2.Response:
        return await self.http.request(method, path, headers=self.headers, **options)

    async def get(self, path: str, query: Mapping[str, str] | None = None) -> Any:
        """Return the answer to a valid request."""
        answer = await self.request("GET", path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def reject(self, method: str, path: str, **options: Any) -> str:
        """Return the message of a request that is rejected as invalid."""
        answer = await self.request(method, path, **options)
        assert (answer.status_code, answer.headers["content-type"]) == (400, "application/json"), answer.text
        (error,) = answer.json()["errors"]
        assert error["code"] == "InvalidInput" and answer.headers["x-amzn-requestid"]
        return str(error["message"])

    async def search(self, **query: str) -> set[str]:
        """Return the SKUs of a search."""
        answer = await self.get(LISTINGS, {"marketplaceIds": STORE, "sortBy": "sku", "sortOrder": "ASC", **query})
        assert answer["numberOfResults"] == len(answer["items"])
        return {item["sku"] for item in answer["items"]}

    async def patch(self, quantity: Any, sku: str = TEA, op: str = "merge", **query: str) -> Any:
        """Patch the quantity of a listing and return the answer."""
        value = [{"fulfillment_channel_code": "DEFAULT", "quantity": quantity}]
        patches = [{"op": op, "path": "/attributes/fulfillment_availability", "value": value}]
        body = {"productType": "PRODUCT", "patches": patches}
        answer = await self.request("PATCH", f"{LISTINGS}/{sku}", params={"marketplaceIds": STORE, **query}, json=body)
        assert answer.status_code == 200
        return answer.json()

    async def upload(self, document: bytes) -> str:
        """Upload a feed document and return its ID."""
        created = (await self.request("POST", f"{FEEDS}/documents", json={"contentType": XML})).json()
        stored = await self.http.put(created["url"], content=document, headers={"content-type": XML})
        assert stored.status_code == 200
        return str(created["feedDocumentId"])

    async def create_feed(self, document: bytes) -> str:
        """Create a feed with this document and return its ID."""
        body = {
            "feedType": "POST_ORDER_FULFILLMENT_DATA",
            "marketplaceIds": [STORE],
            "inputFeedDocumentId": await self.upload(document),
        }
        answer = await self.request("POST", f"{FEEDS}/feeds", json=body)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["feedId"])

    async def read_report(self, feed: str) -> str:
        """Return the processing report of a feed."""
        done = await self.get(f"{FEEDS}/feeds/{feed}")
        document = await self.get(f"{FEEDS}/documents/{done['resultFeedDocumentId']}")
        return (await self.http.get(document["url"])).text


def build_feed(*messages: str, seller: str = SELLER) -> bytes:
    """Build a feed document with these messages."""
    numbered = "".join(
        f"<Message><MessageID>{number}</MessageID><OrderFulfillment>{text}</OrderFulfillment></Message>"
        for number, text in enumerate(messages, 1)
    )
    header = (
        f"<Header><DocumentVersion>1.01</DocumentVersion><MerchantIdentifier>{seller}</MerchantIdentifier></Header>"
    )
    return f"<AmazonEnvelope>{header}<MessageType>OrderFulfillment</MessageType>{numbered}</AmazonEnvelope>".encode()


def build_item(line: str, quantity: object = None) -> str:
    """Build an item of a message."""
    units = "" if quantity is None else f"<Quantity>{quantity}</Quantity>"
    return f"<Item><AmazonOrderItemCode>{line}</AmazonOrderItemCode>{units}</Item>"


@pytest.fixture
async def account(tmp_path: Path) -> AsyncIterator[Account]:
    """An account of this test alone."""
    async with open_account(tmp_path) as account:
        yield account


@pytest.fixture(scope="module")
async def shared_account(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Account]:
    """An account for requests that change nothing, and for listings that a test sets itself."""
    async with open_account(tmp_path_factory.mktemp("shared")) as account:
        yield account


@contextlib.asynccontextmanager
async def open_account(directory: Path) -> AsyncIterator[Account]:
    """Open an account whose rates are never reached, and log in."""
    clock = Clock()
    sandbox = await start(build_world(), directory, scale=100_000, now=clock, ticks=clock.read_seconds)
    async with httpx2.AsyncClient(base_url=str(sandbox.config["endpoint"]), timeout=10) as http:
        account = Account(sandbox, clock, http)
        await account.log_in()
        yield account
    await sandbox.close()


# ------------------------------------------------------------------------------------------------ access


async def test_a_login_may_be_a_form_or_json(account: Account) -> None:
    for answer in (
        await account.http.post("/auth/o2/token", data=LOGIN),
        await account.http.post("/auth/o2/token", json=LOGIN),
    ):
        assert answer.status_code == 200
        account.headers["x-amz-access-token"] = answer.json()["access_token"]
        assert await account.search() == {PAIR, LARGE_MUG, TEA}


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_id": 7}, 401, "invalid_client"),
        ({"refresh_token": "Atzr|other"}, 400, "invalid_grant"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"grant_type": None}, 400, "invalid_request"),
    ],
)
async def test_a_wrong_login_is_rejected_by_its_code(
    shared_account: Account, change: dict[str, Any], status: int, code: str
) -> None:
    answer = await shared_account.http.post("/auth/o2/token", json={**LOGIN, **change})
    assert (answer.status_code, answer.json()["error"]) == (status, code)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff\xfe=1", b"[" * 100_000])
@pytest.mark.parametrize("type_", ["application/json", "application/x-www-form-urlencoded"])
async def test_a_broken_login_is_rejected(shared_account: Account, body: bytes, type_: str) -> None:
    answer = await shared_account.http.post("/auth/o2/token", content=body, headers={"content-type": type_})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


async def test_a_denied_request_says_whether_its_token_is_missing_unknown_or_expired(account: Account) -> None:
    async def read_details() -> str:
        answer = await account.request("GET", LISTINGS, params={"marketplaceIds": STORE})
        (error,) = answer.json()["errors"]
        assert (answer.status_code, error["code"]) == (403, "Unauthorized") and answer.headers["x-amzn-requestid"]
        return str(error["details"])

    account.clock.forward(hours=1)
    assert await read_details() == "The access token you provided has expired."
    await account.log_in()
    account.sandbox.expire_tokens()
    assert await read_details() == "The access token you provided has expired."
    account.headers["x-amz-access-token"] = "Atza|other"
    assert await read_details() == "The access token you provided is revoked, malformed or invalid."
    del account.headers["x-amz-access-token"]
    assert await read_details() == "Access token is missing in the request header."


# ------------------------------------------------------------------------------------------------ parameters


@pytest.mark.skipif(SPECS is None, reason="the vendors' specifications are not here (VENDOR_SPECS)")
def test_the_sandbox_knows_the_parameters_of_amazons_models_and_no_others() -> None:
    assert SPECS is not None
    models = load_operations(SPECS)
    for name, known in PARAMETERS.items():
        specified = {one["name"]: one for one in models[name].specification["parameters"] if one["in"] == "query"}
        assert set(known) == set(specified), name
        for parameter, one in specified.items():
            values = one.get("enum") or one.get("items", {}).get("enum") or ()
            assert set(known[parameter].values) == set(values), parameter
            assert known[parameter].required is one.get("required", False), parameter
            kind = {"array": "list", "integer": "number", "boolean": "boolean", "string": "text"}[one["type"]]
            assert known[parameter].type == ("instant" if one.get("format") == "date-time" else kind), parameter
            if most := one.get("maxItems") or one.get("maximum"):
                assert known[parameter].most == most, parameter


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"identifiersType": "ASIN", "identifiers": "asin:TEA-1"}, {TEA}),
        ({"identifiersType": "FNSKU", "identifiers": "fnsku:MUG-1-PAIR"}, {PAIR}),
        ({"identifiersType": "EAN", "identifiers": "5012345678900"}, {TEA}),
        ({"identifiersType": "GTIN", "identifiers": "5012345678900,1"}, {TEA}),
        ({"identifiersType": "UPC", "identifiers": "5012345678900"}, set()),
        ({"withStatus": "BUYABLE"}, {PAIR, TEA}),
        ({"withoutStatus": "BUYABLE"}, {LARGE_MUG}),
        ({"withStatus": "DISCOVERABLE", "withoutStatus": "BUYABLE"}, {LARGE_MUG}),
        ({"withIssueSeverity": "ERROR,WARNING"}, {LARGE_MUG}),
        ({"withIssueSeverity": "WARNING"}, set()),
        ({"variationParentSku": "FAMILY"}, {TEA}),
        ({"packageHierarchySku": "CASE"}, {PAIR}),
        ({"createdBefore": "2024-01-01T00:01:00Z"}, {PAIR, TEA}),
        ({"createdAfter": "2024-01-01T01:01:00+01:00"}, {PAIR, LARGE_MUG}),
        ({"lastUpdatedAfter": "2024-01-01T00:02:00Z"}, {LARGE_MUG}),
        ({"issueLocale": "en_GB"}, {PAIR, LARGE_MUG, TEA}),
        ({"MarketplaceId": "sent by a client for another API"}, {PAIR, LARGE_MUG, TEA}),
    ],
)
async def test_every_filter_of_listings_filters(
    shared_account: Account, query: dict[str, str], found: set[str]
) -> None:
    listings = {sku: shared_account.sandbox.get_listing(sku) for sku in (TEA, PAIR, LARGE_MUG)}
    listings[LARGE_MUG]["summaries"][0]["status"] = ["DISCOVERABLE"]
    listings[LARGE_MUG]["issues"] = [{"code": "1", "message": "", "severity": "ERROR", "categories": []}]
    for sku, type_, parent in ((TEA, "VARIATION", "FAMILY"), (PAIR, "PACKAGE_HIERARCHY", "CASE")):
        link = {"type": type_, "parentSkus": [parent]}
        listings[sku]["relationships"] = [{"marketplaceId": STORE, "relationships": [link]}]
    for sku, listing in listings.items():
        shared_account.sandbox.set_listing(sku, listing)
    known = {f"asin:{sku}": listing["summaries"][0]["asin"] for sku, listing in listings.items()}
    known |= {f"fnsku:{sku}": listing["summaries"][0]["fnSku"] for sku, listing in listings.items()}
    assert await shared_account.search(**{name: known.get(value, value) for name, value in query.items()}) == found


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, 4),
        ({"fulfillmentStatuses": "UNSHIPPED"}, 1),
        ({"fulfillmentStatuses": "PENDING,SHIPPED"}, 3),
        ({"fulfilledBy": "AMAZON"}, 2),
        ({"fulfilledBy": "AMAZON", "fulfillmentStatuses": "PENDING"}, 1),
        ({"fulfilledBy": "MERCHANT,AMAZON"}, 4),
        ({"marketplaceIds": STORE}, 4),
    ],
)
async def test_every_filter_of_orders_filters(account: Account, query: dict[str, str], expected: int) -> None:
    for status, location in (("UNSHIPPED", "leeds"), ("PENDING", "fba"), ("PENDING", "leeds")):
        await account.sandbox.sell(TEA if location == "leeds" else PAIR, 1, location, status=status)
    account.clock.forward(minutes=3)
    answer = await account.get(ORDERS, {"createdAfter": "2026-01-01T00:00:00Z", **query})
    assert len(answer["orders"]) == expected


async def test_every_filter_of_fba_stock_filters(account: Account) -> None:
    async def list_skus(**query: str) -> list[str]:
        answer = await account.get("/fba/inventory/v1/summaries", {**FBA_QUERY, **query})
        return [entry["sellerSku"] for entry in answer["payload"]["inventorySummaries"]]

    since = START.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert await list_skus() == await list_skus(sellerSku=PAIR) == await list_skus(sellerSkus=f"a,{PAIR}") == [PAIR]
    assert await list_skus(startDateTime=since) == await list_skus(sellerSkus="a,b") == []
    await account.sandbox.sell(PAIR, 1, "fba")
    assert await list_skus(startDateTime=since) == [PAIR]


@pytest.mark.parametrize(
    ("path", "query", "problem"),
    [
        (LISTINGS, {}, "marketplaceIds is required"),
        (LISTINGS, {"marketplaceIds": "other"}, "no marketplace of this account"),
        (LISTINGS, {"marketplaceIds": STORE, "withStatus": "SOLD"}, "withStatus must be one of BUYABLE"),
        (LISTINGS, {"marketplaceIds": STORE, "pageSize": "21"}, "pageSize must be a number from 1 to 20"),
        (LISTINGS, {"marketplaceIds": STORE, "pageSize": "\u0663"}, "pageSize must be a number"),
        (LISTINGS, {"marketplaceIds": STORE, "identifiers": "a"}, "must be given together"),
        (LISTINGS, {"marketplaceIds": STORE, "createdAfter": "yesterday"}, "must be a date and time"),
        (LISTINGS, {"marketplaceIds": STORE, "createdAfter": "0001-01-01T00:00:00+14:00"}, "must be a date and time"),
        (LISTINGS, {"marketplaceIds": STORE, "variationParentSku": "a", "packageHierarchySku": "b"}, "cannot be given"),
        (LISTINGS, {"marketplaceIds": STORE, "issueLocale": "English"}, "must be a locale"),
        (LISTINGS, {"marketplaceIds": STORE, "pageToken": "WyJhIl0="}, "the page token is not valid"),
        (LISTINGS, {"marketplaceIds": STORE, "pageToken": "W1tbW1tb" * 5000}, "the page token is not valid"),
        (ORDERS, {}, "exactly one of"),
        (ORDERS, {"createdAfter": "2026-01-01T00:00:00Z", "lastUpdatedBefore": "2026-01-01T00:00:00Z"}, "cannot be"),
        (ORDERS, {"createdAfter": "2026-01-01T00:00:00Z", "fulfilledBy": "OTHER"}, "fulfilledBy must be one of"),
        (ORDERS, {"createdAfter": "2026-01-01T00:00:00Z", "marketplaceIds": "other"}, "no marketplace of this account"),
        ("/fba/inventory/v1/summaries", {**FBA_QUERY, "startDateTime": "2020-01-01T00:00:00Z"}, "18 months"),
        ("/fba/inventory/v1/summaries", {**FBA_QUERY, "details": "yes"}, "details must be one of true, false"),
        ("/fba/inventory/v1/summaries", {**FBA_QUERY, "granularityId": "other"}, "no marketplace of this account"),
        (f"{FEEDS}/feeds", {}, "feedTypes or nextToken is required"),
        (f"{FEEDS}/feeds", {"feedTypes": "A", "nextToken": "B"}, "cannot be given with other parameters"),
        (f"{FEEDS}/feeds", {"nextToken": "B"}, "the page token is not valid"),
    ],
)
async def test_a_query_that_amazons_models_do_not_allow_is_rejected(
    shared_account: Account, path: str, query: dict[str, str], problem: str
) -> None:
    assert problem in await shared_account.reject("GET", path, params=query)


# ------------------------------------------------------------------------------------------------ routes and bodies


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/orders/2027-01-01/orders"),
        ("POST", ORDERS),
        ("DELETE", f"{LISTINGS}/TEA-1"),
        ("GET", f"{FEEDS}/documents"),
        ("GET", "/auth/o2/token"),
    ],
)
async def test_an_unknown_route_or_method_is_rejected_in_json(shared_account: Account, method: str, path: str) -> None:
    assert await shared_account.reject(method, path) == "the API has no such operation"


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'"x"', b"\xff", b"[" * 100_000, b'{"a": 1}'])
async def test_a_broken_body_is_rejected(shared_account: Account, body: bytes) -> None:
    query = {"marketplaceIds": STORE}
    await shared_account.reject("PATCH", f"{LISTINGS}/TEA-1", params=query, content=body)
    for path in ("documents", "feeds"):
        await shared_account.reject("POST", f"{FEEDS}/{path}", content=body)


@pytest.mark.parametrize("patches", [{}, [], ["x"], [{"op": "move", "path": "/a"}], [{"op": "add"}]])
async def test_a_patch_that_is_none_is_rejected(shared_account: Account, patches: Any) -> None:
    body = {"productType": "PRODUCT", "patches": patches}
    await shared_account.reject("PATCH", f"{LISTINGS}/TEA-1", params={"marketplaceIds": STORE}, json=body)


# ------------------------------------------------------------------------------------------------ patches


async def test_a_preview_validates_a_patch_and_changes_nothing(account: Account) -> None:
    before = await account.get(f"{LISTINGS}/TEA-1", {"marketplaceIds": STORE, "includedData": "attributes"})
    answer = await account.patch(3, mode="VALIDATION_PREVIEW")
    assert (answer["status"], answer["issues"]) == ("VALID", [])
    assert (await account.patch(-3, mode="VALIDATION_PREVIEW"))["status"] == "INVALID"
    account.clock.forward(hours=1)
    await account.log_in()
    assert account.sandbox.get_offer(TEA) == 12
    after = await account.get(f"{LISTINGS}/TEA-1", {"marketplaceIds": STORE, "includedData": "attributes"})
    assert after == before
    assert (await account.patch(3))["status"] == "ACCEPTED" and account.sandbox.get_offer(TEA) == 3


@pytest.mark.parametrize("quantity", [True, 2.5, "3", None, -1, 10**30])
async def test_a_quantity_that_is_none_is_invalid(account: Account, quantity: Any) -> None:
    assert (await account.patch(quantity))["status"] == "INVALID"
    assert account.sandbox.get_offer(TEA) == 12


async def test_a_patch_returns_the_data_that_is_requested(account: Account) -> None:
    assert set(await account.patch(3)) == {"sku", "submissionId", "status", "issues"}
    assert set(await account.patch(3, includedData="identifiers")) == {"sku", "submissionId", "status", "identifiers"}


# ------------------------------------------------------------------------------------------------ feeds


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"no XML",
        b'{"header": {}}',
        b"<AmazonEnvelope><Message></AmazonEnvelope>",
        b"<?xml version='1.0' encoding='nonsense'?><AmazonEnvelope/>",
        b"<!DOCTYPE a [<!ENTITY b 'b'>]><AmazonEnvelope/>",
        b"<Feed/>",
        build_feed(seller="A2OTHER"),
    ],
)
async def test_a_document_that_is_no_feed_ends_its_own_feed_and_nothing_else(account: Account, document: bytes) -> None:
    order = await account.sandbox.sell(TEA, 1, "leeds")
    account.sandbox.feeds.lag = account.sandbox.offers.lag = 60
    broken = await account.create_feed(document)
    good = await account.create_feed(build_feed(f"<AmazonOrderID>{order}</AmazonOrderID>"))
    await account.patch(5)
    account.clock.forward(seconds=60)
    feed = await account.get(f"{FEEDS}/feeds/{broken}")
    assert feed["processingStatus"] == "FATAL" and "resultFeedDocumentId" not in feed
    assert (await account.get(f"{FEEDS}/feeds/{good}"))["processingStatus"] == "DONE"
    assert account.sandbox.get_order(order)["fulfillment"]["fulfillmentStatus"] == "SHIPPED"
    assert account.sandbox.get_offer(TEA) == 5


@pytest.mark.parametrize("quantity", [None, "", "0", "-1", "1.5", "many"])
async def test_an_item_without_a_quantity_is_an_error_of_its_message_only(account: Account, quantity: Any) -> None:
    orders = [await account.sandbox.sell(TEA, 2, "leeds") for _ in range(2)]
    lines = [account.sandbox.get_order(order)["orderItems"][0]["orderItemId"] for order in orders]
    items = (build_item(lines[0], quantity), build_item(lines[1], 2))
    messages = [f"<AmazonOrderID>{order}</AmazonOrderID>{item}" for order, item in zip(orders, items, strict=True)]
    report = await account.read_report(await account.create_feed(build_feed(*messages)))
    assert "<MessagesSuccessful>1</MessagesSuccessful>" in report
    assert "<MessageID>1</MessageID><ResultCode>Error</ResultCode><ResultMessageCode>5000" in report
    states = [account.sandbox.get_order(order)["fulfillment"]["fulfillmentStatus"] for order in orders]
    assert states == ["UNSHIPPED", "SHIPPED"]


async def test_feeds_are_listed_newest_first_over_pages(account: Account) -> None:
    created = []
    for _ in range(5):
        created.append(await account.create_feed(build_feed()))
        account.clock.forward(seconds=1)
    query = {"feedTypes": "POST_ORDER_FULFILLMENT_DATA", "pageSize": "2"}
    found, page = [], await account.get(f"{FEEDS}/feeds", query)
    while True:
        found += [feed["feedId"] for feed in page["feeds"]]
        if "nextToken" not in page:
            break
        page = await account.get(f"{FEEDS}/feeds", {"nextToken": page["nextToken"]})
    assert found == created[::-1]


async def test_every_filter_of_feeds_filters(account: Account) -> None:
    async def count_feeds(**query: str) -> int:
        given = {"feedTypes": "POST_ORDER_FULFILLMENT_DATA", **query}
        return len((await account.get(f"{FEEDS}/feeds", given))["feeds"])

    await account.create_feed(build_feed())
    account.clock.forward(minutes=10)
    account.sandbox.feeds.lag = 60
    await account.create_feed(build_feed())
    between = (START + timedelta(minutes=5)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert await count_feeds() == await count_feeds(marketplaceIds=f"other,{STORE}") == 2
    assert await count_feeds(feedTypes="POST_PRODUCT_DATA") == await count_feeds(marketplaceIds="other") == 0
    assert await count_feeds(processingStatuses="IN_QUEUE,IN_PROGRESS") == 1
    assert await count_feeds(createdSince=between) == await count_feeds(createdUntil=between) == 1


async def test_a_document_is_stored_only_as_it_was_announced(account: Account) -> None:
    created = (await account.request("POST", f"{FEEDS}/documents", json={"contentType": XML})).json()
    url, headers = created["url"], {"content-type": XML}
    for address, given in ((url, {"content-type": "text/plain"}), (url.replace("document-1", "document-9"), headers)):
        answer = await account.http.put(address, content=b"<a/>", headers=given)
        assert (answer.status_code, "SignatureDoesNotMatch" in answer.text) == (403, True)
    assert (await account.http.get(url)).status_code == 404
    body = {"marketplaceIds": [STORE], "feedType": "POST_ORDER_FULFILLMENT_DATA"}
    message = await account.reject(
        "POST", f"{FEEDS}/feeds", json={**body, "inputFeedDocumentId": created["feedDocumentId"]}
    )
    assert message == "the feed document was not uploaded"
