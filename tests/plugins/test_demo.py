"""The world of the demo, and the control server that plays events outside the gateway."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import fromstring

import httpx2
import pytest

from examples.demo import generated
from examples.demo.__main__ import DATA, parse_port
from examples.demo.channels import (
    EXTERNAL_LOCATIONS,
    build_worlds,
    mark_changed,
    reset_state,
    start_sandboxes,
    summarize_worlds,
)
from examples.demo.control import ControlContext, create_control_app
from examples.demo.gateway_process import CONFIG, DemoError
from examples.demo.pictures import render_picture
from examples.demo.presentation import COLORS
from examples.demo.retail import COLUMNS, DataError, ReceiptLine, read_receipts
from examples.demo.store import LEEDS
from examples.demo.world import SERVICES, build_world
from examples.oidc.issuer import PEOPLE
from gateway.commerce.inventory.movements import MOVEMENT
from gateway.commerce.outbox.commands import OutboxCommand, enqueue
from gateway.sdk import AdjustStock, MovementReason, Ref, VariantRecord
from gateway.sdk.testing.sandbox import World
from gateway.settings.loading import load
from gateway.storage.database import Database
from gateway.storage.migrate import migrate
from gateway_sqlpos.config import SqlPosConfig
from gateway_sqlpos_sandbox import start

ENVIRONMENT = {
    **dict.fromkeys(("DEMO_WEB_TOKEN", "DEMO_WEB_SECRET", "DEMO_AMAZON_SECRET", "DEMO_AMAZON_TOKEN"), "secret"),
    **dict.fromkeys(("DEMO_WEB", "DEMO_AMAZON", "DEMO_ADDRESS"), "http://127.0.0.1:8124"),
    "DEMO_LOGIN": "http://127.0.0.1:8124/login",
    "DEMO_DATABASE": "sqlite:///gateway.db",
    "DEMO_PORT": "8123",
    "DEMO_TILL": "sqlite:///till.db",
    "DEMO_WEB_LEEDS": "1",
    "DEMO_WEB_MANCHESTER": "2",
}


@pytest.fixture(scope="module")
def world() -> World:
    return build_world(read_receipts(DATA))


@pytest.fixture(scope="module")
def worlds() -> dict[str, World]:
    return build_worlds(read_receipts(DATA), "http://127.0.0.1:9001/pictures")


def build_sale(invoice: str, code: str, quantity: int, price: str, **more: Any) -> ReceiptLine:
    at = datetime.fromisoformat(more.get("at", "2010-12-01 08:26:00"))
    customer, country = more.get("customer", "1"), more.get("country", "United Kingdom")
    return ReceiptLine(
        invoice, code, more.get("description", "A HEART"), quantity, at, Decimal(price), customer, country
    )


def test_the_world_is_the_real_data(world: World) -> None:
    assert (len(world.products), len(world.customers), len(world.receipts)) == (2822, 871, 1757)
    heart = next(product for product in world.products if product.sku == "85123A")
    assert heart.title == "WHITE HANGING HEART T-LIGHT HOLDER"
    folded = {product.sku.casefold() for product in world.products}
    assert len(world.products) - len(folded) == 60


def test_the_same_data_makes_the_store_and_the_marketplace(worlds: dict[str, World]) -> None:
    store, marketplace = worlds["web"], worlds["amazon"]
    assert (len(store.products), len(store.customers), len(store.receipts)) == (2725, 80, 140)
    assert (len(marketplace.products), len(marketplace.customers), len(marketplace.receipts)) == (300, 0, 57)
    assert len({product.group for product in store.products if product.group}) == 164
    assert sum(product.units == 2 for product in marketplace.products) > 5
    numbers = [receipt.number for world in worlds.values() for receipt in world.receipts if not receipt.refund]
    assert len(set(numbers)) == len(numbers), "no receipt is in two channels"


def test_three_customers_buy_at_the_till_and_in_the_store(worlds: dict[str, World]) -> None:
    till, store = ({customer.number: customer for customer in worlds[key].customers} for key in ("till", "web"))
    assert [(till[number].name, store[number].name) for number in sorted(till.keys() & store.keys())] == [
        ("Clara Osborne", "Clara Osborne"),
        ("Marta Whitlock", "Maria Whitlock"),
        ("Edgar Finch", "Edgar Finch"),
    ]
    assert all(till[number].email == store[number].email for number in till.keys() & store.keys())
    assert [receipt.place for receipt in worlds["till"].receipts[-3:]] == [generated.LONDON] * 3


@pytest.mark.parametrize(("subject", "shop"), [("person-1", generated.LONDON), ("person-3", generated.LONDON)])
def test_a_person_who_can_log_in_buys_in_a_shop_and_in_the_web_store(
    worlds: dict[str, World], subject: str, shop: str
) -> None:
    claims = PEOPLE[subject]
    for key, location in (("till", shop), ("web", LEEDS)):
        (customer,) = [one for one in worlds[key].customers if one.email == claims["email"]]
        assert customer.email_verified and customer.given_name == claims["given_name"]
        assert location in {one.place for one in worlds[key].receipts if one.customer == customer.number}


def test_every_product_of_the_store_has_pictures_and_a_description(worlds: dict[str, World]) -> None:
    store = worlds["web"]
    names = {url.removeprefix("http://127.0.0.1:9001/pictures/") for one in store.products for url in one.images}
    assert all(len(one.images) == 3 and one.description for one in store.products)
    for name in names:
        picture = render_picture(name.removesuffix(".svg"))
        assert picture is not None and fromstring(picture).tag == "{http://www.w3.org/2000/svg}svg"


@pytest.mark.parametrize("name", ["mug", "mug-b3262e-210-4", "cat-b3262e-210-1", "mug-%22-210-1", "../mug-b3262e-1-1"])
def test_a_picture_with_another_name_does_not_exist(name: str) -> None:
    assert render_picture(name) is None


def test_one_product_in_six_is_reduced_and_colors_have_swatches(worlds: dict[str, World]) -> None:
    store = worlds["web"]
    reduced = [one for one in store.products if one.compare_at is not None]
    assert 0.1 < len(reduced) / len(store.products) < 0.25
    assert all(one.compare_at is None or one.compare_at > one.price for one in store.products)
    colors = {color for one in store.products for color in dict(one.attributes).get("shop.color", ())}
    by_color = [one for one in store.products if dict(one.options).keys() == {"Color"}]
    assert by_color and all(one.swatch == f"#{COLORS[dict(one.attributes)['shop.color'][0]]}" for one in by_color[:1])
    assert all(one.swatch is not None for one in by_color)
    assert colors == set(COLORS) == set(load(CONFIG, ENVIRONMENT).attributes["color"].values)


async def read_environment(directory: Path) -> dict[str, str]:
    async with start_sandboxes({**build_worlds([build_sale("1", "22423", 1, "2")])}, directory) as twins:
        return dict(twins.environment)


@pytest.mark.anyio
async def test_the_sandboxes_provide_all_values_of_the_configuration(tmp_path: Path) -> None:
    environment = await read_environment(tmp_path)
    assert set(environment) == set(ENVIRONMENT) - {"DEMO_DATABASE", "DEMO_PORT", "DEMO_ADDRESS", "DEMO_LOGIN"}


def test_what_a_twin_forgets_the_gateway_forgets_before_the_next_start(tmp_path: Path) -> None:
    worlds, directory = build_worlds([build_sale("1", "22423", 1, "2")]), tmp_path / "state"
    reset_state(worlds, directory)
    (directory / "gateway.db").touch()
    reset_state(worlds, directory)
    assert (directory / "gateway.db").exists()
    mark_changed(directory)
    reset_state(worlds, directory)
    assert not (directory / "gateway.db").exists()
    (directory / "gateway.db").touch()
    reset_state(build_worlds([build_sale("1", "22423", 2, "2")]), directory)
    assert not (directory / "gateway.db").exists()


@pytest.mark.anyio
@pytest.mark.parametrize(("channel", "forgotten"), [("web", True), ("amazon", True), ("till", False)])
async def test_writes_that_a_restarted_sandbox_forgets_are_forgotten_by_the_gateway_as_well(
    tmp_path: Path, channel: str, forgotten: bool
) -> None:
    worlds, directory = build_worlds([build_sale("1", "22423", 1, "2")]), tmp_path / "state"
    reset_state(worlds, directory)
    database = Database(f"sqlite:///{directory / 'gateway.db'}")
    await migrate(database)
    command = AdjustStock(key="1", subject=Ref("1"), place="1", delta=-1, reason=MovementReason.SALE)
    environment = OutboxCommand(channel=channel, command=command, subject="stock 1 1", about=MOVEMENT)
    await database.write(enqueue, [environment], datetime.now(UTC))
    await database.close()
    reset_state(worlds, directory)
    assert (directory / "gateway.db").exists() is not forgotten


@pytest.mark.anyio
async def test_a_restarted_demo_has_the_sales_of_the_last_run(tmp_path: Path) -> None:
    worlds, directory = build_worlds([build_sale("1", "22423", 1, "2")]), tmp_path / "state"
    reset_state(worlds, directory)
    async with start_sandboxes(worlds, directory) as first:
        order = await first.amazon.sell("22423", 1, "merchant")
        number = await first.web.sell("22423", 1, "leeds")
        await first.web.price("22423", Decimal("9.99"))
        mark_changed(directory)
    (directory / "gateway.db").touch()
    reset_state(worlds, directory)
    assert (directory / "gateway.db").exists(), "nothing is forgotten"
    async with start_sandboxes(worlds, directory) as second:
        assert second.amazon.get_order(order) == first.amazon.get_order(order)
        assert second.web.shop.nodes["Order"][int(number)]["lineItems"][0]["sku"] == "22423"
        assert second.web.shop.get_variant("22423")["price"] == "11.74"
        assert await second.amazon.sell("22423", 1, "merchant") != order, "numbers of orders go on"
        assert int(await second.web.sell("22423", 1, "leeds")) > int(number)
        reset_state(worlds, directory)
        assert not (directory / "gateway.db").exists(), "a run that was killed has saved nothing"


def test_the_world_is_the_same_every_time(world: World) -> None:
    assert build_world(read_receipts(DATA)) == world


def test_a_product_has_its_most_frequent_description_and_its_latest_price() -> None:
    lines = [
        build_sale("1", "A", 1, "2.50", at="2010-12-02 09:00:00"),
        build_sale("2", "A", 1, "2.10", description="HEART"),
        build_sale("3", "A", 1, "2.20"),
        build_sale("4", "A", -5, "0", description="damaged", at="2010-12-03 09:00:00"),
        build_sale("4", "a", 1, "1"),
    ]
    first, second = build_world(lines).products
    assert (first.sku, first.title, first.price) == ("A", "A HEART", Decimal("2.50"))
    assert second.sku == "a"


def test_a_cancellation_is_a_refund_of_the_one_sale_that_fits() -> None:
    lines = [
        build_sale("1", "A", 3, "2.50"),
        build_sale("2", "A", 1, "2.50"),
        build_sale("C3", "A", -2, "2.50", at="2010-12-02 09:00:00"),
        build_sale("C4", "A", -1, "2.50", at="2010-12-02 09:00:00"),
        build_sale("C5", "A", -2, "2.50", at="2010-12-02 09:00:00", customer=None),
    ]
    refunds = {receipt.number: receipt.refunds for receipt in build_world(lines).receipts if receipt.refund}
    assert refunds == {3: 1, 4: None, 5: None}


def test_write_offs_and_sales_abroad_are_no_receipts() -> None:
    lines = [
        build_sale("1", "A", -3, "0", customer=None),
        build_sale("2", "A", 3, "1", country="France"),
        build_sale("A3", "A", 1, "-11062.06"),
        build_sale("4", "A", 1, "0"),
    ]
    assert [receipt.number for receipt in build_world(lines).receipts] == [4]


def test_made_up_barcodes_are_valid(world: World) -> None:
    codes = [product.barcode for product in world.products if product.barcode is not None]
    assert len(set(codes)) == len(codes) == len(world.products) - 11  # services have none
    assert all(VariantRecord(ref=Ref("1"), title="A", gtin=code).gtin for code in codes)
    assert generated.generate_barcode("85123A") == generated.generate_barcode("85123A")


def test_the_configuration_of_the_demo_is_good_and_names_what_the_world_has(world: World) -> None:
    settings = load(CONFIG, ENVIRONMENT)
    assert not settings.failures
    assert set(settings.catalogue.services) == set(SERVICES)
    for channel, locations in EXTERNAL_LOCATIONS.items():
        assert {key for key, table in settings.locations.items() if channel in table.channels} == set(locations)
    assert set(EXTERNAL_LOCATIONS["till"].values()) == {location.id for location in world.places}
    config = SqlPosConfig.model_validate(settings.channels["till"].config)
    assert set(config.tills.values()) == set(EXTERNAL_LOCATIONS["till"].values())


def compress(data: bytes) -> bytes:
    """Compress without a time stamp, or test ids would differ between processes."""
    return gzip.compress(data, mtime=0)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"not gzip", "is not a .csv.gz file"),
        (compress(b""), "expected the columns InvoiceNo"),
        (compress(b"a,b\n1,2\n"), "expected the columns InvoiceNo"),
        (compress(",".join(COLUMNS).encode()), "has no lines"),
        (compress(f"{','.join(COLUMNS)}\n1,A,x,one,2010-12-01 08:26:00,1,1,UK\n".encode()), "line 2 is not of"),
        (compress(f"{','.join(COLUMNS)}\n1,A,x,1,2010-12-01 08:26:00,dear,1,UK\n".encode()), "line 2 is not of"),
        (compress(f"{','.join(COLUMNS)}\n1,A,x\n".encode()), "3 columns, expected 8"),
        (compress(b"\xff\xfe"), "is not UTF-8"),
    ],
)
def test_a_file_that_is_not_of_the_form_is_refused_in_one_line(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "data.csv.gz"
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        read_receipts(path)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_is_said_to_be_so(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="No such file"):
        read_receipts(tmp_path / "nothing.csv.gz")


@pytest.mark.parametrize("port", ["http", "0", "65535", "-1", "8000.5", "٨٠٠٠"])
def test_a_wrong_port_is_refused(port: str) -> None:
    with pytest.raises(DemoError, match="PORT: expected a number from 1 to 65534"):
        parse_port(port)


@pytest.fixture
async def outside(world: World, tmp_path: Path) -> AsyncIterator[httpx2.AsyncClient]:
    products = world.products[:5]
    stock = {key: units for key, units in world.stock.items() if key[0] in {product.sku for product in products}}
    small = World(currency="GBP", time_zone="Europe/London", places=world.places, products=products, stock=stock)
    sandbox = await start(small, tmp_path)
    app = create_control_app(
        ControlContext(
            {"till": sandbox},
            EXTERNAL_LOCATIONS,
            summarize_worlds({"till": small}),
            "http://127.0.0.1:1",
            2,
            lambda: None,
        )
    )
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
        ("product", {"sku": sku, "deleted": True}, 400),  # a till keeps what it has sold
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
