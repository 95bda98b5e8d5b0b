"""The sandbox of a store answers as Shopify does, to clients that are stricter or sloppier than the gateway."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from gateway_shopify_sandbox.state import API_VERSION
from tests.plugins.shopify_client import StoreClient, open_store

pytestmark = pytest.mark.anyio

TWO = "query A { shop { id } } query B { shop { currencyCode } }"
ADJUST = """mutation ($input: InventoryAdjustQuantitiesInput!, $key: String!) {
  inventoryAdjustQuantities(input: $input) @idempotent(key: $key) {
    inventoryAdjustmentGroup { id } userErrors { code field message }
  }
}"""
SET = """mutation ($input: InventorySetQuantitiesInput!, $key: String!) {
  inventorySetQuantities(input: $input) @idempotent(key: $key) {
    inventoryAdjustmentGroup { id } userErrors { code field message }
  }
}"""
CREATE = """mutation ($order: OrderCreateOrderInput!) {
  orderCreate(order: $order) { order { id email } userErrors { code field message } }
}"""
PRICE = {"shopMoney": {"amount": "5.00", "currencyCode": "GBP"}}


def build_change(store: StoreClient, field: str = "delta", **more: Any) -> dict[str, Any]:
    level = {"inventoryItemId": store.get_variant("TEA-1")["inventoryItem"]["id"]}
    location = f"gid://shopify/Location/{store.sandbox.locations['london']}"
    return {**level, "locationId": location, field: 1, "changeFromQuantity": None, **more}


async def adjust(store: StoreClient, name: str, key: str = "k", **change: Any) -> list[dict[str, Any]]:
    """Adjust a quantity by one, and return the user errors."""
    given = {"name": name, "reason": "correction", "changes": [build_change(store, **change)]}
    return list((await store.change(ADJUST, input=given, key=key))["userErrors"])


async def refuse_order(store: StoreClient, **order: Any) -> tuple[str, list[str]]:
    """Create an order that is refused, and return the code and the field of its first user error."""
    variant = store.get_variant("TEA-1")["id"]
    payload = await store.change(CREATE, order={"lineItems": [{"variantId": variant, "quantity": 1}], **order})
    assert payload["order"] is None and payload["userErrors"][0]["message"]
    return payload["userErrors"][0]["code"], payload["userErrors"][0]["field"][1:]


@pytest.mark.parametrize("named", [{}, {"operationName": None}, {"operationName": ""}])
async def test_without_a_name_the_only_operation_runs(tmp_path: Path, named: dict[str, Any]) -> None:
    async with open_store(tmp_path) as store:
        answer = (await store.post({"query": "query Any { shop { currencyCode } }", **named})).json()
        assert answer["data"] == {"shop": {"currencyCode": "GBP"}}
        assert store.sandbox.behavior.operations == ["Any"]
        several = (await store.post({"query": TWO, **named})).json()
        assert "data" not in several and several["errors"]


async def test_of_two_operations_the_named_one_runs(tmp_path: Path) -> None:
    async with open_store(tmp_path) as store:
        answer = (await store.post({"query": TWO, "operationName": "B"})).json()
        assert answer["data"] == {"shop": {"currencyCode": "GBP"}}
        missing = (await store.post({"query": TWO, "operationName": "C"})).json()
        assert missing["errors"][0]["message"] == "No operation named 'C'"


async def test_every_response_names_the_version_and_others_are_not_found(tmp_path: Path) -> None:
    async with open_store(tmp_path) as store:
        for response in (await store.post({"query": "{ shop { id } }"}), await store.post(b"x")):
            assert response.headers["x-shopify-api-version"] == API_VERSION
        for version in ("2020-01", "2026-99", "latest"):
            response = await store.post({"query": "{ shop { id } }"}, version)
            assert (response.status_code, response.json()) == (404, {"errors": "Not Found"})


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff", b"[]", b'"x"', b"null", b"[" * 100_000, b"{}", b'{"query": 3}', b'{"query": " "}']
)
async def test_a_body_that_is_no_request_is_400_json(tmp_path: Path, body: bytes) -> None:
    async with open_store(tmp_path) as store:
        response = await store.post(body)
        assert response.status_code == 400 and response.json()["errors"]
        wrong = {"query": "{ shop { id } }", "variables": [1]}
        assert (await store.post(wrong)).status_code == 400


async def test_a_webhook_names_the_version_and_its_time_in_utc(tmp_path: Path) -> None:
    async with open_store(tmp_path) as store:
        headers = store.sandbox.deliveries.build_headers("orders/create", b"{}")
    assert headers["x-shopify-api-version"] == API_VERSION
    at = headers["x-shopify-triggered-at"]
    assert at.endswith("Z") and len(at.partition(".")[2]) == len("123456789Z")
    assert datetime.fromisoformat(at).utcoffset() is not None


@pytest.mark.parametrize(
    ("name", "more", "code"),
    [
        ("bogus", {}, "INVALID_QUANTITY_NAME"),
        ("on_hand", {}, "INVALID_QUANTITY_NAME"),
        ("damaged", {}, "INVALID_QUANTITY_DOCUMENT"),
        ("damaged", {"ledgerDocumentUri": "gid://shopify/Order/1"}, "INTERNAL_LEDGER_DOCUMENT"),
        ("available", {"ledgerDocumentUri": "gid://app/Thing/1"}, "INVALID_AVAILABLE_DOCUMENT"),
        ("available", {"delta": 2_000_000_000}, "INVALID_QUANTITY_TOO_HIGH"),
        ("available", {"changeFromQuantity": 5}, "CHANGE_FROM_QUANTITY_STALE"),
        ("available", {"inventoryItemId": "gid://shopify/InventoryItem/999999"}, "INVALID_INVENTORY_ITEM"),
        ("available", {"locationId": "gid://shopify/Location/999999"}, "INVALID_LOCATION"),
    ],
)
async def test_an_adjustment_that_cannot_be_meant_changes_nothing(
    tmp_path: Path, name: str, more: dict[str, Any], code: str
) -> None:
    async with open_store(tmp_path) as store:
        errors = await adjust(store, name, **more)
        assert [error["code"] for error in errors] == [code] and errors[0]["message"]
        assert store.get_counts("TEA-1", "london") == {"available": 12, "on_hand": 12}


async def test_damaged_units_are_on_hand_and_not_available(tmp_path: Path) -> None:
    async with open_store(tmp_path) as store:
        assert await adjust(store, "damaged", ledgerDocumentUri="gid://app/Count/1") == []
        assert await adjust(store, "incoming", "other", ledgerDocumentUri="gid://app/Count/1") == []
        assert store.get_counts("TEA-1", "london") == {"available": 12, "on_hand": 13, "damaged": 1, "incoming": 1}


async def test_units_on_hand_are_set_with_what_is_available(tmp_path: Path) -> None:
    async with open_store(tmp_path) as store:
        entry = build_change(store, "quantity", quantity=20)
        given = {"name": "on_hand", "reason": "correction", "quantities": [entry]}
        assert (await store.change(SET, input=given, key="a"))["userErrors"] == []
        assert store.get_counts("TEA-1", "london") == {"available": 20, "on_hand": 20}
        refused = [
            (await store.change(SET, input={**given, **more}, key=str(more)))["userErrors"][0]["code"]
            for more in ({"name": "damaged"}, {"quantities": [entry, entry]}, {"reason": "whim"})
        ]
        assert refused == ["INVALID_NAME", "NO_DUPLICATE_INVENTORY_ITEM_ID_GROUP_ID_PAIR", "INVALID_REASON"]


async def test_the_quantity_to_compare_with_must_be_given_even_if_it_is_null(tmp_path: Path) -> None:
    async with open_store(tmp_path) as store:
        change = build_change(store)
        del change["changeFromQuantity"]
        given = {"name": "available", "reason": "correction", "changes": [change]}
        assert "changeFromQuantity argument is required" in await store.fail(ADJUST, input=given, key="k")


async def test_quantities_of_unknown_names_are_an_error(tmp_path: Path) -> None:
    async with open_store(tmp_path) as store:
        query = """{ locations(first: 1) { nodes { inventoryLevels(first: 1) {
          nodes { quantities(names: ["available", "bogus"]) { quantity } }
        } } } }"""
        assert await store.fail(query) == "Invalid quantity name: bogus"


@pytest.mark.parametrize(
    ("field", "id"),
    [
        ("order", "gid://shopify/Customer/1"),
        ("order", "1"),
        ("order", "gid://shopify/Order/x"),
        ("customer", "gid://shopify/Order/1"),
        ("node", ""),
        ("node", "gid://shopify/Job/1"),
    ],
)
async def test_an_id_of_another_kind_is_refused(tmp_path: Path, field: str, id: str) -> None:
    async with open_store(tmp_path) as store:
        query = f"query ($id: ID!) {{ {field}(id: $id) {{ id }} }}"
        answer = await store.execute(query, id=id)
        assert answer["errors"][0]["message"] == f"Invalid id: {id}"
        assert await store.read("query ($id: ID!) { order(id: $id) { id } }", id="gid://shopify/Order/99") == {
            "order": None
        }


async def test_a_write_with_an_id_of_another_kind_is_refused(tmp_path: Path) -> None:
    async with open_store(tmp_path) as store:
        variant = store.get_variant("TEA-1")["id"]
        change = build_change(store, inventoryItemId=variant)
        given = {"name": "available", "reason": "correction", "changes": [change]}
        assert await store.fail(ADJUST, input=given, key="k") == f"Invalid id: {variant}"
        assert store.get_counts("TEA-1", "london") == {"available": 12, "on_hand": 12}


@pytest.mark.parametrize(
    ("order", "field"),
    [
        ({"lineItems": []}, ["lineItems"]),
        ({"lineItems": None}, ["lineItems"]),
        ({"email": "ada"}, ["email"]),
        ({"email": "a@b@c.de"}, ["email"]),
        ({"currency": "EUR"}, ["currency"]),
        ({"lineItems": [{"quantity": 1, "priceSet": PRICE}]}, ["lineItems", "0", "title"]),
        ({"lineItems": [{"quantity": 1, "title": "Engraving"}]}, ["lineItems", "0", "priceSet"]),
        ({"lineItems": [{"quantity": 0, "title": "Engraving", "priceSet": PRICE}]}, ["lineItems", "0", "quantity"]),
        ({"lineItems": [{"quantity": -1, "title": "Engraving", "priceSet": PRICE}]}, ["lineItems", "0", "quantity"]),
        ({"metafields": [{"key": "a"}]}, ["metafields", "0", "value"]),
        ({"fulfillment": {"locationId": "gid://shopify/Location/999999"}}, ["fulfillment", "locationId"]),
    ],
)
async def test_an_order_that_cannot_be_meant_is_refused(
    tmp_path: Path, order: dict[str, Any], field: list[str]
) -> None:
    async with open_store(tmp_path) as store:
        before = len(store.shop.list_nodes("Order"))
        assert await refuse_order(store, **order) == ("INVALID", field)
        assert len(store.shop.list_nodes("Order")) == before


async def test_an_order_may_have_lines_that_are_not_in_the_catalog(tmp_path: Path) -> None:
    async with open_store(tmp_path) as store:
        line = {"title": "Engraving", "quantity": 2, "priceSet": PRICE}
        payload = await store.change(CREATE, order={"lineItems": [line], "email": "ada@example.com"})
        assert payload["userErrors"] == []
        query = """query ($id: ID!) { order(id: $id) {
          totalPriceSet { shopMoney { amount } } lineItems(first: 5) { nodes { title sku quantity variant { id } } }
        } }"""
        order = (await store.read(query, id=payload["order"]["id"]))["order"]
        assert order["lineItems"]["nodes"] == [{"title": "Engraving", "sku": None, "quantity": 2, "variant": None}]
        assert order["totalPriceSet"]["shopMoney"]["amount"] == "10.00"


async def test_values_of_custom_scalars_are_checked(tmp_path: Path) -> None:
    async with open_store(tmp_path) as store:
        line = {"variantId": store.get_variant("TEA-1")["id"], "quantity": 1}
        wrong: list[dict[str, Any]] = [
            {"processedAt": "now"},
            {"taxLines": [{"title": "VAT", "rate": "NaN"}]},
            {"taxLines": [{"title": "VAT", "rate": {"a": 1}}]},
        ]
        for fields in wrong:
            answer = await store.execute(CREATE, order={"lineItems": [line], **fields})
            assert "data" not in answer and answer["errors"][0]["extensions"]["code"] == "INVALID_VARIABLE"
        at = {"processedAt": "2026-01-05T09:00:00+02:00"}
        assert (await store.change(CREATE, order={"lineItems": [line], **at}))["userErrors"] == []
        assert store.shop.list_nodes("Order")[-1]["processedAt"] == "2026-01-05T07:00:00Z"


async def test_a_metafield_without_a_namespace_is_the_apps_own(tmp_path: Path) -> None:
    async with open_store(tmp_path) as store:
        define = """mutation {
          metafieldDefinitionCreate(definition: {key: "ref", name: "R", type: "id", ownerType: ORDER}) {
            createdDefinition { id } userErrors { code message }
          }
        }"""
        assert (await store.change(define))["userErrors"] == []
        variant = store.get_variant("TEA-1")["id"]
        order = {"lineItems": [{"variantId": variant, "quantity": 1}], "metafields": [{"key": "ref", "value": "A1"}]}
        made = (await store.change(CREATE, order=order))["order"]["id"]
        find = """{ orderByIdentifier(identifier: {customId: {key: "ref", value: "A1"}}) {
          id metafield(key: "ref") { value }
        } }"""
        assert await store.read(find) == {"orderByIdentifier": {"id": made, "metafield": {"value": "A1"}}}
        assert (await refuse_order(store, metafields=order["metafields"]))[1] == ["metafields", "0", "value"]


async def test_an_identifier_has_exactly_one_field(tmp_path: Path) -> None:
    async with open_store(tmp_path) as store:
        find = "query ($by: OrderIdentifierInput!) { orderByIdentifier(identifier: $by) { id } }"
        both = {"id": "gid://shopify/Order/1", "customId": {"key": "a", "value": "b"}}
        identifiers: list[dict[str, Any]] = [{}, both, {"customId": {}}]
        for by in identifiers:
            answer = await store.execute(find, by=by)
            assert "data" not in answer and answer["errors"]
        assert await store.read(find, by={"id": "gid://shopify/Order/999999"}) == {"orderByIdentifier": None}


@pytest.mark.parametrize("cursor", ["x", "bnVsbA==", "WzEsMl0=", "WyJhIiwgImIiXQ==", "\ud83d\ude00", "Wy01XQ=="])
async def test_a_broken_cursor_is_an_error_of_the_request(tmp_path: Path, cursor: str) -> None:
    async with open_store(tmp_path) as store:
        for listing in ("products(first: 1, after: $after)", "orders(first: 1, after: $after, sortKey: UPDATED_AT)"):
            query = f"query ($after: String) {{ {listing} {{ nodes {{ id }} }} }}"
            assert await store.fail(query, after=cursor) == "Invalid cursor for current pagination sort."
        assert store.sandbox.api.internal_errors == []


async def test_every_user_error_has_a_message(tmp_path: Path) -> None:
    async with open_store(tmp_path) as store:
        missing = "999999"
        calls = (
            f'orderCancel(orderId: "gid://shopify/Order/{missing}", reason: OTHER, restock: true) {{'
            " errors: orderCancelUserErrors { message } }",
            f'fulfillmentOrderMove(id: "gid://shopify/FulfillmentOrder/{missing}",'
            f' newLocationId: "gid://shopify/Location/{missing}") {{ errors: userErrors {{ message }} }}',
            "fulfillmentCreate(fulfillment: {lineItemsByFulfillmentOrder: []}) { errors: userErrors { message } }",
            'metafieldDefinitionCreate(definition: {key: "", name: "R", type: "id", ownerType: ORDER})'
            " { errors: userErrors { message } }",
            'webhookSubscriptionCreate(topic: ORDERS_CREATE, webhookSubscription: {uri: "nowhere"})'
            " { errors: userErrors { message } }",
            f'orderEditBegin(id: "gid://shopify/Order/{missing}") {{ errors: userErrors {{ message }} }}',
            f'refundCreate(input: {{orderId: "gid://shopify/Order/{missing}"}}) @idempotent(key: "k")'
            " { errors: userErrors { message } }",
        )
        for call in calls:
            payload = await store.change(f"mutation {{ {call} }}")
            assert all(error["message"] for error in payload["errors"]) and payload["errors"], call


async def test_what_breaks_in_the_sandbox_is_an_internal_error_without_its_text(tmp_path: Path) -> None:
    async with open_store(tmp_path) as store:
        store.get_variant("TEA-1")["product"]["title"] = None  # a state that the API cannot have
        text = json.dumps(await store.execute("{ products(first: 5) { nodes { title } } }"))
        assert "INTERNAL_SERVER_ERROR" in text and "Cannot return null" not in text
        assert len(store.sandbox.api.internal_errors) == 1
