"""S8, L1: what cannot be read is kept as it came, once, until it is good or gone; and stops nobody."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from gateway.runtime import Gateway
from gateway.sdk import Raw
from gateway.sdk.testing import rows
from gateway.sdk.testing.faults import with_rows
from gateway.sdk.testing.memory import MemoryStore
from gateway.storage import tables
from tests.house import Clock, running
from tests.sync.observed import channel, pass_of, rows_of, source, titles

pytestmark = [pytest.mark.anyio, pytest.mark.any_database]

ALL = channel("products", "stock", "customers", "orders", deltas=False)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store() -> Iterator[MemoryStore]:
    store = MemoryStore()
    store.put("products", rows.product("1", title="Good"))
    yield store
    store.mend()


async def later(gateway: Gateway, clock: Clock) -> None:
    clock.forward(minutes=5)
    await gateway.run_due()


async def rejects(gateway: Gateway) -> dict[str, tuple[str, str | None, str | None]]:
    found = await rows_of(gateway, tables.rejects, "external_id", "reason", "field", "payload")
    return {id_: (reason, field, payload) for id_, reason, field, payload in found}


@pytest.mark.parametrize("name", rows.bad_rows())
async def test_a_record_that_breaks_the_model_is_rejected_and_the_feed_goes_on(
    database_url: str, store: MemoryStore, clock: Clock, name: str
) -> None:
    feed, row = rows.bad_rows()[name]
    store.put(feed, row)
    async with running(database_url, {"till": store}, clock, ALL) as gateway:
        await gateway.run_due()
        assert await titles(gateway) == ["Good"]
        ((id_, (reason, _, payload)),) = (await rejects(gateway)).items()
        assert id_ == row["id"] or id_.startswith("unfit:")
        assert reason
        assert json.loads(payload or "") == json.loads(json.dumps(row | {"version": 2}))
        assert (await pass_of(gateway, feed)).fault_code is None
        store.remove(feed, row["id"])
        await later(gateway, clock)
        if feed != "orders":
            assert await rejects(gateway) == {}, "it is gone"


async def test_the_field_is_named(database_url: str, store: MemoryStore, clock: Clock) -> None:
    store.put("products", rows.product("2", gtin="4006381333932"))
    async with running(database_url, {"till": store}, clock, ALL) as gateway:
        await gateway.run_due()
        ((reason, field, _),) = (await rejects(gateway)).values()
        assert field == "gtin"
        assert "wrong check digit" in reason


async def test_one_row_is_one_reject_whatever_the_number_of_polls(
    database_url: str, store: MemoryStore, clock: Clock
) -> None:
    store.put("products", rows.product("bad", price="-1.00"))
    async with running(database_url, {"till": store}, clock, ALL) as gateway:
        await gateway.run_due()
        first = await rows_of(gateway, tables.rejects, "id", "rejected_at")
        for _ in range(3):
            await later(gateway, clock)
        assert await rows_of(gateway, tables.rejects, "id", "rejected_at") == first
        store.change("products", "bad", title="Still bad")
        await later(gateway, clock)
        ((id_, at),) = await rows_of(gateway, tables.rejects, "id", "rejected_at")
        assert (id_, at > first[0][1]) == (first[0][0], True)


async def test_the_payload_expires_and_the_row_stays_until_the_record_is_good(
    database_url: str, store: MemoryStore, clock: Clock
) -> None:
    store.put("products", rows.product("bad", price="-1.00"))
    async with running(database_url, {"till": store}, clock, ALL) as gateway:
        await gateway.run_due()
        clock.forward(days=14, seconds=1)
        await gateway.run_due()  # the record is still as bad as it was
        await gateway.keep_house()
        assert [payload for *_, payload in (await rejects(gateway)).values()] == [None]
        store.put("products", rows.product("bad", title="Mended"))
        await later(gateway, clock)
        assert await rejects(gateway) == {}
        assert sorted(await titles(gateway)) == ["Good", "Mended"]


async def test_of_a_known_record_the_last_good_version_is_shown(
    database_url: str, store: MemoryStore, clock: Clock
) -> None:
    async with running(database_url, {"till": store}, clock, ALL) as gateway:
        await gateway.run_due()
        good = store.rows("products")["1"]
        store.change("products", "1", title="T" * 5000)
        await later(gateway, clock)
        assert await titles(gateway) == ["Good"]
        assert list(await rejects(gateway)) == ["1"]
        assert (await source(gateway, "1")).rejected
        store.put("products", good)
        await later(gateway, clock)
        assert await titles(gateway) == ["Good"]
        assert await rejects(gateway) == {}
        assert not (await source(gateway, "1")).rejected


async def test_a_rejected_count_of_known_stock_is_unknown_until_it_is_mended(
    database_url: str, store: MemoryStore, clock: Clock
) -> None:
    store.put("stock", rows.stock("1", "shop", 5))
    async with running(database_url, {"till": store}, clock, ALL) as gateway:
        await gateway.run_due()
        store.change("stock", "1@shop", on_hand=0.5)
        await later(gateway, clock)
        assert await rows_of(gateway, tables.stock, "on_hand", "known") == [(5, False)]
        store.change("stock", "1@shop", on_hand=5)
        await later(gateway, clock)
        assert await rows_of(gateway, tables.stock, "on_hand", "known") == [(5, True)]
        assert await rejects(gateway) == {}


async def test_a_reject_does_not_count_as_a_missing_record(database_url: str, store: MemoryStore, clock: Clock) -> None:
    for n in range(30):
        store.put("products", rows.product(f"bad-{n}", price="-1.00"))
    async with running(database_url, {"till": store}, clock, ALL) as gateway:
        for _ in range(3):
            await later(gateway, clock)
        assert (await pass_of(gateway)).fault_code is None
        assert len(await rejects(gateway)) == 30


def deep(levels: int) -> Any:
    nested: Any = "bottom"
    for _ in range(levels):
        nested = [nested]
    return nested


class Grumpy:
    """Something that a driver hands out, and that will not be shown."""

    def __str__(self) -> str:
        raise OSError("the connection is closed")

    __repr__ = __str__


@pytest.mark.parametrize(
    "data",
    [
        {"id": "odd", "title": "nul \0 and half \ud800", "variants": []},
        {"id": "odd", "title": float("nan"), "price": float("inf")},
        {"id": "odd", "title": deep(200_000)},
        {"id": "odd", "title": 10**5000},
        {"id": "odd", "title": b"\xff\x00"},
        {"id": "odd", "title": Decimal("NaN")},
        {"id": "odd", "title": Grumpy()},
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
async def test_raw_data_of_any_shape_is_kept_and_stops_nobody(
    database_url: str, store: MemoryStore, clock: Clock, data: Any
) -> None:
    with store.under(with_rows(Raw("odd", data)), feed="products", method="page"):
        async with running(database_url, {"till": store}, clock, ALL) as gateway:
            await gateway.run_due()
            assert await titles(gateway) == ["Good"]
            ((_, _, payload),) = (await rejects(gateway)).values()
            assert payload is not None
            assert payload.isascii()
            assert 0 < len(payload) <= 64_000


async def test_an_item_without_the_id_of_any_is_no_crash(database_url: str, store: MemoryStore, clock: Clock) -> None:
    store.put("products", rows.product("other\0", title="unfit"))
    store.put("products", rows.product("i" * 300, title="long"))
    async with running(database_url, {"till": store}, clock, ALL) as gateway:
        for _ in range(2):
            await later(gateway, clock)
        assert len(await rejects(gateway)) == 2
        assert (await pass_of(gateway)).fault_code is None
