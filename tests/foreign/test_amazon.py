"""Clients of the Selling Partner API that others wrote work with the sandbox, each with its own retries.

`make foreign-amazon` installs them. Without them, the tests are skipped by name.
"""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from gateway.sdk.testing.sandbox import World, WorldLine, WorldProduct, WorldReceipt
from gateway_amazon_sandbox import AmazonSandbox, start
from gateway_amazon_sandbox.login import CLIENT_ID, CLIENT_SECRET, REFRESH
from gateway_amazon_sandbox.rate_limits import TOKEN_LIFETIME
from gateway_amazon_sandbox.sandbox import SELLER, STORE
from tests.plugins.amazon import build_world, count_throttled

pytestmark = [pytest.mark.anyio, pytest.mark.long]
HERE = Path(__file__).parent / "amazon"
PYTHON = HERE.parents[2] / ".venv" / "foreign-amazon" / "bin" / "python"
PACKAGES = HERE / "node_modules" / "amazon-sp-api"
SKU = "P00000"
SINCE = datetime(2026, 1, 1, tzinfo=UTC)
LISTINGS, STOCK, ORDERS = 45, 60, 130
PATCH = {
    "productType": "PRODUCT",
    "patches": [
        {
            "op": "merge",
            "path": "/attributes/fulfillment_availability",
            "value": [{"fulfillment_channel_code": "DEFAULT", "quantity": 3}],
        }
    ],
}


@dataclass(frozen=True)
class ForeignClient:
    """A client: its package and script, and the errors that it raises."""

    package: str
    script: str
    errors: Mapping[str, str]
    retries: bool = True

    def find_command(self) -> list[str]:
        """Return the command that runs the script; skip the test if the package is not installed."""
        node = shutil.which("node")
        if self.script.endswith(".cjs"):
            if node is None or not PACKAGES.is_dir():
                pytest.skip(f"npm: {self.package} is not installed (make foreign-amazon)")
            return [node, str(HERE / self.script)]
        if not PYTHON.exists():
            pytest.skip(f"PyPI: {self.package} is not installed (make foreign-amazon)")
        return [str(PYTHON), str(HERE / self.script)]


CLIENTS = (
    ForeignClient(
        "python-amazon-sp-api",
        "sp_api_client.py",
        {
            "invalid": "SellingApiBadRequestException",
            "missing": "SellingApiNotFoundException",
            "denied": "SellingApiForbiddenException",
            "login": "AuthorizationError",
        },
    ),
    ForeignClient(
        "amzn-sp-api",
        "spapi_sdk.py",
        {"invalid": "400 InvalidInput", "missing": "404 NotFound", "denied": "403 Unauthorized"},
        retries=False,
    ),
    ForeignClient(
        "amazon-sp-api",
        "sp_api.cjs",
        {
            "invalid": "CustomError InvalidInput",
            "missing": "CustomError NotFound",
            "denied": "CustomError Unauthorized",
            "login": "CustomError invalid_grant",
        },
    ),
)


@pytest.fixture(params=CLIENTS, ids=[client.package for client in CLIENTS])
def client(request: pytest.FixtureRequest) -> ForeignClient:
    """The client to run."""
    assert isinstance(request.param, ForeignClient)
    return request.param


def build_pages_world() -> World:
    """Build a world of which no client gets everything on one page."""
    own = [WorldProduct(sku=f"P{number:05}", title="A", price=Decimal(1)) for number in range(LISTINGS)]
    fba = [WorldProduct(sku=f"F{number:05}", title="A", price=Decimal(1)) for number in range(STOCK)]
    receipts = [
        WorldReceipt(
            number=number,
            at=SINCE + timedelta(minutes=number),
            place="leeds",
            lines=(WorldLine(SKU, 1, Decimal(1)),),
        )
        for number in range(ORDERS)
    ]
    stock = {(product.sku, location): 5 for group, location in ((own, "leeds"), (fba, "fba")) for product in group}
    return replace(build_world(), products=[*own, *fba], stock=stock, receipts=receipts)


@dataclass
class Account:
    """A sandbox, and the runs of clients against it."""

    sandbox: AmazonSandbox
    scale: float

    async def run(self, client: ForeignClient, step: str, **more: Any) -> Any:
        """Run a step of a client and return what it printed."""
        known = {"address": self.sandbox.config["endpoint"], "store": STORE, "seller": SELLER, "sku": SKU}
        login = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "refresh_token": REFRESH}
        account = {**known, **login, "since": SINCE.isoformat().replace("+00:00", "Z"), "step": step, **more}
        pipe = asyncio.subprocess.PIPE
        command = [*client.find_command(), json.dumps(account)]
        process = await asyncio.create_subprocess_exec(*command, stdout=pipe, stderr=pipe, cwd=HERE)
        output, complaint = await process.communicate()
        assert process.returncode == 0, complaint.decode(errors="replace")
        return json.loads(output)


async def open_account(directory: Path, scale: float, world: World | None = None) -> Account:
    """Open a sandbox whose clock runs faster by this factor."""
    return Account(await start(world or build_pages_world(), directory, scale=scale), scale)


@pytest.fixture
async def account(tmp_path: Path) -> AsyncIterator[Account]:
    """An account whose rates are never reached."""
    opened = await open_account(tmp_path, 20)
    yield opened
    await opened.sandbox.close()


@pytest.fixture
async def slow_account(tmp_path: Path) -> AsyncIterator[Account]:
    """An account with the real rates."""
    opened = await open_account(tmp_path, 1)
    yield opened
    await opened.sandbox.close()


@pytest.fixture
async def short_account(tmp_path: Path) -> AsyncIterator[Account]:
    """An account whose access tokens live for a second."""
    opened = await open_account(tmp_path, TOKEN_LIFETIME)
    yield opened
    await opened.sandbox.close()


def build_feed(order: str) -> str:
    """Build a feed that confirms the shipment of a whole order."""
    header = (
        f"<Header><DocumentVersion>1.01</DocumentVersion><MerchantIdentifier>{SELLER}</MerchantIdentifier></Header>"
        "<MessageType>OrderFulfillment</MessageType>"
    )
    fulfillment = f"<OrderFulfillment><AmazonOrderID>{order}</AmazonOrderID></OrderFulfillment>"
    message = f"<Message><MessageID>1</MessageID>{fulfillment}</Message>"
    return f"<AmazonEnvelope>{header}{message}</AmazonEnvelope>"


async def test_a_client_logs_in_and_reads_to_the_end(client: ForeignClient, account: Account) -> None:
    found = await account.run(client, "read")
    skus = [f"P{number:05}" for number in range(LISTINGS)] + [f"F{number:05}" for number in range(STOCK)]
    assert sorted(found["listings"]) == sorted(skus)
    assert sorted(found["stock"]) == skus[LISTINGS:]
    assert len(set(found["orders"])) == len(found["orders"]) == ORDERS
    assert found["order"] == found["orders"][0]


async def test_a_client_sends_a_quantity_and_a_shipment(client: ForeignClient, account: Account) -> None:
    order = await account.sandbox.sell(SKU, 1, "leeds")
    found = await account.run(client, "write", patch=PATCH, feed=build_feed(order))
    assert (found["patches"], found["feed"]) == (["VALID", "ACCEPTED"], "DONE")
    assert "<MessagesSuccessful>1</MessagesSuccessful>" in found["report"]
    assert account.sandbox.get_offer(SKU) == 3
    assert account.sandbox.get_order(order)["fulfillment"]["fulfillmentStatus"] == "SHIPPED"


async def test_a_client_raises_the_error_of_each_refusal(client: ForeignClient, account: Account) -> None:
    assert await account.run(client, "errors") == client.errors


async def test_a_client_that_is_throttled_repeats_by_itself(client: ForeignClient, slow_account: Account) -> None:
    found = await slow_account.run(client, "throttle", requests=15)
    throttled = count_throttled(slow_account.sandbox.requests)
    assert throttled > 0
    if client.retries:
        assert found["answers"] == [SKU] * 15
    else:
        assert found["answers"].count("429 QuotaExceeded") == throttled
        assert set(found["answers"]) == {"429 QuotaExceeded", "no error"}


async def test_a_client_that_reads_why_it_is_denied_gets_another_token(short_account: Account) -> None:
    found = await short_account.run(CLIENTS[2], "expiry", token_lifetime=1)
    assert found["answers"] == [SKU] * 2
    assert [one.status for one in short_account.sandbox.requests] == [200, 403, 200]
