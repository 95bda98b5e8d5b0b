"""The demo's world and the control server that plays the outside one."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx2
import pytest

from examples.demo import made_up
from examples.demo.__main__ import DATA, free_port
from examples.demo.channels import PLACES, forget_others, note_change, started, summary, worlds_of
from examples.demo.control import Outside, control_app
from examples.demo.gateway_process import CONFIG, DemoError
from examples.demo.retail import COLUMNS, DataError, Sold, read
from examples.demo.world import SERVICES, world_of
from gateway.commerce.commands import Wish, wish
from gateway.commerce.ledger import MOVEMENT
from gateway.sdk import AdjustStock, MovementReason, Ref, VariantRecord
from gateway.sdk.testing.sandbox import World
from gateway.settings import load
from gateway.storage.database import Database
from gateway.storage.migrate import migrate
from gateway_sqlpos.config import SqlPosConfig
from gateway_sqlpos.sandbox import start

ENVIRONMENT = {
    **dict.fromkeys(("DEMO_WEB_TOKEN", "DEMO_WEB_SECRET", "DEMO_AMAZON_SECRET", "DEMO_AMAZON_TOKEN"), "secret"),
    **dict.fromkeys(("DEMO_WEB", "DEMO_AMAZON", "DEMO_ADDRESS"), "http://127.0.0.1:8124"),
    "DEMO_DATABASE": "sqlite:///gateway.db",
    "DEMO_PORT": "8123",
    "DEMO_TILL": "sqlite:///till.db",
    "DEMO_WEB_LEEDS": "1",
    "DEMO_WEB_MANCHESTER": "2",
}


@pytest.fixture(scope="module")
def world() -> World:
    return world_of(read(DATA))


def sold(invoice: str, code: str, quantity: int, price: str, **more: Any) -> Sold:
    at = datetime.fromisoformat(more.get("at", "2010-12-01 08:26:00"))
    customer, country = more.get("customer", "1"), more.get("country", "United Kingdom")
    return Sold(invoice, code, more.get("description", "A HEART"), quantity, at, Decimal(price), customer, country)


def test_the_world_is_the_real_data(world: World) -> None:
    assert (len(world.products), len(world.customers), len(world.receipts)) == (2822, 871, 1757)
    heart = next(product for product in world.products if product.sku == "85123A")
    assert heart.title == "WHITE HANGING HEART T-LIGHT HOLDER"
    folded = {product.sku.casefold() for product in world.products}
    assert len(world.products) - len(folded) == 60


def test_the_same_data_makes_the_store_and_the_marketplace() -> None:
    worlds = worlds_of(read(DATA))
    store, marketplace = worlds["web"], worlds["amazon"]
    assert (len(store.products), len(store.customers), len(store.receipts)) == (2725, 77, 137)
    assert (len(marketplace.products), len(marketplace.customers), len(marketplace.receipts)) == (300, 0, 57)
    assert len({product.group for product in store.products if product.group}) == 164
    assert sum(product.units == 2 for product in marketplace.products) > 5
    numbers = [receipt.number for world in worlds.values() for receipt in world.receipts if not receipt.refund]
    assert len(set(numbers)) == len(numbers), "no receipt is in two channels"


async def everything(kept: Path) -> dict[str, str]:
    async with started({**worlds_of([sold("1", "22423", 1, "2")])}, kept) as twins:
        return dict(twins.environment)


@pytest.mark.anyio
async def test_the_twins_tell_the_gateway_all_that_its_configuration_asks_for(tmp_path: Path) -> None:
    told = await everything(tmp_path)
    assert set(told) == set(ENVIRONMENT) - {"DEMO_DATABASE", "DEMO_PORT", "DEMO_ADDRESS"}


def test_what_a_twin_forgets_the_gateway_forgets_before_the_next_start(tmp_path: Path) -> None:
    worlds, kept = worlds_of([sold("1", "22423", 1, "2")]), tmp_path / "state"
    forget_others(worlds, kept)
    (kept / "gateway.db").touch()
    forget_others(worlds, kept)
    assert (kept / "gateway.db").exists()
    note_change(kept)
    forget_others(worlds, kept)
    assert not (kept / "gateway.db").exists()
    (kept / "gateway.db").touch()
    forget_others(worlds_of([sold("1", "22423", 2, "2")]), kept)
    assert not (kept / "gateway.db").exists()


@pytest.mark.anyio
@pytest.mark.parametrize(("channel", "forgotten"), [("web", True), ("amazon", True), ("till", False)])
async def test_what_was_told_to_a_twin_that_forgets_it_the_gateway_forgets_as_well(
    tmp_path: Path, channel: str, forgotten: bool
) -> None:
    worlds, kept = worlds_of([sold("1", "22423", 1, "2")]), tmp_path / "state"
    forget_others(worlds, kept)
    database = Database(f"sqlite:///{kept / 'gateway.db'}")
    await migrate(database)
    command = AdjustStock(key="1", subject=Ref("1"), place="1", delta=-1, reason=MovementReason.SALE)
    told = Wish(channel=channel, command=command, subject="stock 1 1", about=MOVEMENT)
    await database.write(wish, [told], datetime.now(UTC))
    await database.close()
    forget_others(worlds, kept)
    assert (kept / "gateway.db").exists() is not forgotten


def test_the_world_is_the_same_every_time(world: World) -> None:
    assert world_of(read(DATA)) == world


def test_a_product_has_its_most_frequent_description_and_its_latest_price() -> None:
    lines = [
        sold("1", "A", 1, "2.50", at="2010-12-02 09:00:00"),
        sold("2", "A", 1, "2.10", description="HEART"),
        sold("3", "A", 1, "2.20"),
        sold("4", "A", -5, "0", description="damaged", at="2010-12-03 09:00:00"),
        sold("4", "a", 1, "1"),
    ]
    first, second = world_of(lines).products
    assert (first.sku, first.title, first.price) == ("A", "A HEART", Decimal("2.50"))
    assert second.sku == "a"


def test_a_cancellation_is_a_refund_of_the_one_sale_that_fits() -> None:
    lines = [
        sold("1", "A", 3, "2.50"),
        sold("2", "A", 1, "2.50"),
        sold("C3", "A", -2, "2.50", at="2010-12-02 09:00:00"),
        sold("C4", "A", -1, "2.50", at="2010-12-02 09:00:00"),
        sold("C5", "A", -2, "2.50", at="2010-12-02 09:00:00", customer=None),
    ]
    refunds = {receipt.number: receipt.refunds for receipt in world_of(lines).receipts if receipt.refund}
    assert refunds == {3: 1, 4: None, 5: None}


def test_write_offs_and_sales_abroad_are_no_receipts() -> None:
    lines = [
        sold("1", "A", -3, "0", customer=None),
        sold("2", "A", 3, "1", country="France"),
        sold("A3", "A", 1, "-11062.06"),
        sold("4", "A", 1, "0"),
    ]
    assert [receipt.number for receipt in world_of(lines).receipts] == [4]


def test_made_up_barcodes_are_valid(world: World) -> None:
    codes = [product.barcode for product in world.products if product.barcode is not None]
    assert len(set(codes)) == len(codes) == len(world.products) - 11  # services have none
    assert all(VariantRecord(ref=Ref("1"), title="A", gtin=code).gtin for code in codes)
    assert made_up.barcode("85123A") == made_up.barcode("85123A")


def test_the_configuration_of_the_demo_is_good_and_names_what_the_world_has(world: World) -> None:
    settings = load(CONFIG, ENVIRONMENT)
    assert not settings.failures
    assert set(settings.catalogue.services) == set(SERVICES)
    for channel, places in PLACES.items():
        assert {key for key, table in settings.locations.items() if channel in table.channels} == set(places)
    assert set(PLACES["till"].values()) == {place.id for place in world.places}
    config = SqlPosConfig.model_validate(settings.channels["till"].config)
    assert set(config.tills.values()) == set(PLACES["till"].values())


def packed(data: bytes) -> bytes:
    """The same at any time, or no two processes would give the tests the same names."""
    return gzip.compress(data, mtime=0)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"not gzip", "is not a .csv.gz file"),
        (packed(b""), "expected the columns InvoiceNo"),
        (packed(b"a,b\n1,2\n"), "expected the columns InvoiceNo"),
        (packed(",".join(COLUMNS).encode()), "has no lines"),
        (packed(f"{','.join(COLUMNS)}\n1,A,x,one,2010-12-01 08:26:00,1,1,UK\n".encode()), "line 2 is not of"),
        (packed(f"{','.join(COLUMNS)}\n1,A,x,1,2010-12-01 08:26:00,dear,1,UK\n".encode()), "line 2 is not of"),
        (packed(f"{','.join(COLUMNS)}\n1,A,x\n".encode()), "3 columns, expected 8"),
        (packed(b"\xff\xfe"), "is not UTF-8"),
    ],
)
def test_a_file_that_is_not_of_the_form_is_refused_in_one_line(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "data.csv.gz"
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        read(path)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_is_said_to_be_so(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="No such file"):
        read(tmp_path / "nothing.csv.gz")


@pytest.mark.parametrize("port", ["http", "0", "65535", "-1", "8000.5", "٨٠٠٠"])
def test_a_wrong_port_is_refused(port: str) -> None:
    with pytest.raises(DemoError, match="PORT: expected a number from 1 to 65534"):
        free_port(port)


@pytest.fixture
async def outside(world: World, tmp_path: Path) -> AsyncIterator[httpx2.AsyncClient]:
    small = World(
        currency="GBP", time_zone="Europe/London", places=world.places, products=world.products[:5], stock=world.stock
    )
    sandbox = await start(small, tmp_path)
    app = control_app(Outside({"till": sandbox}, PLACES, summary({"till": small}), "http://127.0.0.1:1", lambda: None))
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://outside") as client:
        yield client
    await sandbox.close()


@pytest.mark.anyio
async def test_the_outside_world_sells_changes_and_breaks(outside: httpx2.AsyncClient) -> None:
    sku = "10002"
    world = (await outside.get("/world")).json()
    assert world["till"]["locations"] == ["store-london", "store-manchester"]
    sale = {"sku": sku, "quantity": 2, "location": "store-london"}
    requests: list[tuple[str, dict[str, Any], int]] = [
        ("sell", sale, 200),
        ("sell", {**sale, "quantity": 0}, 400),
        ("sell", {**sale, "quantity": True}, 400),
        ("sell", {**sale, "location": "london"}, 400),
        ("sell", {**sale, "sku": "none such"}, 400),
        ("sell", {**sale, "sku": "\x00"}, 400),
        ("sell", {**sale, "colour": "red"}, 400),
        ("sell", {**sale, "seconds_ago": 120}, 200),
        ("sell", {**sale, "seconds_ago": -1}, 400),
        ("sell", {**sale, "seconds_ago": True}, 400),
        ("price", {"sku": sku, "amount": "2.95"}, 200),
        ("price", {"sku": sku, "amount": 2.5}, 200),
        ("price", {"sku": sku, "amount": "2.955"}, 400),
        ("price", {"sku": sku, "amount": -1}, 400),
        ("price", {"sku": sku, "amount": "NaN"}, 400),
        ("price", {"sku": sku}, 400),
        ("product", {"sku": sku, "title": "ANOTHER"}, 200),
        ("product", {"sku": sku, "deleted": "yes"}, 400),
        ("product", {"sku": sku}, 400),
        ("product", {"sku": sku, "deleted": True}, 200),
        ("product", {"sku": sku, "deleted": True}, 400),
        ("fault", {"mode": "down", "seconds": 5}, 200),
        ("fault", {"mode": "hang"}, 200),
        ("fault", {"mode": "throttle"}, 409),
        ("fault", {"mode": "sulk"}, 400),
        ("fault", {"mode": "down", "seconds": -1}, 400),
        ("fault", {"mode": "ok"}, 200),
    ]
    for path, body, status in requests:
        answer = await outside.post(f"/world/till/{path}", json=body)
        assert (path, body, answer.status_code) == (path, body, status)
        if status != 200:
            assert list(answer.json()) == ["error"]
            assert "\n" not in answer.json()["error"]


@pytest.mark.anyio
@pytest.mark.parametrize("body", [b"", b"[]", b"null", b'"x"', b"{", b"\xff", b"[" * 9_000, b" " * 20_000])
async def test_a_body_that_is_no_object_is_refused_in_one_line(outside: httpx2.AsyncClient, body: bytes) -> None:
    answer = await outside.post("/world/till/fault", content=body)
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("body: ")


@pytest.mark.anyio
async def test_a_channel_that_there_is_not_is_not_found(outside: httpx2.AsyncClient) -> None:
    answer = await outside.post("/world/web/fault", json={"mode": "ok"})
    assert (answer.status_code, answer.json()) == (404, {"error": "there is no channel web; expected one of till"})
