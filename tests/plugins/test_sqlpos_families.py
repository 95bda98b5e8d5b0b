"""Tills on the schemas of Openbravo POS, uniCenta oPOS and Chromis, with their keys and constraints."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from unittest.mock import patch

import pytest
import sqlalchemy as sa

from gateway.sdk import (
    AdjustStock,
    ContractError,
    Done,
    Gone,
    Money,
    MovementReason,
    OrderLineRecord,
    OrderRecord,
    PaymentStatus,
    PlaceOrder,
    Ref,
    Refused,
    Write,
)
from gateway.sdk.testing.sandbox import SandboxError, World, WorldProduct, build_small_world
from gateway_sqlpos import open_channel, till_schema
from gateway_sqlpos.config import SqlPosConfig
from gateway_sqlpos_sandbox import Family, open_sandbox
from gateway_sqlpos_sandbox.seed import derive_product_id
from tests.plugins.conftest import AT_WORK, MakeTill, OpenTill, build_context

pytestmark = [pytest.mark.anyio, pytest.mark.long]
TEA, MUG, LARGE_MUG = (derive_product_id(sku) for sku in ("TEA-1", "MUG-1", "MUG-2"))
WRITING = {"stock_movements": True, "receipts": True}
SUMMER = datetime(2011, 7, 1, 10, 30, tzinfo=UTC)
OpenFamily = Callable[..., Awaitable[OpenTill]]


@pytest.fixture
async def open_family(mariadb_url: str) -> AsyncIterator[OpenFamily]:
    """Opens a till of a family on MariaDB, where the case of tables matters."""
    opened: list[OpenTill] = []

    async def make(family: Family, world: World | None = None, **options: Any) -> OpenTill:
        sandbox = await open_sandbox(mariadb_url, world or build_small_world(), family)
        clock = build_context()
        opened.append(OpenTill(sandbox, open_channel(SqlPosConfig(**{**sandbox.config, **options}), clock), clock))
        return opened[-1]

    yield make
    for till in opened:
        await till.channel.close()
        await till.sandbox.close()


def build_order(*lines: tuple[str, int], key: str = "1" * 32, price: str = "3.06", **more: Any) -> PlaceOrder:
    """Build the command for an order of products, by ID and quantity."""
    unit = Money.of(price, "GBP")
    records = [
        OrderLineRecord(
            ref=Ref(str(number)), variant=id, title="A", quantity=quantity, unit_price=unit, fulfilled_quantity=0
        )
        for number, (id, quantity) in enumerate(lines)
    ]
    total = Money(unit.minor * sum(quantity for _, quantity in lines), "GBP")
    order = OrderRecord(
        ref=Ref(key),
        number="1001",
        placed_at=AT_WORK,
        place="london",
        lines=records,
        tax_included=True,
        total=total,
        payment_status=PaymentStatus.PAID,
    )
    return PlaceOrder(key=key, subject=Ref("order"), order=replace(order, **more))


def build_adjustment(product: str, delta: int, key: str = "2" * 32) -> AdjustStock:
    """Build the command for a movement in London."""
    return AdjustStock(key=key, subject=Ref(product), place="london", delta=delta, reason=MovementReason.SALE)


def get_write(till: OpenTill, command: type[Any]) -> Write[Any]:
    """Return the write of a command."""
    return next(write for write in till.channel.writes if write.of is command)


async def send(till: OpenTill, command: Any) -> Any:
    """Send a command and return its outcome."""
    (outcome,) = await get_write(till, type(command)).send([command])
    return outcome


async def read_counts(till: OpenTill) -> dict[tuple[str, str], int]:
    """Read the stock feed."""
    return {(record.item, record.place): record.on_hand for record in await till.read_records("stock")}


async def list_rows(till: OpenTill, name: str) -> list[Any]:
    """List the rows of a table of the till, with the keys of its columns."""
    table = getattr(till.sandbox.tables, name)
    columns = [column.label(column.key) for column in table.c]
    return await till.sandbox.run(lambda conn: list(conn.execute(sa.select(*columns))))


# ------------------------------------------------------------------------------------------------ the three families


@pytest.mark.parametrize("family", Family)
async def test_every_feed_reads_the_tables_of_the_family_with_the_built_in_profile(
    open_family: OpenFamily, family: Family
) -> None:
    till = await open_family(family)
    sale = await till.sandbox.sell("TEA-1", 2, "london", at=SUMMER)
    assert {record.variants[0].sku for record in await till.read_records("products")} == {"TEA-1", "MUG-1", "MUG-2"}
    assert (await read_counts(till))[TEA, "london"] == 10
    assert [record.display_name for record in await till.read_records("customers")] == ["Ada Byron"]
    orders = {order.ref.id: order for order in await till.read_records("receipts")}
    assert (orders[sale].placed_at, orders[sale].place, orders[sale].total) == (SUMMER, "london", Money(612, "GBP"))
    assert len(orders) == 2
    assert [location.id for location in await till.channel.places()] == ["leeds", "london"]


@pytest.mark.parametrize("family", Family)
async def test_a_movement_and_an_order_satisfy_the_constraints_of_the_family(
    open_family: OpenFamily, family: Family
) -> None:
    till = await open_family(family, **WRITING)
    till.clock.time = SUMMER
    assert await send(till, build_adjustment(TEA, -2)) == Done(moved_stock=True)
    outcome = await send(till, build_order((TEA, 3), (MUG, 1)))
    assert isinstance(outcome, Done) and outcome.moved_stock
    counts = await read_counts(till)
    assert (counts[TEA, "london"], counts[MUG, "london"]) == (7, -3)
    (stock,) = [one for one in await till.read_records("stock") if (one.item, one.place) == (TEA, "london")]
    assert sorted(stock.contains) == ["1" * 32, "2" * 32]
    (order,) = [one for one in await till.read_records("receipts") if one.client_reference]
    assert (order.placed_at, order.place, order.payment_status) == (SUMMER, "london", PaymentStatus.PAID)
    assert await send(till, build_order((TEA, 1), key="3" * 32)) == Done(ref=Ref("gw-" + "3" * 32), moved_stock=True)
    assert len([row for row in await list_rows(till, "closedcash") if row.host.startswith("gateway")]) == 1


@pytest.mark.parametrize("family", Family)
async def test_a_sale_is_in_the_hour_of_its_date_in_the_family(open_family: OpenFamily, family: Family) -> None:
    till = await open_family(family)
    till.clock.time = SUMMER + timedelta(hours=1)
    await till.sandbox.sell("TEA-1", 1, "leeds", at=SUMMER)
    mark = await till.mark()
    assert await till.read_items("receipts", mark) == []
    late = await till.sandbox.sell("TEA-1", 1, "leeds", at=SUMMER - timedelta(hours=70))
    assert [raw.id for raw in await till.read_items("receipts", mark)] == [late]


@pytest.mark.parametrize("family", [Family.OPENBRAVO, Family.CHROMIS])
async def test_the_proof_uppercase_tables_are_not_found_by_lowercase_names(
    open_family: OpenFamily, family: Family
) -> None:
    till = await open_family(family)
    with patch.object(till_schema, "_find_spelling", lambda name, names: name), pytest.raises(ContractError):
        await till.read_records("products")


@pytest.mark.parametrize("family", Family)
async def test_a_product_that_was_sold_cannot_be_deleted_at_the_till(open_family: OpenFamily, family: Family) -> None:
    till = await open_family(family)
    with pytest.raises(SandboxError, match="was sold or moved"):
        await till.sandbox.product("TEA-1", deleted=True)
    await till.sandbox.product("MUG-2", deleted=True)
    assert isinstance((await till.fetch_records("products", LARGE_MUG))[LARGE_MUG], Gone)


async def test_dates_that_are_instants_are_exact_where_a_local_time_would_be_ambiguous(open_family: OpenFamily) -> None:
    till = await open_family(Family.CHROMIS, replace(build_small_world(), receipts=()))
    first, second = (datetime(2011, 10, 30, hour, 30, tzinfo=UTC) for hour in (0, 1))  # both 01:30 in London
    for at in (first, second):
        await till.sandbox.sell("TEA-1", 1, "leeds", at=second)
        sale = (await list_rows(till, "receipts"))[-1].id
        utc = at.strftime("%Y-%m-%d %H:%M:%S")
        await till.execute(sa.text(f"UPDATE RECEIPTS SET DATENEW = '{utc}' WHERE ID = '{sale}'"))
    assert {order.placed_at for order in await till.read_records("receipts")} == {second} | {first}


# ------------------------------------------------------------------------------------------------ taxes


@pytest.mark.parametrize("family", [Family.OPENBRAVO, Family.CHROMIS])
async def test_the_rate_with_the_latest_begin_that_is_past_applies(open_family: OpenFamily, family: Family) -> None:
    till = await open_family(family, **WRITING)
    taxes = till.sandbox.tables.taxes
    begins = {"old": datetime(2001, 1, 1), "now": datetime(2011, 1, 4), "next": datetime(2011, 3, 2)}  # noqa: DTZ001
    rates = {"old": 0.175, "now": 0.25, "next": 0.3}
    row = {"category": "001", "ratecascade": False}
    added = [{"id": id, "name": id, "rate": rates[id], "validfrom": begins[id], **row} for id in begins]
    await till.execute(*(sa.insert(taxes).values(one) for one in added))
    assert isinstance(await send(till, build_order((TEA, 2), price="2.50")), Done)
    (line,) = [one for one in await list_rows(till, "ticketlines") if one.ticket.startswith("gw-")]
    (tax,) = [one for one in await list_rows(till, "taxlines") if one.receipt.startswith("gw-")]
    assert (line.taxid, line.price, tax.taxid, tax.base, tax.amount) == ("now", 2.0, "now", 4.0, 1.0)


async def test_two_rates_with_one_begin_leave_it_open_which_applies(open_family: OpenFamily) -> None:
    till = await open_family(Family.OPENBRAVO, **WRITING)
    taxes = till.sandbox.tables.taxes
    row = {"category": "001", "ratecascade": False, "validfrom": datetime(2001, 1, 1)}  # noqa: DTZ001
    await till.execute(*(sa.insert(taxes).values(id=id, name=id, rate=0.1, **row) for id in ("a", "b")))
    outcome = await send(till, build_order((TEA, 1)))
    assert isinstance(outcome, Refused) and outcome.code == "NO_TAX"


async def test_a_line_names_what_the_till_needs_to_reopen_the_receipt(open_till: MakeTill) -> None:
    till = await open_till(**WRITING)
    zero = sa.insert(till.sandbox.tables.taxcategories).values(id="000", name="None")
    free = sa.insert(till.sandbox.tables.taxes).values(id="000", name="None", category="000", rate=0.0)
    await till.execute(zero, free)
    delivered = build_order((TEA, 1), total=Money(606, "GBP"), shipping_total=Money(300, "GBP"))
    assert isinstance(await send(till, delivered), Done)
    tea, delivery = (one for one in await list_rows(till, "ticketlines") if one.ticket.startswith("gw-"))
    assert b'<entry key="product.taxcategoryid">001</entry>' in tea.attributes
    assert b'<entry key="product.categoryid">' in tea.attributes and b'<entry key="product.com">' in tea.attributes
    assert b'<entry key="product.taxcategoryid">000</entry>' in delivery.attributes


async def test_an_unpaid_order_owes_no_debt_of_a_customer_of_the_till(open_till: MakeTill) -> None:
    till = await open_till(**WRITING)
    await send(till, build_order((TEA, 1), payment_status=PaymentStatus.UNPAID))
    (paid,) = [one for one in await list_rows(till, "payments") if one.receipt.startswith("gw-")]
    assert paid.payment == "gateway-open"
    (order,) = [one for one in await till.read_records("receipts") if one.client_reference]
    assert order.payment_status is PaymentStatus.UNPAID


# ------------------------------------------------------------------------------------------------ numbers


async def test_two_connections_never_take_one_receipt_number(open_till: MakeTill) -> None:
    tills = [await open_till(**WRITING) for _ in range(2)]
    orders = [build_order((TEA, 1), key=f"{number:032}") for number in range(12)]
    outcomes = await asyncio.gather(*(send(tills[number % 2], order) for number, order in enumerate(orders)))
    assert all(isinstance(outcome, Done) for outcome in outcomes)
    numbers = sorted((row.ticketid for row in await list_rows(tills[0], "tickets") if row.ticketid < 0), reverse=True)
    assert numbers == list(range(-1, -13, -1))


# ------------------------------------------------------------------------------------------------ bundles and services


async def add_bundle(till: OpenTill, **components: float) -> str:
    """Add a bundle of products, by SKU, and return its ID."""
    tables = till.sandbox.tables
    row = {"id": "box", "reference": "BOX", "code": "BOX", "name": "Box", "pricesell": 9.0}
    parts = [
        {"id": f"part {number}", "product": "box", "product_bundle": derive_product_id(sku), "quantity": quantity}
        for number, (sku, quantity) in enumerate(components.items())
    ]
    await till.execute(
        sa.insert(tables.products).values(**row, category="000", taxcat="001"),
        *(sa.insert(tables.products_bundle).values(part) for part in parts),
    )
    return "box"


async def test_a_bundle_of_several_products_is_as_many_as_they_make_up(open_till: MakeTill) -> None:
    till = await open_till()
    box = await add_bundle(till, **{"TEA-1": 2.0, "MUG-2": 1.0})
    await till.execute(
        sa.insert(till.sandbox.tables.stockcurrent).values(location="london", product=LARGE_MUG, units=5)
    )
    counts = await read_counts(till)
    assert (counts[box, "london"], counts[box, "leeds"]) == (5, 0)
    await till.sandbox.sell("BOX", 2, "london")
    counts = await read_counts(till)
    assert (counts[TEA, "london"], counts[LARGE_MUG, "london"], counts[box, "london"]) == (8, 3, 3)
    (product,) = [one for one in await till.read_records("products") if one.ref.id == box]
    assert (product.variants[0].inventory_item, product.variants[0].units_per_listing) == (box, 1)


async def test_a_bundle_of_one_product_is_a_pack_of_it(open_till: MakeTill) -> None:
    till = await open_till()
    box = await add_bundle(till, **{"TEA-1": 3.0})
    (product,) = [one for one in await till.read_records("products") if one.ref.id == box]
    assert (product.variants[0].inventory_item, product.variants[0].units_per_listing) == (TEA, 3)
    assert box not in {record.item for record in await till.read_records("stock")}


@pytest.mark.parametrize("as_receipt", [False, True])
async def test_what_we_sell_of_a_bundle_moves_its_components(open_till: MakeTill, as_receipt: bool) -> None:
    till = await open_till(**WRITING)
    box = await add_bundle(till, **{"TEA-1": 2.0, "MUG-1": 1.0})
    command: Any = build_order((box, 2)) if as_receipt else build_adjustment(box, -2, "1" * 32)
    assert isinstance(await send(till, command), Done)
    stock = {(one.item, one.place): one for one in await till.read_records("stock")}
    assert (stock[TEA, "london"].on_hand, stock[MUG, "london"].on_hand) == (8, -4)
    assert {key: tuple(one.contains) for key, one in stock.items() if one.contains} == {
        (id, "london"): ("1" * 32,) for id in (TEA, MUG, box)
    }
    assert [row.product for row in await list_rows(till, "stockdiary") if row.id.startswith("gw-")] == [box]
    assert box not in {row.product for row in await list_rows(till, "stockcurrent")}


async def test_a_bundle_of_bundles_moves_the_products_in_them(open_till: MakeTill) -> None:
    till = await open_till(**WRITING)
    await add_bundle(till, **{"TEA-1": 2.0})
    tables = till.sandbox.tables
    row = {"id": "crate", "reference": "CRATE", "code": "CRATE", "name": "Crate", "pricesell": 9.0}
    await till.execute(
        sa.insert(tables.products).values(**row, category="000", taxcat="001"),
        sa.insert(tables.products_bundle).values(id="c", product="crate", product_bundle="box", quantity=2.0),
    )
    assert isinstance(await send(till, build_adjustment("crate", -1)), Done)
    assert (await read_counts(till))[TEA, "london"] == 8


async def test_a_bundle_that_contains_itself_is_not_counted_and_not_moved(open_till: MakeTill) -> None:
    till = await open_till(**WRITING)
    await add_bundle(till, **{"TEA-1": 2.0})
    loop = {"id": "loop", "product": "box", "product_bundle": "box", "quantity": 1.0}
    await till.execute(sa.insert(till.sandbox.tables.products_bundle).values(loop))
    assert "box" not in {record.item for record in await till.read_records("stock")}
    for command in (build_adjustment("box", -1), build_order(("box", 1))):
        outcome = await send(till, command)
        assert isinstance(outcome, Refused) and outcome.code == "BUNDLE"
    assert (await read_counts(till))[TEA, "london"] == 12


async def test_a_service_has_no_stock_and_moves_none(open_till: MakeTill) -> None:
    world = build_small_world()
    repair = WorldProduct(sku="REPAIR", title="Repair", price=Decimal(5))
    till = await open_till(replace(world, products=(*world.products, repair)), **WRITING)
    id, products = derive_product_id("REPAIR"), till.sandbox.tables.products
    await till.execute(sa.update(products).where(products.c.id == id).values(isservice=True))
    (product,) = [one for one in await till.read_records("products") if one.ref.id == id]
    assert product.variants[0].tracked is False
    assert id not in {record.item for record in await till.read_records("stock")}
    await till.sandbox.sell("REPAIR", 1, "london")
    assert isinstance(await send(till, build_order((id, 1), (TEA, 1))), Done)
    refused = await send(till, build_adjustment(id, -1))
    assert isinstance(refused, Refused) and refused.code == "NO_STOCK"
    assert id not in {row.product for name in ("stockdiary", "stockcurrent") for row in await list_rows(till, name)}
    assert (await read_counts(till))[TEA, "london"] == 11


# ------------------------------------------------------------------------------------------------ configured rows


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"clerk": "7", **WRITING}, r"the till has no user 7 \(people\); correct clerk"),
        ({"tills": {"till-london": "paris"}}, r"the till has no location paris \(locations\); correct tills"),
    ],
)
async def test_a_row_that_the_configuration_names_and_the_till_lacks_is_reported_at_once(
    open_till: MakeTill, options: dict[str, Any], message: str
) -> None:
    till = await open_till(**options)
    for feed in ("products", "stock", "customers", "receipts"):
        with pytest.raises(ContractError, match=message):
            await till.read_items(feed)


async def test_a_till_gets_nothing_from_a_clerk_that_it_does_not_have(open_till: MakeTill) -> None:
    till = await open_till(clerk="7", **WRITING)
    assert isinstance(await send(till, build_order((TEA, 1))), ContractError)
    await till.execute(sa.insert(till.sandbox.tables.people).values(id="7", name="Web", visible=True))
    assert isinstance(await send(till, build_order((TEA, 1))), Done)


async def test_customers_that_the_till_hides_stay_out(open_till: MakeTill) -> None:
    till = await open_till()
    (customer,) = await till.read_records("customers")
    customers = till.sandbox.tables.customers
    await till.execute(sa.update(customers).values(visible=False))
    assert await till.read_items("customers") == []
    assert isinstance((await till.fetch_records("customers", customer.ref.id))[customer.ref.id], Gone)
    await till.execute(sa.update(customers).values(visible=True))
    assert [raw.id for raw in await till.read_items("customers")] == [customer.ref.id]
