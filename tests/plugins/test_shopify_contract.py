"""The adapter and its sandbox against the vendor's own description, so that they are not wrong together."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from typing import Any

import pytest
from graphql import (
    FieldNode,
    GraphQLSchema,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    build_schema,
    get_operation_ast,
    is_object_type,
    parse,
    validate,
    visit,
)
from graphql.validation import NoDeprecatedCustomRule

from gateway_shopify.mutations import all_operations
from gateway_shopify.operations import (
    CUSTOMER,
    CUSTOMERS,
    ITEM,
    ITEMS,
    NESTED,
    ORDER,
    ORDERS,
    PRODUCT,
    PRODUCTS,
    Operation,
)
from gateway_shopify.sandbox.api import MOST_POINTS, schema
from gateway_shopify.sandbox.cost import bill

from .shopify_specs import described, introspected, strange

DESCRIBED = described()
against_the_vendor = pytest.mark.skipif(
    DESCRIBED is None, reason="the vendors' specifications are not here (VENDOR_SPECS)"
)
KINDS = (PRODUCTS, ITEMS, CUSTOMERS, ORDERS)
OPERATIONS = {operation.name: operation for operation in all_operations()}


@pytest.fixture(scope="module")
def vendor() -> GraphQLSchema:
    assert DESCRIBED is not None
    return introspected(DESCRIBED)


def problems(schema: GraphQLSchema, text: str) -> list[str]:
    return [error.message for error in validate(schema, parse(text))]


@against_the_vendor
def test_every_operation_is_one_that_the_vendor_understands(vendor: GraphQLSchema) -> None:
    assert {name: found for name, one in OPERATIONS.items() if (found := problems(vendor, one.text))} == {}


@against_the_vendor
@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("selectedOptions", "choices"),
        ("sortKey: $sort", "sortKey: $query"),
        ("hasNextPage", "more"),
        ("$first: Int!", "$first: String!"),
        ("ProductSortKeys!", "ProductSort!"),
    ],
)
def test_the_proof_a_wrong_operation_is_found(vendor: GraphQLSchema, right: str, wrong: str) -> None:
    text = OPERATIONS["ProductPage"].text
    assert right in text
    assert problems(vendor, text.replace(right, wrong))


@against_the_vendor
def test_nothing_that_is_asked_is_deprecated(vendor: GraphQLSchema) -> None:
    found = {
        name: [error.message for error in validate(vendor, parse(one.text), [NoDeprecatedCustomRule])]
        for name, one in OPERATIONS.items()
    }
    assert {name: lines for name, lines in found.items() if lines} == {}


@against_the_vendor
def test_the_sandbox_speaks_a_true_part_of_the_vendors_schema(vendor: GraphQLSchema) -> None:
    assert strange(schema(), vendor) == []


@against_the_vendor
@pytest.mark.parametrize(
    ("right", "wrong", "line"),
    [
        ("hasOnlyDefaultVariant: Boolean!", "onlyDefault: Boolean!", "Product.onlyDefault: None, not Boolean!"),
        ("sku: String\n  barcode", "sku: String!\n  barcode", "ProductVariant.sku: String, not String!"),
        ("  DRAFT\n", "  DRAFT\n  SECRET\n", "ProductStatus.SECRET: unknown"),
        ("quantities(names: [String!]!)", "quantities", "InventoryLevel.quantities(names): is required, and missing"),
        ("locations(first: Int,", "locations(first: String,", "QueryRoot.locations: first: Int, not first: String"),
        (
            "sortKey: OrderSortKeys = PROCESSED_AT",
            "sortKey: OrderSortKeys = ID",
            "QueryRoot.orders: sortKey: OrderSortKeys = PROCESSED_AT, not sortKey",
        ),
        ("  uri: String\n  format", "  uri: Int\n  format", "WebhookSubscriptionInput.uri: String, not Int"),
        ("type MoneyBag {", "type MoneyBag implements Node {\n  id: ID!", "MoneyBag: is no Node"),
        ("scalar Money", "enum Money { A }", "Money: GraphQLScalarType, not GraphQLEnumType"),
    ],
)
def test_the_proof_a_wrong_part_is_found(vendor: GraphQLSchema, right: str, wrong: str, line: str) -> None:
    text = files("gateway_shopify.sandbox").joinpath("schema.graphql").read_text(encoding="utf-8")
    assert text.count(right) == 1
    found = strange(build_schema(text.replace(right, wrong)), vendor)
    assert any(one.startswith(line) for one in found), found


def test_every_operation_is_one_that_the_sandbox_understands() -> None:
    assert {name: found for name, one in OPERATIONS.items() if (found := problems(schema(), one.text))} == {}


def asked(text: str) -> set[str]:
    """The fields that an operation asks for, with their types."""
    info, found = TypeInfo(schema()), set[str]()

    class Fields(Visitor):
        def enter_field(self, node: FieldNode, *_: Any) -> None:
            found.add(f"{info.get_parent_type()}.{node.name.value}")

    visit(parse(text), TypeInfoVisitor(info, Fields()))
    return found


def test_the_sandbox_has_nothing_that_is_never_asked() -> None:
    there = {
        f"{name}.{field}"
        for name, kind in schema().type_map.items()
        if is_object_type(kind) and not name.startswith("__")
        for field in kind.fields
    }
    unasked = there - {field for one in OPERATIONS.values() for field in asked(one.text)}
    inherited = {field for field in unasked if field.endswith((".id", "MediaImage.preview", ".processedQuantity"))}
    assert unasked - inherited == {"InventoryItem.updatedAt"}


def points(operation: Operation) -> int:
    """What the sandbox, by the vendor's rules, takes for an operation at most."""
    document = parse(operation.text)
    found = get_operation_ast(document)
    assert found is not None
    return bill(schema(), document, variables(operation)).operation(found)


def variables(operation: Operation) -> Mapping[str, Any]:
    kind = next((kind for kind in KINDS if operation in (kind.listing, kind.by_id)), None)
    size, entries = (1, 0) if kind is None else (kind.records(kind.entries), kind.entries)
    return {"first": size, "ids": ["x"] * size, "inside": entries}


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)
def test_an_operation_costs_no_more_than_was_estimated_and_little_less(operation: Operation) -> None:
    estimated = operation.points(variables(operation))
    assert estimated * 0.99 - 1 <= points(operation) <= estimated <= MOST_POINTS


def test_every_connection_inside_a_record_is_one_that_is_followed() -> None:
    """Or its second page would be cut silently."""
    inside = sum(text.count("pageInfo") for text in (CUSTOMER, ITEM, ORDER, PRODUCT))
    assert inside == len(NESTED)
