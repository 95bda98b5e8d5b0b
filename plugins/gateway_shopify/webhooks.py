"""Deliveries: subscribed to, proved over the raw body, and understood as ids to read again."""

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
    RejectedError,
    StaleError,
    Webhooks,
)
from gateway_shopify import answers
from gateway_shopify.client import Client
from gateway_shopify.config import ShopifyConfig
from gateway_shopify.customers import Merges
from gateway_shopify.following import connection_of, following
from gateway_shopify.operations import SUBSCRIBE, SUBSCRIPTIONS

OLDEST = timedelta(hours=6)
"""Shopify tries for four hours, and says each time when it first did. What is told is only read again."""

EARLIEST = timedelta(minutes=5)
"""How far the shop's clock may be ahead."""

_NUMBER = re.compile(r"[1-9][0-9]{0,18}")
_ID = re.compile(r"[!-~]{1,200}")

Body = Mapping[str, Any]


def _own(feed: str) -> Callable[[Body], list[Hint]]:
    return lambda body: [Hint(feed, _number(body, "id"))]


def _order(body: Body) -> list[Hint]:
    """Of what happens to an order: deliveries about returns hold the order, others its id."""
    inner = body.get("order")
    return [Hint("orders", _number(inner, "id") if isinstance(inner, Mapping) else _number(body, "order_id"))]


def _level(body: Body) -> list[Hint]:
    return [Hint("stock", f"{_number(body, 'inventory_item_id')}/{_number(body, 'location_id')}")]


TOPICS: Mapping[str, Callable[[Body], list[Hint]]] = MappingProxyType(
    {
        **dict.fromkeys(("products/create", "products/update", "products/delete"), _own("products")),
        **dict.fromkeys(("inventory_levels/update", "inventory_levels/connect", "inventory_levels/disconnect"), _level),
        **dict.fromkeys(("customers/create", "customers/update", "customers/delete"), _own("customers")),
        **dict.fromkeys(("orders/create", "orders/updated", "orders/cancelled", "orders/delete"), _own("orders")),
        **dict.fromkeys(("refunds/create", "returns/process", "fulfillments/create", "fulfillments/update"), _order),
    }
)
MERGED = "customers/merge"
REMEMBERED = 10_000
"""Merges whose jobs can be asked about."""


class ShopWebhooks(Webhooks):
    """What a shop sends."""

    def __init__(self, client: Client, config: ShopifyConfig, merges: Merges) -> None:
        self._client, self._config, self._merges = client, config, merges

    async def subscribe(self, url: str) -> None:
        known = {(topic, uri) for topic, uri in await self._subscriptions()}
        for topic in self._topics():
            name = topic.replace("/", "_").upper()
            if (name, url) not in known:
                answer = await self._client.ask(SUBSCRIBE, topic=name, to={"uri": url, "format": "JSON"})
                _check(answer, topic)

    def verify(self, delivery: Delivery) -> str:
        told = delivery.headers.get("x-shopify-hmac-sha256", "").encode()
        right = [signature(secret.get_secret_value(), delivery.body) for secret in self._config.webhook_secrets]
        if True not in [hmac.compare_digest(told, one) for one in right]:  # all of them, so it takes the same time
            raise ForgedError("the delivery is not signed with one of the secrets")
        if delivery.headers.get("x-shopify-shop-domain", "").lower() != self._config.shop:
            raise ForgedError("the delivery is of another shop")
        id = delivery.headers.get("x-shopify-webhook-id", "")
        if not _ID.fullmatch(id):
            raise ForgedError("the delivery has no id, or none that can be one")
        _check_time(delivery)
        return id

    def hints(self, delivery: Delivery) -> Sequence[Hint]:
        topic = delivery.headers.get("x-shopify-topic", "")
        body = _body(delivery.body)
        hints = self._merge(body) if topic == MERGED else TOPICS[topic](body) if topic in TOPICS else []
        return [hint for hint in hints if hint.feed in self._config.feeds]

    def _merge(self, body: Body) -> list[Hint]:
        kept, gone = (_gid(body, f"admin_graphql_api_customer_{which}_id") for which in ("kept", "deleted"))
        job = body.get("admin_graphql_api_job_id")
        if isinstance(job, str) and _ID.fullmatch(job):
            self._merges[gone] = (job, kept)
        if len(self._merges) > REMEMBERED:
            self._merges.popitem(last=False)
        return [Hint("customers", kept), Hint("customers", gone)]

    def _topics(self) -> list[str]:
        feeds = self._config.feeds
        needs = {"products": "products", "inventory_levels": "stock", "customers": "customers"}
        return [topic for topic in (*TOPICS, MERGED) if needs.get(topic.partition("/")[0], "orders") in feeds]

    async def _subscriptions(self) -> list[tuple[str, str]]:
        found: list[tuple[str, str]] = []
        after = None
        while True:
            page = connection_of(
                await self._client.ask(SUBSCRIPTIONS, after=after), "webhookSubscriptions", SUBSCRIPTIONS
            )
            found += [(str(one.get("topic")), str(one.get("uri"))) for one in map(answers.mapping, page["nodes"])]
            if (after := following(page, after)) is None:
                return found


def signature(secret: str, body: bytes) -> bytes:
    """How Shopify signs: HMAC-SHA256 over the raw body, in base64."""
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest())


def _check_time(delivery: Delivery) -> None:
    try:
        at = datetime.fromisoformat(delivery.headers.get("x-shopify-triggered-at", ""))
        age = delivery.received_at - at
    except (ValueError, TypeError) as error:
        raise ForgedError("the delivery does not say when it was triggered") from error
    if not -EARLIEST <= age <= OLDEST:
        raise StaleError("the delivery was triggered at another time")


def _check(answer: Mapping[str, Any], topic: str) -> None:
    payload = answer.get("webhookSubscriptionCreate")
    if not isinstance(payload, dict):
        raise ContractError("Subscribe answered without a payload")
    if payload.get("userErrors"):
        raise RejectedError(f"the shop refuses to send {topic} to the gateway's address", "SUBSCRIPTION_REFUSED")


def _body(body: bytes) -> Body:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ContractError("the delivery's body is not JSON") from error
    if not isinstance(found, dict):
        raise ContractError("the delivery's body is no object")
    return found


def _number(body: Body, field: str) -> str:
    value = body.get(field)
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ContractError(f"the delivery's {field} is no id")
    if not _NUMBER.fullmatch(str(value)) or int(value) >= 2**63:
        raise ContractError(f"the delivery's {field} is no id")
    return str(value)


def _gid(body: Body, field: str) -> str:
    try:
        return answers.number(body, "Customer", field)
    except InvalidValueError as error:
        raise ContractError(f"the delivery's {field} is no id") from error
