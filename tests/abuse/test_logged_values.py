"""Secrets and personal data are in no line of the log, whatever fails."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy.engine import Connection

from gateway.runtime.log_format import JsonFormatter, LineFormatter, TextFormatter
from gateway.runtime.process import run_logged
from gateway.runtime.status_log import StatusLog
from gateway.sdk.errors import RejectedError, UnavailableError
from gateway.sdk.testing import record_builders
from gateway.sdk.testing.fault_injection import raise_error
from gateway.settings.secrets import collect_secrets
from tests.graphql.mutation_documents import build_document
from tests.graphql.shopper import TRUSTING, Shopper, build_stores, make_key
from tests.graphql.world import ADMIN, TOKENS, World, open_world
from tests.graphql.writable_channels import select_variant_id

pytestmark = [pytest.mark.anyio, pytest.mark.any_database]

SIGNING_SECRET = "planted-secret-that-signs-tokens"
CONFIGURED_TOKEN = "planted-token-of-the-configuration"
DATABASE_PASSWORD = "planted-database-password"
CHANNEL_PASSWORD = "planted-password-of-a-channel"
WRONG_TOKEN = "planted-token-that-is-unknown"
CART_TOKEN = "planted-cart-token"
ORDER_TOKEN = "planted-order-token"
PICKUP_CODE = "PLANTED-7Q4K"
IDEMPOTENCY_KEY = "planted-idempotency-key"
NAME = "Plantagenet"
EMAIL = "planted@example.com"
OTHER_EMAIL = "planted.guest+shop@mail.example.org"
PHONE = "+44 20 7946 0123"
STREET = "12 Plantation Row"
POSTCODE = "PL4 9NT"
LOYALTY_CARD = "9900001234567"
SEARCH_TEXT = "planted search words"
NOTE = "leave the plant at the door"
DEVICE = "planted-device-name"
REFERENCE = "pi_planted_payment"
PLANTED = (
    *(SIGNING_SECRET, CONFIGURED_TOKEN, DATABASE_PASSWORD, CHANNEL_PASSWORD, WRONG_TOKEN, CART_TOKEN, ORDER_TOKEN),
    *(PICKUP_CODE, IDEMPOTENCY_KEY, NAME, EMAIL, OTHER_EMAIL, PHONE, STREET, POSTCODE, LOYALTY_CARD, SEARCH_TEXT),
    *(NOTE, DEVICE, REFERENCE),
)
PERSON = f"{NAME}, {STREET}, {POSTCODE}, {EMAIL}, {PHONE}, card {LOYALTY_CARD}: {NOTE}"
"""What the text of an unexpected exception may quote."""


class RecordedLog(logging.Handler):
    """Formats every record in all formats of the log."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.formats: list[LineFormatter] = []
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines += [format_.format(record) for format_ in self.formats]


@pytest.fixture
def log() -> Iterator[RecordedLog]:
    """The log of the test."""
    handler, root, own = RecordedLog(), logging.getLogger(), logging.getLogger("gateway")
    level = own.level
    own.setLevel(logging.INFO)
    root.addHandler(handler)
    yield handler
    root.removeHandler(handler)
    own.setLevel(level)


def build_tables() -> dict[str, Any]:
    return {
        **TRUSTING,
        "selling": {**TRUSTING["selling"], "secret": SIGNING_SECRET},
        "tokens": {**TOKENS, "till": {"token": CONFIGURED_TOKEN, "scopes": []}},
    }


async def test_twenty_planted_values_are_in_no_line(database_url: str, log: RecordedLog) -> None:
    assert len(PLANTED) == 20
    async with open_world(database_url, build_stores(), **build_tables()) as world:
        secrets = collect_secrets(world.gateway.settings)
        log.formats = [TextFormatter(secrets), JsonFormatter(secrets)]
        status = StatusLog(world.gateway)
        await send_requests(world)
        await fail_channels(world)
        await status.observe()
        await fail_background_work(world)
        await fail_requests(world)
        world.stores["till"].mend()
    text = "\n".join(log.lines)
    assert {name: name in text for name in PLANTED} == dict.fromkeys(PLANTED, False)
    for words in ("raised ValueError", "channel till is D", "failed at", "is dead", "are rejected", "RuntimeError"):
        assert words in text, "a failure that is not logged proves nothing"


async def send_requests(world: World) -> None:
    """Send requests that are refused, or that carry personal data."""
    ask = world.client.ask
    await ask("{ viewer { name } }", WRONG_TOKEN)
    await ask("{ viewer { name } }", CONFIGURED_TOKEN)
    await ask("query ($text: String!) { products(search: $text) { nodes { title } } }", text=SEARCH_TEXT)
    by = {"guest": {"channelKey": "web", "number": "1", "email": OTHER_EMAIL}}
    await ask("query ($by: OrderIdentifierInput!) { order(by: $by) { number } }", by=by)
    await ask("query ($token: String!) { cart(token: $token) { id } }", token=CART_TOKEN)
    await ask("query ($token: String!) { order(by: { accessToken: $token }) { id } }", token=ORDER_TOKEN)
    await place_order(world)


async def place_order(world: World) -> None:
    """Place an order that the channel rejects with personal data in its text, so that its command dies."""
    shopper = Shopper(world)
    await shopper.fill("web", TEE_B=1)
    option = await shopper.find_option("SHIPPING", "depot")
    address = {"line1": STREET, "city": "London", "postalCode": POSTCODE, "countryCode": "GB", "name": NAME}
    with world.stores["web"].under(raise_error(RejectedError(f"no orders of {EMAIL}")), method="send"):
        await shopper.submit(option, contact={"name": NAME, "email": EMAIL, "phone": PHONE}, shippingAddress=address)
        world.clock.forward(minutes=10)
        await world.gateway.run_due()


async def fail_channels(world: World) -> None:
    """Let plugins and channels fail with texts that they must not have."""
    till = world.stores["till"]
    till.put("products", record_builders.build_product("bad", title=NAME, price="-1.00"))
    unavailable = UnavailableError(f"{EMAIL} {PHONE} ask for postgres://u:{DATABASE_PASSWORD}@x/y")
    till.apply(raise_error(ValueError(PERSON)), feed="orders", times=1)
    world.clock.forward(hours=1)
    await world.gateway.run_due()
    till.apply(raise_error(unavailable))
    world.clock.forward(hours=1)
    await world.gateway.run_due()


async def fail_background_work(world: World) -> None:
    async def fail() -> None:
        raise RuntimeError(f"{PERSON} {CHANNEL_PASSWORD} {DEVICE} {REFERENCE}")

    await run_logged(fail, "work of the test")


async def fail_requests(world: World) -> None:
    """Let requests fail inside the gateway, with the values of the client as parameters."""
    lines = [{"variantId": await select_variant_id(world, "TEE-B"), "quantity": 1}]
    await world.gateway.database.write(break_tables)
    given = {"channelKey": "web", "lines": lines, "idempotencyKey": IDEMPOTENCY_KEY}
    await world.client.ask(build_document("cartCreate"), input=given)
    await world.client.ask("query ($token: String!) { cart(token: $token) { id } }", token=CART_TOKEN)
    collect = {"fulfillmentId": "x", "pickupCode": PICKUP_CODE, "idempotencyKey": make_key()}
    await world.client.ask(build_document("fulfillmentCollect"), ADMIN, input=collect)


def break_tables(conn: Connection) -> None:
    for table in ("carts", "idempotency", "fulfillments"):
        conn.exec_driver_sql(f"ALTER TABLE {table} RENAME TO broken_{table}")
