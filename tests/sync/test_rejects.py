"""An invalid record is stored once as it came, until it is valid or gone, and blocks no other record (rule S8, rule
L1).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from gateway.runtime.gateway import Gateway
from gateway.sdk import Raw
from gateway.sdk.testing import record_builders
from gateway.sdk.testing.fault_injection import add_records
from gateway.sdk.testing.memory_channel import MemoryStore
from gateway.storage import tables
from tests.gateways import Clock, run_gateway
from tests.sync.observed_records import configure_till, list_rows, list_titles, pass_of, source

pytestmark = [pytest.mark.anyio, pytest.mark.any_database]

ALL = configure_till("products", "stock", "customers", "orders", deltas=False)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store() -> Iterator[MemoryStore]:
    store = MemoryStore()
    store.put("products", record_builders.build_product("1", title="Good"))
    yield store
    store.mend()


async def advance(gateway: Gateway, clock: Clock) -> None:
    clock.forward(minutes=5)
    await gateway.run_due()


async def read_rejects(gateway: Gateway) -> dict[str, tuple[str, str | None, str | None]]:
    found = await list_rows(gateway, tables.rejects, "external_id", "reason", "field", "payload")
    return {id_: (reason, field, payload) for id_, reason, field, payload in found}


@pytest.mark.parametrize("name", record_builders.build_invalid_rows())
async def test_a_record_that_breaks_the_model_is_rejected_and_the_feed_goes_on(
    database_url: str, store: MemoryStore, clock: Clock, name: str
) -> None:
    feed, row = record_builders.build_invalid_rows()[name]
    store.put(feed, row)
    async with run_gateway(database_url, {"till": store}, clock, ALL) as gateway:
        await gateway.run_due()
        assert await list_titles(gateway) == ["Good"]
        ((id_, (reason, _, payload)),) = (await read_rejects(gateway)).items()
        assert id_ == row["id"] or id_.startswith("unfit:")
        assert reason
        assert json.loads(payload or "") == json.loads(json.dumps(row | {"version": 2}))
        assert (await pass_of(gateway, feed)).fault_code is None
        store.remove(feed, row["id"])
        await advance(gateway, clock)
        if feed != "orders":
            assert await read_rejects(gateway) == {}, "it is gone"


@pytest.mark.parametrize("name", record_builders.build_rows_with_warnings())
async def test_an_invalid_informative_field_is_dropped_with_a_warning(
    database_url: str, store: MemoryStore, clock: Clock, name: str
) -> None:
    feed, row = record_builders.build_rows_with_warnings()[name]
    store.put(feed, row)
    async with run_gateway(database_url, {"till": store}, clock, ALL) as gateway:
        await gateway.run_due()
        found = await list_rows(gateway, tables.rejects, "external_id", "field", "severity", "payload")
        ((id_, field, severity, payload),) = found
        assert (id_, field, severity) == (row["id"], name, "WARNING")
        assert json.loads(payload) == json.loads(json.dumps(row | {"version": 2}))
        store.remove(feed, row["id"])
        await advance(gateway, clock)
        assert await read_rejects(gateway) == {}, "it is gone"


async def test_a_warning_ends_when_the_field_is_valid(database_url: str, store: MemoryStore, clock: Clock) -> None:
    store.put("products", record_builders.build_product("2", gtin="4006381333932"))
    async with run_gateway(database_url, {"till": store}, clock, ALL) as gateway:
        await gateway.run_due()
        assert len(await read_rejects(gateway)) == 1
        store.put("products", record_builders.build_product("2", gtin="4006381333931"))
        await advance(gateway, clock)
        assert await read_rejects(gateway) == {}


async def test_a_count_with_an_invalid_informative_field_is_sold(
    database_url: str, store: MemoryStore, clock: Clock
) -> None:
    store.put("products", record_builders.build_product("2", sku="TEA"))
    store.put("stock", record_builders.build_stock("2", "shop", 9, incoming=-3, committed=-1))
    async with run_gateway(database_url, {"till": store}, clock, ALL) as gateway:
        await gateway.run_due()
        assert await list_rows(gateway, tables.stock, "on_hand", "known") == [(9, True)]


async def test_the_field_is_named(database_url: str, store: MemoryStore, clock: Clock) -> None:
    store.put("products", record_builders.build_product("2", gtin="4006381333932"))
    async with run_gateway(database_url, {"till": store}, clock, ALL) as gateway:
        await gateway.run_due()
        ((reason, field, _),) = (await read_rejects(gateway)).values()
        assert field == "gtin"
        assert "invalid check digit" in reason


async def test_one_row_is_one_reject_whatever_the_number_of_polls(
    database_url: str, store: MemoryStore, clock: Clock
) -> None:
    store.put("products", record_builders.build_product("bad", price="-1.00"))
    async with run_gateway(database_url, {"till": store}, clock, ALL) as gateway:
        await gateway.run_due()
        first = await list_rows(gateway, tables.rejects, "id", "rejected_at")
        for _ in range(3):
            await advance(gateway, clock)
        assert await list_rows(gateway, tables.rejects, "id", "rejected_at") == first
        store.change("products", "bad", title="Still bad")
        await advance(gateway, clock)
        ((id_, at),) = await list_rows(gateway, tables.rejects, "id", "rejected_at")
        assert (id_, at > first[0][1]) == (first[0][0], True)


async def test_the_payload_expires_and_the_row_stays_until_the_record_is_good(
    database_url: str, store: MemoryStore, clock: Clock
) -> None:
    store.put("products", record_builders.build_product("bad", price="-1.00"))
    async with run_gateway(database_url, {"till": store}, clock, ALL) as gateway:
        await gateway.run_due()
        clock.forward(days=14, seconds=1)
        await gateway.run_due()  # the record is unchanged
        await gateway.purge_expired()
        assert [payload for *_, payload in (await read_rejects(gateway)).values()] == [None]
        store.put("products", record_builders.build_product("bad", title="Mended"))
        await advance(gateway, clock)
        assert await read_rejects(gateway) == {}
        assert sorted(await list_titles(gateway)) == ["Good", "Mended"]


async def test_of_a_known_record_the_last_good_version_is_shown(
    database_url: str, store: MemoryStore, clock: Clock
) -> None:
    async with run_gateway(database_url, {"till": store}, clock, ALL) as gateway:
        await gateway.run_due()
        good = store.rows("products")["1"]
        store.change("products", "1", title="T" * 5000)
        await advance(gateway, clock)
        assert await list_titles(gateway) == ["Good"]
        assert list(await read_rejects(gateway)) == ["1"]
        assert (await source(gateway, "1")).rejected
        store.put("products", good)
        await advance(gateway, clock)
        assert await list_titles(gateway) == ["Good"]
        assert await read_rejects(gateway) == {}
        assert not (await source(gateway, "1")).rejected


async def test_a_rejected_count_of_known_stock_is_unknown_until_it_is_mended(
    database_url: str, store: MemoryStore, clock: Clock
) -> None:
    store.put("stock", record_builders.build_stock("1", "shop", 5))
    async with run_gateway(database_url, {"till": store}, clock, ALL) as gateway:
        await gateway.run_due()
        store.change("stock", "1@shop", on_hand=0.5)
        await advance(gateway, clock)
        assert await list_rows(gateway, tables.stock, "on_hand", "known") == [(5, False)]
        store.change("stock", "1@shop", on_hand=5)
        await advance(gateway, clock)
        assert await list_rows(gateway, tables.stock, "on_hand", "known") == [(5, True)]
        assert await read_rejects(gateway) == {}


async def test_a_reject_does_not_count_as_a_missing_record(database_url: str, store: MemoryStore, clock: Clock) -> None:
    for n in range(30):
        store.put("products", record_builders.build_product(f"bad-{n}", price="-1.00"))
    async with run_gateway(database_url, {"till": store}, clock, ALL) as gateway:
        for _ in range(3):
            await advance(gateway, clock)
        assert (await pass_of(gateway)).fault_code is None
        assert len(await read_rejects(gateway)) == 30


def build_nested(levels: int) -> Any:
    nested: Any = "bottom"
    for _ in range(levels):
        nested = [nested]
    return nested


class UnprintableValue:
    """A value of a driver that cannot be printed."""

    def __str__(self) -> str:
        raise OSError("the connection is closed")

    __repr__ = __str__


@pytest.mark.parametrize(
    "data",
    [
        {"id": "odd", "title": "nul \0 and half \ud800", "variants": []},
        {"id": "odd", "title": float("nan"), "price": float("inf")},
        {"id": "odd", "title": build_nested(200_000)},
        {"id": "odd", "title": 10**5000},
        {"id": "odd", "title": b"\xff\x00"},
        {"id": "odd", "title": Decimal("NaN")},
        {"id": "odd", "title": UnprintableValue()},
        {"id": "odd", 7: "keys of", "several": "types"},
        {"id": "odd", "title": {1, 2}},
        {"id": "odd", "title": "long" * 1_000_000},
        [],
        None,
    ],
    ids=[
        "unfit text",
        "no number",
        "deep",
        "long number",
        "bytes",
        "no decimal",
        "no text",
        "keys",
        "set",
        "long",
        "list",
        "null",
    ],
)
async def test_raw_data_of_any_shape_is_stored_and_blocks_no_other_record(
    database_url: str, store: MemoryStore, clock: Clock, data: Any
) -> None:
    with store.under(add_records(Raw("odd", data)), feed="products", method="page"):
        async with run_gateway(database_url, {"till": store}, clock, ALL) as gateway:
            await gateway.run_due()
            assert await list_titles(gateway) == ["Good"]
            ((_, _, payload),) = (await read_rejects(gateway)).values()
            assert payload is not None
            assert payload.isascii()
            assert 0 < len(payload) <= 64_000


async def test_an_item_without_the_id_of_any_is_no_crash(database_url: str, store: MemoryStore, clock: Clock) -> None:
    store.put("products", record_builders.build_product("other\0", title="unfit"))
    store.put("products", record_builders.build_product("i" * 300, title="long"))
    async with run_gateway(database_url, {"till": store}, clock, ALL) as gateway:
        for _ in range(2):
            await advance(gateway, clock)
        assert len(await read_rejects(gateway)) == 2
        assert (await pass_of(gateway)).fault_code is None
