"""Deliveries of a web store: subscribed to once, verified, and read as ids to fetch again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from gateway.app import create_app
from gateway.http.webhooks import MAX_BODY_BYTES
from gateway.sdk import (
    ChannelError,
    ContractError,
    Delivery,
    ForgedError,
    PrivacyRequest,
    PrivacyRequestKind,
    RejectedError,
    StaleError,
)
from gateway_shopify.webhooks import HINTS_BY_TOPIC, MERGE_TOPIC, PRIVACY_REQUESTS_BY_TOPIC
from tests.plugins.shopify import SOON, ShopifyTestbed, open_testbed

pytestmark = pytest.mark.anyio
HERE = "https://gateway.example.com/webhooks/web"


@pytest.fixture
async def web(tmp_path: Path) -> AsyncIterator[ShopifyTestbed]:
    async with open_testbed(
        tmp_path, config={"webhook_secrets": ["the old secret", "sandbox-client-secret"]}
    ) as opened:
        yield opened


async def test_every_topic_is_subscribed_to_once_however_often_the_gateway_starts(web: ShopifyTestbed) -> None:
    for _ in range(3):
        await web.channel.subscribe(HERE, SOON)
    known = [(node["topic"], node["uri"]) for node in web.sandbox.shop.list_nodes("WebhookSubscription")]
    assert sorted(known) == sorted((topic.replace("/", "_").upper(), HERE) for topic in (*HINTS_BY_TOPIC, MERGE_TOPIC))
    assert web.sandbox.behavior.operations.count("Subscribe") == len(known)


async def test_only_what_is_read_is_subscribed_to(tmp_path: Path) -> None:
    async with open_testbed(tmp_path, config={"feeds": ["products", "stock"]}) as web:
        await web.channel.subscribe(HERE, SOON)
        topics = {node["topic"].partition("_")[0] for node in web.sandbox.shop.list_nodes("WebhookSubscription")}
        assert topics == {"PRODUCTS", "INVENTORY"}
        assert await web.read_hints("orders/create", {"id": 7}) == []


async def test_a_subscription_that_is_refused_is_said_to_be_so(web: ShopifyTestbed) -> None:
    web.sandbox.behavior.response_override = lambda name, answer: (
        {"data": {"webhookSubscriptionCreate": {"userErrors": [{"message": "x"}]}}} if name == "Subscribe" else answer
    )
    with pytest.raises(RejectedError, match="refuses to send products/create"):
        await web.channel.subscribe(HERE, SOON)


@pytest.mark.parametrize("secret", ["the old secret", "sandbox-client-secret"])
async def test_a_delivery_is_known_by_its_id_under_either_secret(web: ShopifyTestbed, secret: str) -> None:
    delivery = web.build_delivery("products/update", {"id": 7}, secret=secret)
    assert await web.channel.verify(delivery, SOON) == delivery.headers["x-shopify-webhook-id"]


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"x-shopify-hmac-sha256": ""}, ForgedError, "not signed"),
        ({"x-shopify-hmac-sha256": "é"}, ForgedError, "not signed"),
        ({"x-shopify-hmac-sha256": "AAAA"}, ForgedError, "not signed"),
        ({"x-shopify-shop-domain": "other-store.myshopify.com"}, ForgedError, "another shop"),
        ({"x-shopify-shop-domain": ""}, ForgedError, "another shop"),
        ({"x-shopify-webhook-id": ""}, ForgedError, "no valid ID"),
        ({"x-shopify-triggered-at": ""}, ForgedError, "has no valid trigger time"),
        ({"x-shopify-triggered-at": "yesterday"}, ForgedError, "has no valid trigger time"),
        ({"x-shopify-triggered-at": "2026-01-05T09:00:00"}, ForgedError, "has no valid trigger time"),
        ({"x-shopify-triggered-at": "2026-01-05T02:59:59Z"}, StaleError, "too old or in the future"),
        ({"x-shopify-triggered-at": "2026-01-05T09:05:01Z"}, StaleError, "too old or in the future"),
    ],
)
async def test_what_the_shop_did_not_send_now_is_refused(
    web: ShopifyTestbed, change: dict[str, str], error: type[ChannelError], message: str
) -> None:
    with pytest.raises(ForgedError, match=message) as caught:
        await web.channel.verify(web.build_delivery("products/update", {"id": 7}, **change), SOON)
    assert type(caught.value) is error


async def test_a_body_that_was_touched_is_forged(web: ShopifyTestbed) -> None:
    delivery = web.build_delivery("products/update", b'{"id": 7}')
    for body in (b'{"id":7}', b'{"id": 8}', b""):
        with pytest.raises(ForgedError):
            await web.channel.verify(type(delivery)(headers=delivery.headers, body=body, received_at=web.clock()), SOON)


async def test_the_last_of_the_shops_tries_is_still_good(web: ShopifyTestbed) -> None:
    delivery = web.build_delivery("products/update", {"id": 7})
    web.clock.forward(hours=4)
    late = type(delivery)(headers=delivery.headers, body=delivery.body, received_at=web.clock())
    assert await web.channel.verify(late, SOON)


@pytest.mark.parametrize(
    ("topic", "body", "hints"),
    [
        ("products/update", {"id": 7, "variants": [{"id": 8}]}, [("products", "7")]),
        ("products/delete", {"id": 7}, [("products", "7")]),
        ("inventory_levels/update", {"inventory_item_id": 4, "location_id": 5, "available": 1}, [("stock", "4/5")]),
        ("inventory_levels/disconnect", {"inventory_item_id": 4, "location_id": 5}, [("stock", "4/5")]),
        ("customers/create", {"id": 7}, [("customers", "7")]),
        ("orders/updated", {"id": 820982911946154508}, [("orders", "820982911946154508")]),
        ("refunds/create", {"id": 9, "order_id": 7}, [("orders", "7")]),
        ("fulfillments/update", {"id": 9, "order_id": 7}, [("orders", "7")]),
        ("returns/process", {"id": 9, "order": {"id": 7}}, [("orders", "7")]),
        ("themes/publish", {"id": 7}, []),
    ],
)
async def test_a_delivery_hints_at_the_records_that_it_is_about(
    web: ShopifyTestbed, topic: str, body: object, hints: list[tuple[str, str]]
) -> None:
    assert await web.read_hints(topic, body) == hints


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"null",
        b"{}",
        b'{"id": "../7"}',
        b'{"id": true}',
        b'{"id": -7}',
        b'{"id": 7.5}',
        b"[" * 99,
    ],
)
async def test_a_delivery_that_cannot_be_read_is_a_broken_contract(web: ShopifyTestbed, body: bytes) -> None:
    with pytest.raises(ContractError):
        await web.read_hints("products/update", body)


SHOP = {"shop_id": 954889, "shop_domain": "sandbox-store.myshopify.com"}
CUSTOMER = {"id": 191167, "email": "john@example.com", "phone": "555-625-1199"}


def read_privacy_requests(web: ShopifyTestbed, topic: str, body: object) -> list[PrivacyRequest]:
    return list(web.channel.webhooks.privacy_requests(web.build_delivery(topic, body)))


@pytest.mark.parametrize(
    ("topic", "body", "expected"),
    [
        (
            "customers/data_request",
            {**SHOP, "customer": CUSTOMER, "orders_requested": [299938], "data_request": {"id": 9999}},
            PrivacyRequest(kind=PrivacyRequestKind.EXPORT, customer="191167"),
        ),
        (
            "customers/redact",
            {**SHOP, "customer": CUSTOMER, "orders_to_redact": [299938, 280263]},
            PrivacyRequest(kind=PrivacyRequestKind.ERASE, customer="191167"),
        ),
        ("shop/redact", SHOP, PrivacyRequest(kind=PrivacyRequestKind.ERASE_ALL)),
    ],
)
async def test_a_compliance_topic_is_a_request_about_personal_data_and_no_hint(
    web: ShopifyTestbed, topic: str, body: object, expected: PrivacyRequest
) -> None:
    assert read_privacy_requests(web, topic, body) == [expected]
    assert await web.read_hints(topic, body) == []


async def test_no_other_topic_is_a_request_about_personal_data(web: ShopifyTestbed) -> None:
    for topic in (*HINTS_BY_TOPIC, MERGE_TOPIC, "customers/redacted", ""):
        assert read_privacy_requests(web, topic, {**SHOP, "customer": CUSTOMER}) == []


@pytest.mark.parametrize("topic", ["customers/data_request", "customers/redact"])
@pytest.mark.parametrize("id_", [None, "", "../7", True, -7, 0, 7.5, 2**63, "gid://shopify/Customer/7", [7], {"id": 7}])
async def test_a_request_for_no_valid_customer_is_a_broken_contract(
    web: ShopifyTestbed, topic: str, id_: object
) -> None:
    with pytest.raises(ContractError, match="the delivery's id is not a valid ID"):
        read_privacy_requests(web, topic, {**SHOP, "customer": {**CUSTOMER, "id": id_}})


@pytest.mark.parametrize("topic", PRIVACY_REQUESTS_BY_TOPIC)
@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"<html>", b"[]", b"null", b"{}", b"[" * 99),
        {"customer": CUSTOMER},
        {**SHOP, "shop_domain": "other-store.myshopify.com", "customer": CUSTOMER},
        {**SHOP, "shop_domain": None, "customer": CUSTOMER},
        {**SHOP, "shop_domain": [SHOP["shop_domain"]], "customer": CUSTOMER},
    ],
    ids=lambda body: str(body)[:70],
)
async def test_a_request_that_is_not_about_this_shop_is_a_broken_contract(
    web: ShopifyTestbed, topic: str, body: object
) -> None:
    with pytest.raises(ContractError):
        read_privacy_requests(web, topic, body)


@pytest.mark.parametrize("customer", [None, 191167, "191167", [CUSTOMER]])
async def test_a_request_without_a_customer_is_a_broken_contract(web: ShopifyTestbed, customer: object) -> None:
    with pytest.raises(ContractError, match="the delivery's customer is not an object"):
        read_privacy_requests(web, "customers/redact", {**SHOP, "customer": customer})


async def test_the_sandbox_sends_the_compliance_topics_to_the_url_of_the_app(tmp_path: Path) -> None:
    async with open_testbed(tmp_path) as web:
        sent: list[Delivery] = []

        async def receive(request: httpx2.Request) -> httpx2.Response:
            sent.append(Delivery(headers=dict(request.headers), body=request.content, received_at=web.clock()))
            return httpx2.Response(200)

        web.sandbox.deliveries.client = httpx2.AsyncClient(transport=httpx2.MockTransport(receive))
        web.sandbox.deliveries.compliance_url = HERE
        (customer,) = await web.read_records("customers")
        await web.sandbox.request_data(customer)
        await web.sandbox.erase_customer(customer)
        await web.sandbox.redact_shop()
        await web.sandbox.deliveries.wait_until_sent()
        ids = [await web.channel.verify(delivery, SOON) for delivery in sent]
        requests = [request for delivery in sent for request in web.channel.webhooks.privacy_requests(delivery)]
    assert len(set(ids)) == 3
    assert requests == [
        PrivacyRequest(kind=PrivacyRequestKind.EXPORT, customer=customer),
        PrivacyRequest(kind=PrivacyRequestKind.ERASE, customer=customer),
        PrivacyRequest(kind=PrivacyRequestKind.ERASE_ALL),
    ]


async def test_a_change_in_the_shop_arrives_by_webhook_over_http(tmp_path: Path) -> None:
    async with open_testbed(tmp_path) as web:
        await web.gateway.run_due()
        transport = httpx2.ASGITransport(create_app(web.gateway))
        web.sandbox.deliveries.client = httpx2.AsyncClient(transport=transport)
        web.sandbox.subscribe("http://gateway/webhooks/web")
        web.clock.forward(seconds=30)
        await web.sandbox.product("TEA-1", title="Evening tea")
        await web.sandbox.sell("TEA-1", 2, "leeds")
        await web.sandbox.deliveries.wait_until_sent()
        web.sandbox.behavior.operations.clear()
        await web.gateway.run_due()
        known = await web.read_state()
        asked = set(web.sandbox.behavior.operations)
    assert "Evening tea" in {row[0] for row in known["titles"]}
    assert 3 in [row[3] for row in known["stock"]]
    assert len(known["orders"]) == 2
    assert asked == {"ProductById", "InventoryItemById", "OrderById"}
    assert web.sandbox.deliveries.failed_topics == []


async def test_a_delivery_that_is_not_accepted_is_retried_and_then_given_up(tmp_path: Path) -> None:
    async with open_testbed(tmp_path) as web:
        web.sandbox.deliveries.retry_delay = 0
        web.sandbox.subscribe("http://127.0.0.1:1/webhooks/web")
        await web.sandbox.product("TEA-1", title="Evening tea")
        await web.sandbox.deliveries.wait_until_sent()
    assert web.sandbox.deliveries.failed_topics == ["products/update"]


@dataclass
class WebhookClient:
    """A client of the gateway's public webhook address."""

    web: ShopifyTestbed
    http: httpx2.AsyncClient

    async def send(self, sent: Delivery, channel: str = "web") -> int:
        answer = await self.http.post(f"/webhooks/{channel}", content=sent.body, headers=dict(sent.headers))
        assert answer.content == b"", "who sends it learns nothing else"
        return answer.status_code

    async def list_requests_after(self, *sent: Delivery) -> list[str]:
        """Send the deliveries, which must be accepted, and list the requests that follow."""
        assert [await self.send(one) for one in sent] == [200] * len(sent)
        self.web.sandbox.behavior.operations.clear()
        await self.web.gateway.run_due()
        return list(self.web.sandbox.behavior.operations)


@pytest.fixture
async def webhook_client(web: ShopifyTestbed) -> AsyncIterator[WebhookClient]:
    await web.gateway.run_due()
    transport = httpx2.ASGITransport(create_app(web.gateway))
    async with httpx2.AsyncClient(transport=transport, base_url="http://gateway") as http:
        yield WebhookClient(web, http)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"x-shopify-hmac-sha256": "AAAA"}, 401),
        ({"x-shopify-hmac-sha256": "x" * 8_000}, 401),
        ({"x-shopify-shop-domain": "other-store.myshopify.com"}, 401),
        ({"x-shopify-webhook-id": "x" * 1_000}, 401),
        ({"x-shopify-webhook-id": "a b"}, 401),
        ({"x-shopify-triggered-at": "now"}, 401),
        ({"x-shopify-triggered-at": "2026-01-05T09:00:00"}, 401),
        ({"x-shopify-triggered-at": "0001-01-01T00:00:00+23:59"}, 409),
        ({"x-shopify-triggered-at": "9999-12-31T23:59:59-23:59"}, 409),
        ({"x-shopify-triggered-at": "2026-01-05T02:59:59Z"}, 409),
        ({"x-shopify-triggered-at": "2026-01-05T09:05:01Z"}, 409),
    ],
)
async def test_a_delivery_that_is_not_the_shops_of_now_is_refused_and_has_no_effect(
    webhook_client: WebhookClient, headers: dict[str, str], status: int
) -> None:
    sent = webhook_client.web.build_delivery(
        "products/update", {"id": int(webhook_client.web.find_product_id("TEA-1"))}, **headers
    )
    assert await webhook_client.send(sent) == status
    assert await webhook_client.list_requests_after() == []


async def test_a_delivery_that_is_too_large_is_refused_though_it_is_signed(webhook_client: WebhookClient) -> None:
    assert (
        await webhook_client.send(webhook_client.web.build_delivery("products/update", b" " * (MAX_BODY_BYTES + 1)))
        == 413
    )
    assert await webhook_client.list_requests_after() == []


async def test_a_delivery_for_another_channel_is_none(webhook_client: WebhookClient) -> None:
    assert await webhook_client.send(webhook_client.web.build_delivery("products/update", {"id": 1}), "amazon") == 404


async def test_a_replayed_delivery_is_answered_and_has_no_effect(webhook_client: WebhookClient) -> None:
    sent = webhook_client.web.build_delivery(
        "products/update", {"id": int(webhook_client.web.find_product_id("TEA-1"))}
    )
    assert await webhook_client.list_requests_after(sent, sent) == ["ProductById"]
    assert await webhook_client.list_requests_after(sent, sent, sent) == []


async def test_deliveries_in_the_wrong_order_leave_what_the_shop_has(webhook_client: WebhookClient) -> None:
    web = webhook_client.web
    web.clock.forward(minutes=1)
    body = {"id": int(web.find_product_id("TEA-1"))}
    old = web.build_delivery("products/update", {**body, "title": "Morning tea"})
    web.clock.forward(seconds=30)
    await web.sandbox.product("TEA-1", title="Evening tea")
    new = web.build_delivery("products/update", {**body, "title": "Evening tea"})
    await webhook_client.list_requests_after(new, old)
    assert "Evening tea" in {row[0] for row in (await web.read_state())["titles"]}
    assert "Morning tea" not in {row[0] for row in (await web.read_state())["titles"]}


async def test_a_late_delivery_about_a_deleted_product_brings_nothing_back(webhook_client: WebhookClient) -> None:
    web = webhook_client.web
    body = {"id": int(web.find_product_id("TEA-1"))}
    late = web.build_delivery("products/update", body)
    await web.sandbox.product("TEA-1", deleted=True)
    await webhook_client.list_requests_after(web.build_delivery("products/delete", body))
    assert len((await web.read_state())["listings"]) == 2
    await webhook_client.list_requests_after(late)
    assert len((await web.read_state())["listings"]) == 2


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 200_000,
        b'{"id": NaN}',
        b'{"id": 9223372036854775808}',
        b'{"id": "007"}',
        '{"id": "\u0663"}'.encode(),
        b'{"id": ' + b"9" * 5_000 + b"}",
        b'{"id": "' + b"7" * 1_000_000 + b'"}',
    ],
    ids=lambda body: str(body[:12]),
)
async def test_a_signed_delivery_that_makes_no_sense_is_kept_with_its_problem_and_stops_no_other(
    webhook_client: WebhookClient, body: bytes
) -> None:
    web = webhook_client.web
    web.clock.forward(seconds=30)
    await web.sandbox.product("TEA-1", title="Evening tea")
    good = web.build_delivery("products/update", {"id": int(web.find_product_id("TEA-1"))})
    assert await webhook_client.list_requests_after(web.build_delivery("products/update", body), good) == [
        "ProductById"
    ]
    assert "Evening tea" in {row[0] for row in (await web.read_state())["titles"]}
    assert await web.read_faults() == {}
