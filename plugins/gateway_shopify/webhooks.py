"""Webhooks: subscription, signature verification over the raw body, and mapping to IDs of records to read again."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from gateway.sdk import (
    ContractError,
    Delivery,
    ForgedError,
    Hint,
    InvalidValueError,
    PrivacyRequest,
    PrivacyRequestKind,
    RejectedError,
    StaleError,
    Webhooks,
)
from gateway_shopify import graphql_values
from gateway_shopify.client import ShopifyClient
from gateway_shopify.config import ShopifyConfig
from gateway_shopify.customers.customer_mapping import CustomerMerges
from gateway_shopify.nested_pagination import get_connection, get_next_cursor
from gateway_shopify.read_documents import SUBSCRIBE, SUBSCRIPTIONS

MAX_AGE = timedelta(hours=6)
"""Maximum age of a delivery. Shopify retries for four hours, with the time of the first attempt. A delivery causes a
read, or a request about personal data that can be repeated, so an old one does no harm.
"""

MAX_CLOCK_SKEW = timedelta(minutes=5)
"""Maximum time by which the shop's clock may be ahead."""

_NUMBER = re.compile(r"[1-9][0-9]{0,18}")
_ID = re.compile(r"[!-~]{1,200}")

WebhookBody = Mapping[str, Any]


def _hint_by_id(feed: str) -> Callable[[WebhookBody], list[Hint]]:
    return lambda body: [Hint(feed, _read_number(body, "id"))]


def _hint_order(body: WebhookBody) -> list[Hint]:
    """Return the hint of an order event: a webhook about a return contains the order, others its ID."""
    inner = body.get("order")
    return [Hint("orders", _read_number(inner, "id") if isinstance(inner, Mapping) else _read_number(body, "order_id"))]


def _hint_level(body: WebhookBody) -> list[Hint]:
    return [Hint("stock", f"{_read_number(body, 'inventory_item_id')}/{_read_number(body, 'location_id')}")]


HINTS_BY_TOPIC: Mapping[str, Callable[[WebhookBody], list[Hint]]] = MappingProxyType(
    {
        **dict.fromkeys(("products/create", "products/update", "products/delete"), _hint_by_id("products")),
        **dict.fromkeys(("collections/create", "collections/update", "collections/delete"), _hint_by_id("collections")),
        **dict.fromkeys(
            ("inventory_levels/update", "inventory_levels/connect", "inventory_levels/disconnect"), _hint_level
        ),
        **dict.fromkeys(("customers/create", "customers/update", "customers/delete"), _hint_by_id("customers")),
        **dict.fromkeys(
            ("orders/create", "orders/updated", "orders/cancelled", "orders/delete"), _hint_by_id("orders")
        ),
        **dict.fromkeys(
            ("refunds/create", "returns/process", "fulfillments/create", "fulfillments/update"), _hint_order
        ),
    }
)
PRIVACY_REQUESTS_BY_TOPIC: Mapping[str, PrivacyRequestKind] = MappingProxyType(
    {
        "customers/data_request": PrivacyRequestKind.EXPORT,
        "customers/redact": PrivacyRequestKind.ERASE,
        "shop/redact": PrivacyRequestKind.ERASE_ALL,
    }
)
"""Compliance topics. An app does not subscribe to them: their URL is in its own configuration."""

MERGE_TOPIC = "customers/merge"
MAX_MERGES = 10_000
"""Maximum number of merges that are remembered."""


class ShopifyWebhooks(Webhooks):
    """Webhooks of a shop."""

    def __init__(self, client: ShopifyClient, config: ShopifyConfig, merges: CustomerMerges) -> None:
        self._client, self._config, self._merges = client, config, merges

    async def subscribe(self, url: str) -> None:
        existing = {(topic, uri) for topic, uri in await self._list_subscriptions()}
        for topic in self._list_topics():
            name = topic.replace("/", "_").upper()
            if (name, url) not in existing:
                answer = await self._client.call(SUBSCRIBE, topic=name, to={"uri": url, "format": "JSON"})
                _check_subscription(answer, topic)

    def verify(self, delivery: Delivery) -> str:
        signature = delivery.headers.get("x-shopify-hmac-sha256", "").encode()
        expected = [sign_body(secret.get_secret_value(), delivery.body) for secret in self._config.webhook_secrets]
        if True not in [
            hmac.compare_digest(signature, valid) for valid in expected
        ]:  # compares with all secrets, so that the time is constant
            raise ForgedError("the delivery is not signed with one of the secrets")
        if delivery.headers.get("x-shopify-shop-domain", "").lower() != self._config.shop:
            raise ForgedError("the delivery belongs to another shop")
        id = delivery.headers.get("x-shopify-webhook-id", "")
        if not _ID.fullmatch(id):
            raise ForgedError("the delivery has no valid ID")
        _check_time(delivery)
        return id

    def hints(self, delivery: Delivery) -> Sequence[Hint]:
        topic = delivery.headers.get("x-shopify-topic", "")
        body = _parse_body(delivery.body)
        hints = (
            self._record_merge(body)
            if topic == MERGE_TOPIC
            else HINTS_BY_TOPIC[topic](body)
            if topic in HINTS_BY_TOPIC
            else []
        )
        return [hint for hint in hints if hint.feed in self._config.feeds]

    def privacy_requests(self, delivery: Delivery) -> Sequence[PrivacyRequest]:
        kind = PRIVACY_REQUESTS_BY_TOPIC.get(delivery.headers.get("x-shopify-topic", ""))
        if kind is None:
            return []
        body = _parse_body(delivery.body)
        self._check_shop(body)
        customer = None if kind is PrivacyRequestKind.ERASE_ALL else _read_number(_get_customer(body), "id")
        return [PrivacyRequest(kind=kind, customer=customer)]

    def _check_shop(self, body: WebhookBody) -> None:
        """Check the shop in the body, which is signed: the header is not, and the app may have other shops."""
        domain = body.get("shop_domain")
        if not isinstance(domain, str) or domain.lower() != self._config.shop:
            raise ContractError("the delivery's shop_domain is not that of the shop")

    def _record_merge(self, body: WebhookBody) -> list[Hint]:
        remaining, deleted = (
            _read_customer_id(body, f"admin_graphql_api_customer_{which}_id") for which in ("kept", "deleted")
        )
        job = body.get("admin_graphql_api_job_id")
        if isinstance(job, str) and _ID.fullmatch(job):
            self._merges[deleted] = (job, remaining)
        if len(self._merges) > MAX_MERGES:
            self._merges.popitem(last=False)
        return [Hint("customers", remaining), Hint("customers", deleted)]

    def _list_topics(self) -> list[str]:
        feeds = self._config.feeds
        needs = {
            "products": "products",
            "collections": "collections",
            "inventory_levels": "stock",
            "customers": "customers",
        }
        return [
            topic for topic in (*HINTS_BY_TOPIC, MERGE_TOPIC) if needs.get(topic.partition("/")[0], "orders") in feeds
        ]

    async def _list_subscriptions(self) -> list[tuple[str, str]]:
        subscriptions: list[tuple[str, str]] = []
        after = None
        while True:
            page = get_connection(
                await self._client.call(SUBSCRIPTIONS, after=after), "webhookSubscriptions", SUBSCRIPTIONS
            )
            subscriptions += [
                (str(node.get("topic")), str(node.get("uri")))
                for node in map(graphql_values.convert_object, page["nodes"])
            ]
            if (after := get_next_cursor(page, after)) is None:
                return subscriptions


def sign_body(secret: str, body: bytes) -> bytes:
    """Sign a body as Shopify does: HMAC-SHA256 over the raw body, in base64."""
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest())


def _check_time(delivery: Delivery) -> None:
    try:
        at = datetime.fromisoformat(delivery.headers.get("x-shopify-triggered-at", ""))
        age = delivery.received_at - at
    except (ValueError, TypeError) as error:
        raise ForgedError("the delivery has no valid trigger time") from error
    if not -MAX_CLOCK_SKEW <= age <= MAX_AGE:
        raise StaleError("the trigger time of the delivery is too old or in the future")


def _check_subscription(answer: Mapping[str, Any], topic: str) -> None:
    payload = answer.get("webhookSubscriptionCreate")
    if not isinstance(payload, dict):
        raise ContractError("the response of Subscribe has no payload")
    if payload.get("userErrors"):
        raise RejectedError(f"the shop refuses to send {topic} to the URL of the gateway", "SUBSCRIPTION_REFUSED")


def _parse_body(body: bytes) -> WebhookBody:
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ContractError("the delivery's body is not JSON") from error
    if not isinstance(parsed, dict):
        raise ContractError("the delivery's body is not an object")
    return parsed


def _get_customer(body: WebhookBody) -> WebhookBody:
    customer = body.get("customer")
    if not isinstance(customer, Mapping):
        raise ContractError("the delivery's customer is not an object")
    return customer


def _read_number(body: WebhookBody, field: str) -> str:
    value = body.get(field)
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ContractError(f"the delivery's {field} is not a valid ID")
    if not _NUMBER.fullmatch(str(value)) or int(value) >= 2**63:
        raise ContractError(f"the delivery's {field} is not a valid ID")
    return str(value)


def _read_customer_id(body: WebhookBody, field: str) -> str:
    try:
        return graphql_values.get_id(body, "Customer", field)
    except InvalidValueError as error:
        raise ContractError(f"the delivery's {field} is not a valid ID") from error
