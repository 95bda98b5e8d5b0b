"""Ingest of collections: in any order, each version once, and the products of a collection follow its members."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.sdk import CollectionRecord, InvalidValueError, ProductText, Ref
from gateway.sdk.collections import MAX_PRODUCTS
from gateway.sdk.testing import record_builders
from gateway.sdk.testing.memory_channel import MemoryStore
from tests.databases import create_sqlite_database
from tests.graphql.world import World, open_world

pytestmark = pytest.mark.anyio

QUERY = "{ collections(first: 50) { nodes { id handle products(first: 50) { totalCount nodes { handle title } } } } }"
TITLES = "ABCDE"


def put_product(store: MemoryStore, title: str) -> None:
    store.put("products", record_builders.build_product(f"p{title}", sku=f"S{title}", title=title))


async def sync(world: World, *channels: str) -> None:
    world.clock.forward(minutes=10)
    for channel in channels:
        await world.gateway.request_sync(channel, sweep=True, accept_absent=True)
    await world.gateway.run_due()


async def read_members(world: World) -> dict[str, str]:
    nodes = (await world.client.fetch_data(QUERY))["collections"]["nodes"]
    return {node["id"]: "".join(one["title"] for one in node["products"]["nodes"]) for node in nodes}


Step = tuple[str, object]
steps = st.lists(
    st.one_of(
        st.tuples(st.just("product"), st.sampled_from(TITLES)),
        st.tuples(st.just("no product"), st.sampled_from(TITLES)),
        st.tuples(
            st.just("collection"), st.permutations(TITLES).flatmap(lambda p: st.integers(0, 5).map(lambda n: p[:n]))
        ),
        st.tuples(st.just("no collection"), st.none()),
        st.tuples(st.just("till"), st.sampled_from(TITLES)),
    ),
    min_size=1,
    max_size=7,
)


def apply_step(stores: dict[str, MemoryStore], step: Step) -> None:
    kind, what = step
    web = stores["web"]
    if kind == "product":
        put_product(web, str(what))
    elif kind == "no product" and f"p{what}" in web.rows("products"):
        web.remove("products", f"p{what}")
    elif kind == "collection":
        assert isinstance(what, Sequence)
        web.put("collections", record_builders.build_collection("c", [f"p{title}" for title in what]))
    elif kind == "no collection" and "c" in web.rows("collections"):
        web.remove("collections", "c")
    elif kind == "till":  # the products are one, and the collection shows it as before
        put_product(stores["till"], str(what))


def predict(stores: dict[str, MemoryStore]) -> list[str]:
    web = stores["web"]
    listed = web.rows("products")
    return ["".join(id_[1:] for id_ in row["products"] if id_ in listed) for row in web.rows("collections").values()]


async def test_a_collection_shows_those_of_its_members_that_are_listed_whatever_came_first(
    tmp_path: Path, examples: int
) -> None:
    """Each example goes on where the last one ended, so that the gateway is opened once."""
    stores = {"web": MemoryStore(), "till": MemoryStore()}
    async with open_world(create_sqlite_database(tmp_path / "gateway.db"), stores) as world:
        drawn: list[list[Step]] = []

        @given(steps)
        def add_example(found: list[Step]) -> None:
            drawn.append(found)

        add_example()
        for example in drawn[: max(examples // 4, 12)]:
            for step in example:
                apply_step(stores, step)
                if step[0] != "collection":
                    await sync(world, "web", "till")
            await sync(world, "web", "till")
            assert list((await read_members(world)).values()) == predict(stores), example


async def test_two_records_in_two_batches_and_an_older_one_change_nothing(database_url: str) -> None:
    web = MemoryStore()
    for title in TITLES:
        put_product(web, title)
    web.put("collections", record_builders.build_collection("c", ["pB", "pA"]))
    async with open_world(database_url, {"web": web, "till": MemoryStore()}) as world:
        before = await read_members(world)
        await sync(world, "web")
        assert await read_members(world) == before
        assert list(before.values()) == ["BA"]


async def test_a_record_that_is_invalid_is_rejected_and_the_collection_stays(database_url: str) -> None:
    web = MemoryStore()
    put_product(web, "A")
    web.put("collections", record_builders.build_collection("c", ["pA"]))
    async with open_world(database_url, {"web": web, "till": MemoryStore()}) as world:
        web.change("collections", "c", title="")
        web.put("collections", record_builders.build_collection("d", ["pA"]))
        await sync(world, "web")
        assert sorted((await read_members(world)).values()) == ["A", "A"]


# ------------------------------------------------------------------------------------------------ records


def test_a_record_keeps_each_product_once_and_drops_what_is_not_essential() -> None:
    record = CollectionRecord(
        ref=Ref("1"),
        title="Gifts",
        products=["b", "a", "b"],
        handle="no handle",
        locale="not a locale!",
        description_html='<p>For <script>alert(1)</script><a href="javascript:x">you</a></p>',
        translations=[ProductText(locale="de", title="Geschenke", html="<img src=x onerror=alert(1)>")],
    )
    assert record.products == ("b", "a")
    assert (record.handle, record.locale) == (None, None)
    assert {warning.field for warning in record.warnings} == {"handle", "locale"}
    assert record.description == "For you"
    assert "script" not in str(record.description_html) and "javascript" not in str(record.description_html)
    assert "onerror" not in str(record.translations[0].html)


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("products", {"products": [str(n) for n in range(MAX_PRODUCTS + 1)]}),
        ("products", {"products": "abc"}),
        ("products", {"products": ["a\0b"]}),
        ("title", {"title": ""}),
        ("title", {"title": "t" * 5_000}),
    ],
)
def test_a_record_that_cannot_be_stored_names_the_field(field: str, values: dict[str, object]) -> None:
    with pytest.raises(InvalidValueError) as raised:
        CollectionRecord(**{"ref": Ref("1"), "title": "T", **values})  # type: ignore[arg-type]
    assert raised.value.field == field
