"""Products, stock and customers of a till."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
import sqlalchemy as sa

from gateway.sdk import ContactPoint, Gone, InvalidValueError, Money, Place, ProductRecord, Raw
from gateway.sdk.testing.sandbox import WorldCustomer, WorldPlace, WorldProduct, build_small_world
from gateway_sqlpos.stock_feed import parse_stock_id
from gateway_sqlpos_sandbox import schema
from gateway_sqlpos_sandbox.seed import derive_product_id
from tests.plugins.conftest import MakeTill

pytestmark = pytest.mark.anyio
TEA, MUG, LARGE_MUG = (derive_product_id(sku) for sku in ("TEA-1", "MUG-1", "MUG-2"))


async def test_a_product_is_read_with_its_codes_price_and_category(open_till: MakeTill) -> None:
    till = await open_till()
    found = {record.ref.id: record for record in await till.read_records("products")}
    tea = found[TEA]
    assert isinstance(tea, ProductRecord)
    assert (tea.title, tea.category) == ("Breakfast tea", ("Food", "Tea"))
    (variant,) = tea.variants
    assert (variant.sku, variant.gtin, variant.price) == ("TEA-1", "05012345678900", Money(255, "GBP"))
    assert variant.price_includes_tax is False
    assert found[MUG].variants[0].gtin is None  # its barcode is its own reference


async def test_a_full_pass_names_every_product_once(open_till: MakeTill) -> None:
    products = [WorldProduct(sku=f"P{number}", title="A", price=Decimal(1)) for number in range(1_003)]
    till = await open_till(replace(build_small_world(), products=products, receipts=(), stock={}))
    assert sorted(raw.id for raw in await till.read_items("products")) == sorted(
        derive_product_id(one.sku) for one in products
    )
    assert len({raw.id for raw in await till.read_items("stock")}) == 2 * 1_003


async def test_a_barcode_of_the_shops_own_making_does_not_reject_the_product(open_till: MakeTill) -> None:
    till = await open_till()
    await till.execute(sa.update(schema.products).where(schema.products.c.id == TEA).values(code="5012345678901"))
    (tea,) = [record for record in await till.read_records("products") if record.ref.id == TEA]
    assert tea.variants[0].gtin is None


@pytest.mark.parametrize(("stored", "minor"), [(2.675, 268), (2.1249999999999996, 213), (2.125, 213), (0.0, 0)])
async def test_a_price_is_the_nearest_amount_rounded_half_up(open_till: MakeTill, stored: float, minor: int) -> None:
    till = await open_till()
    await till.sandbox.price("TEA-1", Decimal(repr(stored)))
    (tea,) = [record for record in await till.read_records("products") if record.ref.id == TEA]
    assert tea.variants[0].price == Money(minor, "GBP")


async def test_a_deleted_product_is_gone_and_its_id_may_come_back_as_another_one(open_till: MakeTill) -> None:
    till = await open_till()
    before = (await till.fetch_records("products", LARGE_MUG))[LARGE_MUG]
    await till.sandbox.product("MUG-2", deleted=True)
    assert LARGE_MUG not in {raw.id for raw in await till.read_items("products")}
    assert isinstance((await till.fetch_records("products", LARGE_MUG))[LARGE_MUG], Gone)
    again = {"id": LARGE_MUG, "reference": "HAT-9", "code": "HAT-9", "name": "Hat", "pricesell": 9.0}
    await till.execute(sa.insert(schema.products).values(**again, category="000", taxcat="001"))
    after = (await till.fetch_records("products", LARGE_MUG))[LARGE_MUG]
    assert isinstance(before, Raw)
    assert isinstance(after, Raw)
    assert (after.id, after.data["sku"]) == (before.id, "HAT-9")
    assert after.data != before.data


async def test_a_category_that_is_its_own_ancestor_ends_nowhere(open_till: MakeTill) -> None:
    till = await open_till()
    circle = sa.update(schema.categories).where(schema.categories.c.name == "Food")
    tea = sa.select(schema.categories.c.id).where(schema.categories.c.name == "Tea").scalar_subquery()
    await till.execute(circle.values(parentid=tea))
    (found,) = [record for record in await till.read_records("products") if record.ref.id == TEA]
    assert found.category == ("Food", "Tea")


async def test_a_bad_row_is_one_reject_and_the_page_goes_on(open_till: MakeTill) -> None:
    till = await open_till()
    await till.execute(sa.update(schema.products).where(schema.products.c.id == TEA).values(pricesell=-1.0))
    raws = await till.read_items("products")
    assert len(raws) == 3
    with pytest.raises(InvalidValueError, match=r"price: -1\.00 is negative"):
        [till.read("products", raw) for raw in raws if raw.id == TEA]


async def test_text_that_is_no_utf_8_is_one_reject(open_till: MakeTill, till_url: str) -> None:
    if not till_url.startswith("sqlite"):
        pytest.skip("PostgreSQL takes no such text")
    till = await open_till()
    await till.execute(sa.text(f"UPDATE products SET name = CAST(x'54e961' AS TEXT) WHERE id = '{TEA}'"))
    raws = await till.read_items("products")
    assert len(raws) == 3
    with pytest.raises(InvalidValueError, match="surrogate"):
        [till.read("products", raw) for raw in raws if raw.id == TEA]


async def test_every_product_is_counted_in_every_place_and_no_row_is_none_of_it(open_till: MakeTill) -> None:
    till = await open_till()
    found = {(record.item, record.place): record.on_hand for record in await till.read_records("stock")}
    assert len(found) == 6
    assert (found[TEA, "london"], found[TEA, "leeds"], found[MUG, "london"], found[MUG, "leeds"]) == (12, 3, -2, 0)


async def test_what_no_row_counts_is_unknown_where_it_is_configured_so(open_till: MakeTill) -> None:
    till = await open_till(missing_stock="unknown")
    assert len(await till.read_items("stock")) == 3
    answers = await till.fetch_records("stock", f"leeds/{TEA}", f"leeds/{MUG}")
    assert isinstance(answers[f"leeds/{TEA}"], Raw)
    assert isinstance(answers[f"leeds/{MUG}"], Gone)


async def test_two_rows_for_one_product_and_place_are_summed(open_till: MakeTill) -> None:
    till = await open_till()
    await till.execute(sa.insert(schema.stockcurrent).values(location="london", product=TEA, units=-5.0))
    raw = (await till.fetch_records("stock", f"london/{TEA}"))[f"london/{TEA}"]
    assert till.read("stock", raw).on_hand == 7


async def test_half_a_piece_is_a_reject_and_dust_in_the_sum_is_not(open_till: MakeTill) -> None:
    till = await open_till()
    stock = schema.stockcurrent.c
    half = sa.update(schema.stockcurrent).where(stock.product == TEA, stock.location == "london").values(units=0.5)
    dust = sa.update(schema.stockcurrent).where(stock.product == MUG).values(units=3.0000000000000004)
    await till.execute(half, dust)
    answers = await till.fetch_records("stock", f"london/{TEA}", f"london/{MUG}")
    assert till.read("stock", answers[f"london/{MUG}"]).on_hand == 3
    with pytest.raises(InvalidValueError, match=r"0\.5 is not a whole number"):
        till.read("stock", answers[f"london/{TEA}"])


async def test_stock_of_a_deleted_product_or_an_unknown_place_is_gone(open_till: MakeTill) -> None:
    till = await open_till()
    await till.sandbox.product("MUG-2", deleted=True)
    asked = (f"london/{LARGE_MUG}", f"nowhere/{MUG}")
    assert all(isinstance(answer, Gone) for answer in (await till.fetch_records("stock", *asked)).values())


async def test_a_place_may_be_called_anything(open_till: MakeTill) -> None:
    world = replace(build_small_world(), places=(WorldPlace(id="a/b %2F", name="A"),), stock={("TEA-1", "a/b %2F"): 4})
    till = await open_till(replace(world, receipts=()))
    (raw,) = [raw for raw in await till.read_items("stock") if raw.data["product"] == TEA]
    assert parse_stock_id(raw.id) == (TEA, "a/b %2F")
    assert (await till.fetch_records("stock", raw.id))[raw.id] == raw


async def test_places_are_the_tills_locations(open_till: MakeTill) -> None:
    till = await open_till()
    assert list(await till.channel.places()) == [Place("leeds", "Leeds"), Place("london", "London")]


async def test_a_customer_is_read_with_their_card_and_a_country_only_if_it_is_a_code(open_till: MakeTill) -> None:
    customer = WorldCustomer(number="7", name="Ada Byron", email=" ada@example.com ", card="98", phone="0123")
    till = await open_till(replace(build_small_world(), customers=(customer,), receipts=()))
    await till.execute(sa.update(schema.customers).values(address="1 Mill Road", country="United Kingdom", fax=""))
    (record,) = await till.read_records("customers")
    assert (record.display_name, record.loyalty_number) == ("Ada Byron", "98")
    assert [point.value for point in (*record.emails, *record.phones)] == ["ada@example.com", "0123"]
    assert (record.addresses[0].line1, record.addresses[0].country_code) == ("1 Mill Road", None)
    assert isinstance((await till.fetch_records("customers", "unknown"))["unknown"], Gone)


@pytest.mark.parametrize("verified", [True, False])
async def test_an_address_is_verified_where_a_named_column_says_so(open_till: MakeTill, verified: bool) -> None:
    customer = WorldCustomer(number="1", name="Ada", email="ada@example.com", email_verified=verified)
    world = replace(build_small_world(), customers=(customer,), receipts=())
    till = await open_till(world, layout={"customers": {"email_verified": "emailverified"}})
    (record,) = await till.read_records("customers")
    assert record.emails == (ContactPoint(value="ada@example.com", verified=verified, primary=True),)
