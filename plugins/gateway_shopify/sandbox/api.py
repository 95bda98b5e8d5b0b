"""The API: one document after the other, paid for and answered out of the shop."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLResolveInfo,
    GraphQLSchema,
    OperationDefinitionNode,
    assert_enum_type,
    build_schema,
    execute_sync,
    get_directive_values,
    get_named_type,
    get_operation_ast,
    parse,
    validate,
)

from gateway_shopify.sandbox import counting, routes, taking
from gateway_shopify.sandbox.bucket import Bucket
from gateway_shopify.sandbox.cost import bill
from gateway_shopify.sandbox.shop import Node, Shop, gid, number

MOST = 250
DEEPEST = 25_000
MOST_POINTS = 1_000
_FILTER = re.compile(r"(id):>(\d+)|(updated_at):>='([^']+)'")

Answer = dict[str, Any]


@cache
def schema() -> GraphQLSchema:
    """The schema of the twin."""
    return build_schema(files("gateway_shopify.sandbox").joinpath("schema.graphql").read_text(encoding="utf-8"))


@lru_cache(maxsize=100)
def document_of(query: str) -> DocumentNode | tuple[Answer, ...]:
    """The document, if it is one that the schema knows; else what is wrong with it."""
    try:
        document = parse(query)
    except GraphQLError as error:
        return ({**error.formatted},)
    problems = tuple({**error.formatted} for error in validate(schema(), document))
    return problems or document


def topics() -> list[str]:
    """What can be subscribed to."""
    return list(assert_enum_type(schema().type_map["WebhookSubscriptionTopic"]).values)


@dataclass(slots=True)
class Api:
    """The API of one shop. `drained`: somebody else empties the bucket as fast as it fills."""

    shop: Shop
    bucket: Bucket = field(default_factory=Bucket)
    drained: bool = False

    def answer(self, query: str, name: str | None, variables: Mapping[str, Any]) -> Answer:
        """What a document is answered with."""
        understood = document_of(query)
        if not isinstance(understood, DocumentNode):
            return {"errors": list(understood)}
        self.shop.catch_up()
        operation = get_operation_ast(understood, name)
        if operation is None:
            return {"errors": [{"message": "no such operation"}]}
        return self._paid(understood, operation, variables)

    def _paid(self, document: DocumentNode, operation: OperationDefinitionNode, variables: Mapping[str, Any]) -> Answer:
        price = bill(schema(), document, variables)
        most = price.operation(operation)
        if most > MOST_POINTS:
            return self._refused("MAX_COST_EXCEEDED", f"query cost is {most}, which exceeds {MOST_POINTS}", most)
        if self.drained:
            self.bucket.drain()
        if self.drained or not self.bucket.take(most):
            return self._refused("THROTTLED", "Throttled", most)
        name = operation.name.value if operation.name else None
        result = execute_sync(
            schema(), document, self.shop, None, dict(variables), operation_name=name, field_resolver=resolve
        )
        actual = most if result.data is None else price.operation(operation, result.data)
        self.bucket.give_back(most - actual)
        answer: Answer = {"data": result.data, "extensions": self._cost(most, actual)}
        if result.errors:
            answer["errors"] = [error.formatted for error in result.errors]
        return answer

    def _refused(self, code: str, message: str, most: int) -> Answer:
        error = {"message": message, "extensions": {"code": code}}
        return {"errors": [error], "extensions": self._cost(most, None)}

    def _cost(self, most: int, actual: int | None) -> Answer:
        status = {
            "maximumAvailable": float(self.bucket.capacity),
            "currentlyAvailable": int(self.bucket.left),
            "restoreRate": float(self.bucket.per_second),
        }
        return {"cost": {"requestedQueryCost": most, "actualQueryCost": actual, "throttleStatus": status}}


def resolve(source: Any, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
    """Any field: what is computed, a page of a list, or what stands in the node."""
    special = FIELDS.get(f"{info.parent_type.name}.{info.field_name}")
    if (keyed := KEYED.get(info.field_name)) is not None and info.parent_type.name == "Mutation":
        return keyed(info.root_value, key_of(info), **arguments)
    value = source.get(info.field_name) if special is None else special(info.root_value, source, **arguments)
    if not get_named_type(info.return_type).name.endswith("Connection"):
        return value
    return _page(value or [], info, **arguments)


def key_of(info: GraphQLResolveInfo[Any]) -> str:
    """The idempotency key, without which some mutations are refused."""
    directive = next(one for one in info.schema.directives if one.name == "idempotent")
    given = get_directive_values(directive, info.field_nodes[0], info.variable_values)
    if not given or not given["key"].strip():
        raise GraphQLError("The @idempotent directive is required for this mutation but was not provided.")
    return str(given["key"])


def _page(nodes: Sequence[Node], info: GraphQLResolveInfo[Any], **arguments: Any) -> Answer:
    first = arguments.get("first")
    if first is None or not 0 < first <= MOST:
        raise GraphQLError(f"you must provide one of first or last, at most {MOST}")
    start = _start(nodes, arguments.get("after"), arguments.get("sortKey"))
    if start > DEEPEST:
        raise GraphQLError(f"a cursor reaches at most {DEEPEST} deep")
    some = list(nodes[start : start + first])
    cursor = None if not some else _cursor(some[-1], start + len(some), arguments.get("sortKey"))
    return {"nodes": some, "pageInfo": {"hasNextPage": start + first < len(nodes), "endCursor": cursor}}


def _place(node: Node, sort: str | None) -> list[Any]:
    return [node.get("updatedAt", "") if sort == "UPDATED_AT" else "", number(node["id"])]


def _cursor(node: Node, count: int, sort: str | None) -> str:
    """Where a node stands in its order; in lists that have none, how many came before."""
    place = _place(node, sort) if sort else [count]
    return base64.b64encode(json.dumps(place).encode()).decode()


def _start(nodes: Sequence[Node], after: str | None, sort: str | None) -> int:
    if after is None:
        return 0
    place = json.loads(base64.b64decode(after))
    if not sort:
        return int(place[0])
    return next((index for index, node in enumerate(nodes) if _place(node, sort) > place), len(nodes))


def _listed(kind: str) -> Callable[..., Sequence[Node]]:
    def listed(shop: Shop, source: Any, **arguments: Any) -> Sequence[Node]:
        behind, since = _filtered(arguments.get("query"))
        nodes = shop.all(kind, behind)
        if since:
            asked = since[:10] if kind == "Customer" else since  # whose search knows whole days only
            nodes = [node for node in nodes if node["updatedAt"] >= asked]
        if arguments.get("sortKey") == "UPDATED_AT":
            nodes = sorted(nodes, key=lambda node: _place(node, "UPDATED_AT"))
        return nodes[::-1] if arguments.get("reverse") else nodes

    return listed


def _filtered(query: str | None) -> tuple[int, str]:
    """Behind which id, and since when, a search is."""
    if not query:
        return 0, ""
    match = _FILTER.fullmatch(query)
    if match is None:
        raise GraphQLError(f"the twin does not understand the search {query}")
    return int(match[2] or 0), match[4] or ""


def _levels(shop: Shop, item: Node, **arguments: Any) -> Sequence[Node]:
    return list(shop.levels.get(number(item["id"]), {}).values())


def _levels_there(shop: Shop, place: Node, query: str | None = None, **arguments: Any) -> Sequence[Node]:
    _, since = _filtered(query)
    key = number(place["id"])
    here = [levels[key] for levels in shop.levels.values() if key in levels]
    return [level for level in here if level["updatedAt"] >= since]


def _quantities(shop: Shop, level: Node, names: Sequence[str]) -> list[Answer]:
    return [{"name": name, "quantity": level["counts"].get(name, 0)} for name in names]


def _merge(shop: Shop, source: Any, jobId: str) -> Answer | None:
    kept = shop.merges.get(jobId)
    return None if kept is None else {"status": "COMPLETED", "resultingCustomerId": gid("Customer", kept)}


def _subscribe(shop: Shop, source: Any, topic: str, webhookSubscription: Mapping[str, str]) -> Answer:
    uri = webhookSubscription.get("uri") or ""
    known = [(node["topic"], node["uri"]) for node in shop.all("WebhookSubscription")]
    if not uri or (topic, uri) in known:
        problem = "is not an address" if not uri else "for this topic has already been taken"
        return {"webhookSubscription": None, "userErrors": [{"field": ["uri"], "message": f"Address {problem}"}]}
    return {"webhookSubscription": shop.add("WebhookSubscription", topic=topic, uri=uri), "userErrors": []}


def _shop(shop: Shop, source: Any) -> Answer:
    return {"id": gid("Shop", 1), "currencyCode": shop.currency, "taxesIncluded": shop.taxes_included}


FIELDS: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {
        "QueryRoot.shop": _shop,
        "QueryRoot.node": lambda shop, source, id: shop.one(id),
        "QueryRoot.nodes": lambda shop, source, ids: [shop.one(id) for id in ids],
        "QueryRoot.customer": lambda shop, source, id: shop.one(id),
        "QueryRoot.products": _listed("Product"),
        "QueryRoot.inventoryItems": _listed("InventoryItem"),
        "QueryRoot.customers": _listed("Customer"),
        "QueryRoot.orders": _listed("Order"),
        "QueryRoot.locations": _listed("Location"),
        "QueryRoot.webhookSubscriptions": _listed("WebhookSubscription"),
        "QueryRoot.customerMergeJobStatus": _merge,
        "InventoryItem.inventoryLevels": _levels,
        "Location.inventoryLevels": _levels_there,
        "InventoryLevel.quantities": _quantities,
        "QueryRoot.order": lambda shop, source, id: shop.one(id),
        "QueryRoot.orderByIdentifier": lambda shop, source, identifier: taking.found(shop, identifier["customId"]),
        "QueryRoot.job": lambda shop, source, id: shop.one(id),
        "Order.metafield": lambda shop, order, namespace, key: order["metafields"].get((namespace, key)),
        "Mutation.webhookSubscriptionCreate": _subscribe,
        "Mutation.metafieldDefinitionCreate": lambda shop, source, definition: taking.define(shop, definition),
        "Mutation.orderCreate": lambda shop, source, order, options=None: taking.create(shop, order, options or {}),
        "Mutation.orderCancel": lambda shop, source, orderId, **_: routes.cancel_by_job(shop, orderId),
        "Mutation.fulfillmentOrderMove": lambda shop, source, **given: routes.move(shop, **given),
        "Mutation.fulfillmentCreate": lambda shop, source, fulfillment: routes.fulfill(shop, fulfillment),
    }
)

KEYED: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {"inventoryAdjustQuantities": counting.adjust, "inventorySetQuantities": counting.put}
)
"""Mutations that want a key."""
