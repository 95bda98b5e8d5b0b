"""The plugin and its sandbox compared with Shopify's own schema, so that both are not wrong in the same way."""

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
    is_interface_type,
    is_object_type,
    parse,
    validate,
    visit,
)
from graphql.validation import NoDeprecatedCustomRule

from gateway_shopify.read_documents import (
    COLLECTION,
    COLLECTIONS,
    CUSTOMER,
    CUSTOMERS,
    ITEM,
    ITEMS,
    NESTED_CONNECTIONS,
    ORDER,
    ORDERS,
    PRODUCT,
    PRODUCTS,
    Operation,
    build_collection_queries,
    build_customer_queries,
    build_product_queries,
)
from gateway_shopify.write_documents import list_operations
from gateway_shopify_sandbox.api import MAX_QUERY_COST, load_sandbox_schema
from gateway_shopify_sandbox.query_cost import build_calculator
from tests.plugins.shopify_specs import find_introspection, list_differences, load_introspection

DESCRIBED = find_introspection()
against_the_vendor = pytest.mark.skipif(
    DESCRIBED is None, reason="the vendors' specifications are not here (VENDOR_SPECS)"
)
KINDS = (PRODUCTS, ITEMS, COLLECTIONS, CUSTOMERS, ORDERS)
OPERATIONS = {operation.name: operation for operation in list_operations()}


@pytest.fixture(scope="module")
def vendor() -> GraphQLSchema:
    assert DESCRIBED is not None
    return load_introspection(DESCRIBED)


def list_problems(schema: GraphQLSchema, text: str) -> list[str]:
    return [error.message for error in validate(schema, parse(text))]


@against_the_vendor
def test_every_operation_is_one_that_the_vendor_understands(vendor: GraphQLSchema) -> None:
    assert {name: found for name, one in OPERATIONS.items() if (found := list_problems(vendor, one.text))} == {}


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
    assert list_problems(vendor, text.replace(right, wrong))


@against_the_vendor
def test_nothing_that_is_asked_is_deprecated(vendor: GraphQLSchema) -> None:
    found = {
        name: [error.message for error in validate(vendor, parse(one.text), [NoDeprecatedCustomRule])]
        for name, one in OPERATIONS.items()
    }
    assert {name: lines for name, lines in found.items() if lines} == {}


@against_the_vendor
def test_the_sandbox_speaks_a_true_part_of_the_vendors_schema(vendor: GraphQLSchema) -> None:
    assert list_differences(load_sandbox_schema(), vendor) == []


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
    text = files("gateway_shopify_sandbox").joinpath("schema.graphql").read_text(encoding="utf-8")
    assert text.count(right) == 1
    found = list_differences(build_schema(text.replace(right, wrong)), vendor)
    assert any(one.startswith(line) for one in found), found


def test_every_operation_is_one_that_the_sandbox_understands() -> None:
    assert {
        name: found for name, one in OPERATIONS.items() if (found := list_problems(load_sandbox_schema(), one.text))
    } == {}


def list_fields(text: str) -> set[str]:
    """List the fields that an operation selects, with their types: those of an interface are of all its types."""
    schema = load_sandbox_schema()
    info, found = TypeInfo(schema), set[str]()

    class Fields(Visitor):
        def enter_field(self, node: FieldNode, *_: Any) -> None:
            parent = info.get_parent_type()
            types = schema.get_possible_types(parent) if is_interface_type(parent) else [parent]
            found.update(f"{type}.{node.name.value}" for type in types)

    visit(parse(text), TypeInfoVisitor(info, Fields()))
    return found


FOR_OTHER_CLIENTS = (
    *("CalculatedLineItem", "CalculatedOrder.", "OrderEdit", "RefundCreatePayload.", "Mutation.orderEdit"),
    *("Mutation.refundCreate", "LineItem.unfulfilledQuantity", "Order.currentTotalPriceSet", "InventoryItem.updatedAt"),
    *("RefundLineItem.subtotalSet", "RefundLineItem.totalTaxSet"),
)
"""What the store's own staff and other clients use: `test_shopify_sandbox` and `test_shopify_edits` ask for it."""


def test_the_sandbox_has_nothing_that_is_never_asked() -> None:
    there = {
        f"{name}.{field}"
        for name, kind in load_sandbox_schema().type_map.items()
        if is_object_type(kind) and not name.startswith("__")
        for field in kind.fields
    }
    more = (
        build_product_queries(("de",), ("custom.x",), ("custom.y",), ("DE",)),
        build_collection_queries(("de",)),
        build_customer_queries(("custom.x",)),
    )
    texts = [*(one.text for one in OPERATIONS.values()), *(queries.listing.text for queries in more)]
    unasked = there - {field for text in texts for field in list_fields(text)}
    inherited = (".id", ".processedQuantity", "Error.message")
    assert [
        field for field in unasked if not field.endswith(inherited) and not field.startswith(FOR_OTHER_CLIENTS)
    ] == []


def compute_cost(operation: Operation, variables: Mapping[str, Any] | None = None) -> int:
    """Compute the maximum query cost of an operation, by the rules of the vendor."""
    document = parse(operation.text)
    found = get_operation_ast(document)
    assert found is not None
    return build_calculator(load_sandbox_schema(), document, variables or build_variables(operation)).compute_cost(
        found
    )


def build_variables(operation: Operation) -> Mapping[str, Any]:
    kind = next((kind for kind in KINDS if operation in (kind.listing, kind.by_id)), None)
    size, entries = (1, 0) if kind is None else (kind.count_records(kind.max_entries), kind.max_entries)
    return {"first": size, "ids": ["x"] * size, "inside": entries}


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)
def test_an_operation_costs_no_more_than_was_estimated_and_little_less(operation: Operation) -> None:
    estimated = operation.estimate_cost(build_variables(operation))
    assert estimated * 0.99 - 1 <= compute_cost(operation) <= estimated <= MAX_QUERY_COST


def test_every_connection_inside_a_record_is_one_that_is_followed() -> None:
    """Build variables with the maximum page size; otherwise the second page would be truncated silently."""
    inside = sum(text.count("pageInfo") for text in (COLLECTION, CUSTOMER, ITEM, ORDER, PRODUCT))
    assert inside == len(NESTED_CONNECTIONS)
