"""State of the sandbox's shop: nodes in the format of the GraphQL API, by type and number."""

from __future__ import annotations

import asyncio
import itertools
from bisect import bisect_right, insort
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from gateway.sdk.testing.sandbox import SandboxError

API_VERSION = "2026-10"
"""The version of the API that the sandbox serves; others are unknown."""

Node = dict[str, Any]
Emit = Callable[[str, Mapping[str, Any]], None]


def build_gid(kind: str, number: int) -> str:
    """Build a global ID of Shopify."""
    return f"gid://shopify/{kind}/{number}"


def parse_number(id: str) -> int:
    """Parse the number of a global ID."""
    return int(id.rpartition("/")[2])


def format_instant(moment: datetime) -> str:
    """Format an instant as Shopify does: UTC, to the second."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def get_utc_now() -> datetime:
    """Return the current time."""
    return datetime.now(UTC)


def ignore_event(topic: str, body: Mapping[str, Any]) -> None:
    """Ignore an event: the default of `Shop.emit`."""


@dataclass(slots=True)
class Shop:
    """The state of a shop.

    Attributes:
        levels: Stock levels by inventory item and location.
        merges: The remaining customer by merge job.
        idempotent_answers: Input and result by idempotency key.
        stock_delay: Seconds until the effect of an order on stock is visible.
        job_duration: Seconds that a job takes.
        erasure_delay: Seconds until a customer is erased whose erasure was requested; at Shopify, days or months.
    """

    currency: str
    taxes_included: bool
    tax_rate: Decimal
    now: Callable[[], datetime] = get_utc_now
    emit: Emit = ignore_event
    nodes: dict[str, dict[int, Node]] = field(default_factory=dict)
    levels: dict[int, dict[int, Node]] = field(default_factory=dict)
    merges: dict[str, int] = field(default_factory=dict)
    idempotent_answers: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    stock_delay: float = 0
    job_duration: float = 1
    erasure_delay: float = 0
    _scheduled: list[tuple[datetime, Callable[[], None]]] = field(default_factory=list)
    _ids: dict[str, list[int]] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1001))

    def add(self, kind: str, number: int | None = None, **fields: Any) -> Node:
        """Add a node."""
        key = next(self._numbers) if number is None else number
        node = {"__typename": kind, "id": build_gid(kind, key), **fields}
        self.nodes.setdefault(kind, {})[key] = node
        insort(self._ids.setdefault(kind, []), key)
        return node

    def take_number(self) -> int:
        """Return the next number for an ID."""
        return next(self._numbers)

    def remove(self, node: Node) -> None:
        """Remove a node."""
        kind, key = node["__typename"], parse_number(node["id"])
        del self.nodes[kind][key]
        self._ids[kind].remove(key)

    def list_nodes(self, kind: str, after: int = 0) -> list[Node]:
        """List the nodes of a type after a number, by number."""
        ids, nodes = self._ids.get(kind, []), self.nodes.get(kind, {})
        return [nodes[key] for key in itertools.islice(ids, bisect_right(ids, after), None)]

    def schedule(self, seconds: float, work: Callable[[], None]) -> None:
        """Run a function after some seconds; immediately if 0."""
        if not seconds:
            return work()
        self._scheduled.append((self.now() + timedelta(seconds=seconds), work))
        asyncio.get_running_loop().call_later(seconds + 0.01, self.run_due)
        return None

    def run_due(self) -> None:
        """Run the scheduled functions that are due."""
        due = [work for at, work in self._scheduled if at <= self.now()]
        self._scheduled = [entry for entry in self._scheduled if entry[0] > self.now()]
        for work in due:
            work()

    def export_state(self) -> tuple[Any, ...]:
        """Return the whole state, after all scheduled functions."""
        while self._scheduled:
            self._scheduled.pop(0)[1]()
        return self.nodes, self.levels, self.merges, self.idempotent_answers, self.take_number()

    def import_state(self, state: tuple[Any, ...]) -> None:
        """Replace the whole state by an exported one."""
        self.nodes, self.levels, self.merges, self.idempotent_answers, number = state
        self._ids = {kind: sorted(nodes) for kind, nodes in self.nodes.items()}
        self._numbers = itertools.count(number)

    def build_money(self, amount: Decimal) -> Node:
        """Build a money bag."""
        return {"shopMoney": {"amount": str(amount), "currencyCode": self.currency}}

    def get_variant(self, sku: str) -> Node:
        """Return the first variant with this SKU."""
        for node in self.nodes.get("ProductVariant", {}).values():
            if node["sku"] == sku:
                return node
        raise SandboxError(f"sku: the shop has no variant {sku}")

    def get_location(self, id: str) -> Node:
        """Return the location with this number."""
        location = self.nodes.get("Location", {}).get(int(id)) if id.isdigit() else None
        if location is None:
            numbers = ", ".join(map(str, self.nodes.get("Location", {})))
            raise SandboxError(f"location: expected one of {numbers}, found {id}")
        return location

    def add_stock(self, item: Node, location: Node, **counts: int) -> Node:
        """Add units to a stock level, by name of the quantity."""
        here = self.levels.setdefault(parse_number(item["id"]), {})
        key = parse_number(location["id"])
        if key not in here:
            id = f"gid://shopify/InventoryLevel/{key}?inventory_item_id={parse_number(item['id'])}"
            here[key] = {"__typename": "InventoryLevel", "id": id, "item": item, "location": location, "counts": {}}
        level = here[key]
        for name, units in counts.items():
            level["counts"][name] = level["counts"].get(name, 0) + units
        level["updatedAt"] = format_instant(self.now())
        self._emit_level(item, location, level)
        return level

    def touch(self, node: Node, *topics: str) -> None:
        """Set the date of change of a node, and emit its webhooks."""
        node["updatedAt"] = format_instant(self.now())
        for topic in topics:
            self.emit(topic, {"id": parse_number(node["id"]), "admin_graphql_api_id": node["id"]})

    def _emit_level(self, item: Node, location: Node, level: Node) -> None:
        self.emit(
            "inventory_levels/update",
            {
                "inventory_item_id": parse_number(item["id"]),
                "location_id": parse_number(location["id"]),
                "available": level["counts"].get("available", 0),
                "updated_at": level["updatedAt"],
            },
        )
