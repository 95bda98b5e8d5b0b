"""Partial objects (rule E1): a compiled query loads the optional attributes that it reads, and no others."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import pytest
import sqlalchemy as sa
from graphql import parse

from gateway.execution import executor
from gateway.execution.batch_loader import BatchLoader
from gateway.execution.compiler import optional_attributes
from gateway.execution.compiler.explanation import explain_operation
from gateway.execution.errors import BadUserInputError
from gateway.graphql.loaders.catalog import PARTIAL_PRODUCT, PARTIAL_VARIANT
from gateway.model.catalog import Product, Variant
from gateway.sdk.testing import record_builders
from gateway.sdk.testing.memory_channel import MemoryStore
from gateway.storage.reads.catalog import PRODUCT_ROWS, VARIANT_ROWS
from gateway.storage.sql.model_rows import ModelRows, OptionalAttribute
from tests.graphql.test_statements import capture_statements
from tests.graphql.world import World, get_schema, open_world

pytestmark = [pytest.mark.anyio, pytest.mark.any_database]

VARIANT_FIELDS = {
    "id": (),
    "sku": (),
    "title": (),
    "image { url }": ("image",),
    "media { kind image { url } }": ("image", "media"),
    "selectedOptions { name label value }": ("selected_options",),
    "attributes { key values { value } }": ("attributes",),
    "updatedAt": ("updated_at",),
}
"""Fields of a variant, with the optional attributes that they read."""

PRODUCT_FIELDS = {
    "id": (),
    "featuredImage { url }": (),
    "description": ("description",),
    "options { name optionValues { name } }": ("options",),
    "attributes { key values { value } }": ("attributes",),
}

DECLARED = {"material": {"sources": {"web": "material"}}, "length": {"sources": {"web": "length"}}}

NOTHING_CACHED = {"caching": {"response_megabytes": 0, "rendered_megabytes": 0, "product_megabytes": 0}}


def build_web_store() -> MemoryStore:
    store, image = MemoryStore(), {"url": "https://images.example.com/1.png"}
    variants = [
        record_builders.build_variant(
            f"1-{size}", sku=f"A-{size}", options={"Size": size}, attributes={"length": [size]}, image=image
        )
        for size in ("5", "7")
    ]
    product = record_builders.build_product("1", title="A", description="Long", attributes={"material": ["oak"]})
    store.put("products", {**product, "variants": variants, "images": [image]})
    return store


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    stores = {"web": build_web_store(), "till": MemoryStore()}
    async with open_world(database_url, stores, attributes=DECLARED, server=NOTHING_CACHED) as world:
        yield world


def select_variants(*fields: str) -> str:
    return f"{{ products(first: 5) {{ nodes {{ variants {{ nodes {{ {' '.join(fields)} }} }} }} }} }}"


def select_products(*fields: str) -> str:
    return f"{{ productVariants(first: 5) {{ nodes {{ product {{ {' '.join(fields)} }} }} }} }}"


async def compare_engines(world: World, text: str, monkeypatch: pytest.MonkeyPatch) -> int:
    """Check that both engines answer alike, and return how often the reference executor had to help."""
    calls: list[object] = []
    execute = executor.execute_by_reference

    async def execute_recorded(*arguments: object) -> object:
        calls.append(arguments)
        return await execute(*arguments)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(executor, "execute_by_reference", execute_recorded)
        compiled = await world.client.fetch_data(text)
        patched.setattr("gateway.execution.compiler.plan.DocumentPlans.count_execution", lambda *_: False)
        helped = len(calls)
        assert compiled == await world.client.fetch_data(text)
    assert "None" not in str(compiled)
    return helped


async def test_every_pair_of_fields_is_answered_as_by_the_reference(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for fields, select in ((VARIANT_FIELDS, select_variants), (PRODUCT_FIELDS, select_products)):
        for pair in combinations(fields, 2):
            assert await compare_engines(world, select(*pair), monkeypatch) == 0


async def test_the_proof_an_attribute_that_is_not_found_to_be_read_is_missed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(optional_attributes, "_list_read", lambda *_: ())
    assert await compare_engines(world, select_variants("image { url }"), monkeypatch) == 1


@pytest.mark.parametrize("field", VARIANT_FIELDS)
def test_a_compiled_query_loads_the_optional_attributes_that_it_reads(field: str) -> None:
    explained = explain_operation(get_schema(), parse(select_variants(field)), None)
    names = ", ".join(sorted(VARIANT_FIELDS[field])) or "none"
    assert f"# 1: variants by load_variants_by_product, optional attributes: {names}\n" in explained


@pytest.mark.parametrize(
    ("selected", "names"),
    [
        ("...Shown", "image"),
        ("edges { cursor node { image { url } } } pageInfo { endCursor } totalCount", "image"),
        ("a: nodes { image { url } } b: nodes { updatedAt }", "image, updated_at"),
        ("nodes { id @skip(if: true) product { title } listings { url } }", "none"),
    ],
)
def test_fragments_pages_and_conditions_are_followed(selected: str, names: str) -> None:
    fragment = "fragment Shown on ProductVariantConnection { nodes { ... on Node { id } image { url } } }"
    text = (
        f"{{ products(first: 5) {{ nodes {{ variants {{ {selected} }} }} }} }} {fragment if '...' in selected else ''}"
    )
    assert f"optional attributes: {names}\n" in explain_operation(get_schema(), parse(text), None)


def test_fields_of_one_level_share_the_attributes_of_all() -> None:
    text = """{ products(first: 5) { nodes {
      a: variants(first: 1) { nodes { image { url } } } b: variants(first: 1) { nodes { updatedAt } } } } }"""
    explained = explain_operation(get_schema(), parse(text), None)
    assert explained.count("load_variants_by_product, optional attributes: image, updated_at\n") == 2


REDUCED_LOADS = pytest.mark.parametrize(
    ("field", "read"),
    [("product { title }", "catalog.catalog.find_products"), ("stock { status }", "stock.find_stock_sums")],
    ids=["partial", "lean"],
)


@REDUCED_LOADS
async def test_a_failure_of_a_reduced_load_is_one_of_the_operation_and_not_of_its_compilation(
    world: World, monkeypatch: pytest.MonkeyPatch, field: str, read: str
) -> None:
    text = f"{{ productVariants(first: 5) {{ nodes {{ {field} }} }} }}"
    with monkeypatch.context() as patched:
        patched.setattr(f"gateway.graphql.loaders.{read}", fail_to_read)
        assert set((await world.client.ask(text)).codes) == {"BAD_USER_INPUT"}
    assert await compare_engines(world, text, monkeypatch) == 0


@REDUCED_LOADS
async def test_the_proof_a_failure_that_the_reference_does_not_meet_ends_the_compilation(
    world: World, monkeypatch: pytest.MonkeyPatch, field: str, read: str
) -> None:
    text = f"{{ productVariants(first: 5) {{ nodes {{ {field} }} }} }}"
    with monkeypatch.context() as patched:
        patched.setattr(f"gateway.graphql.loaders.{read}", fail_to_read)
        patched.setattr(BatchLoader, "cache_values", lambda *_: None)
        patched.setattr("gateway.execution.executor.execute_by_reference", build_retry(patched))
        assert (await world.client.ask(text)).codes == []
    assert await compare_engines(world, text, monkeypatch) == 1


def build_retry(patched: pytest.MonkeyPatch) -> Callable[..., Awaitable[Any]]:
    """Build a reference executor that can read again."""
    execute = executor.execute_by_reference

    async def execute_later(*arguments: Any) -> Any:
        patched.undo()
        return await execute(*arguments)

    return execute_later


def fail_to_read(*_: object) -> None:
    raise BadUserInputError("not read")


async def test_whole_objects_that_were_loaded_are_not_read_again(world: World) -> None:
    ids = await world.client.fetch_data("{ products(first: 1) { nodes { id } } }")
    text = f"""{{ product(by: {{id: "{ids["products"]["nodes"][0]["id"]}"}}) {{
      variants {{ nodes {{ product {{ title }} }} }} }} }}"""
    with capture_statements() as statements:
        await world.client.fetch_data(text)
    assert len([one for one in statements if "products" in one and not one.startswith("BEGIN")]) == 2


async def test_columns_that_are_not_read_are_not_selected(world: World) -> None:
    for field, is_read in (("title", False), ("attributes { key }", True)):
        with capture_statements() as statements:
            await world.client.fetch_data(select_variants(field))
        (statement,) = [one for one in statements if "variants.position" in one]
        assert ("variants.attributes" in statement) == is_read


def test_an_attribute_that_a_partial_object_lacks_is_an_error() -> None:
    rows: ModelRows[Variant] = VARIANT_ROWS
    partial = rows.get_reader(frozenset({"image"}))(_FakeRow())
    assert isinstance(partial, Variant) and partial.sku == "A" and partial.image is None
    for name in ("media", "attributes", "updated_at", "all_media"):
        with pytest.raises(AttributeError):
            getattr(partial, name)


@dataclass
class _FakeRow:
    """A row without the columns of optional attributes but `image`."""

    id: str = "v"
    product_id: str = "p"
    version: int = 1
    sku: str = "A"
    gtin: None = None
    title: str = "A"
    unit_of_measure: str = "each"
    image: None = None
    media_channel: None = None


def test_rows_without_an_attribute_of_their_model_are_rejected() -> None:
    with pytest.raises(ValueError, match="media"):
        ModelRows(Variant, sa.Table("empty", sa.MetaData()), {}, {"image": OptionalAttribute((), str)})


def test_properties_are_known_by_the_attributes_that_they_read() -> None:
    assert PARTIAL_VARIANT.list_optional("all_media") == ("image", "media")
    assert PARTIAL_VARIANT.list_optional("sku") == () and PARTIAL_VARIANT.list_optional("unknown") is None
    assert PARTIAL_PRODUCT.list_optional("description") == ("description",)
    assert (PARTIAL_PRODUCT.model, PARTIAL_PRODUCT.optional) == (Product, PRODUCT_ROWS.optional)
