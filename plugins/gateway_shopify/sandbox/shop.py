"""What is in the twin's shop: nodes as GraphQL shows them, by type and number, and what can happen to them."""

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

Node = dict[str, Any]
Emit = Callable[[str, Mapping[str, Any]], None]


def gid(kind: str, number: int) -> str:
    """Shopify's form of an id."""
    return f"gid://shopify/{kind}/{number}"


def number(id: str) -> int:
    """The number in such an id."""
    return int(id.rpartition("/")[2])


def text(moment: datetime) -> str:
    """An instant as Shopify writes it: to the second."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def utc_now() -> datetime:
    """The time."""
    return datetime.now(UTC)


def silent(topic: str, body: Mapping[str, Any]) -> None:
    """Tells nobody."""


@dataclass(slots=True)
class Shop:
    """A shop.

    Attributes:
        levels: of each inventory item, by location.
        merges: the customer kept, by job.
        answered: what was answered under each idempotency key, with what was asked.
        lag: seconds until an order's effect on stock is seen.
        job: seconds that a job takes.
    """

    currency: str
    taxes_included: bool
    tax_rate: Decimal
    now: Callable[[], datetime] = utc_now
    emit: Emit = silent
    nodes: dict[str, dict[int, Node]] = field(default_factory=dict)
    levels: dict[int, dict[int, Node]] = field(default_factory=dict)
    merges: dict[str, int] = field(default_factory=dict)
    answered: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    lag: float = 0
    job: float = 1
    _waiting: list[tuple[datetime, Callable[[], None]]] = field(default_factory=list)
    _ids: dict[str, list[int]] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1001))

    def add(self, kind: str, number: int | None = None, **fields: Any) -> Node:
        """Put in a node."""
        key = next(self._numbers) if number is None else number
        node = {"__typename": kind, "id": gid(kind, key), **fields}
        self.nodes.setdefault(kind, {})[key] = node
        insort(self._ids.setdefault(kind, []), key)
        return node

    def remove(self, node: Node) -> None:
        """Take a node out."""
        kind, key = node["__typename"], number(node["id"])
        del self.nodes[kind][key]
        self._ids[kind].remove(key)

    def all(self, kind: str, after: int = 0) -> list[Node]:
        """The nodes of a type behind a number, by number."""
        ids, nodes = self._ids.get(kind, []), self.nodes.get(kind, {})
        return [nodes[key] for key in itertools.islice(ids, bisect_right(ids, after), None)]

    def one(self, id: str) -> Node | None:
        """The node of this id."""
        kind, _, key = id.removeprefix("gid://shopify/").partition("/")
        return self.nodes.get(kind, {}).get(int(key)) if key.isdigit() else None

    def later(self, seconds: float, work: Callable[[], None]) -> None:
        """Have this be done in so many seconds; at once, if there are none."""
        if not seconds:
            return work()
        self._waiting.append((self.now() + timedelta(seconds=seconds), work))
        asyncio.get_running_loop().call_later(seconds + 0.01, self.catch_up)
        return None

    def catch_up(self) -> None:
        """Do what is due by now."""
        due = [work for at, work in self._waiting if at <= self.now()]
        self._waiting = [one for one in self._waiting if one[0] > self.now()]
        for work in due:
            work()

    def money(self, amount: Decimal) -> Node:
        """A pair of amounts."""
        return {"shopMoney": {"amount": str(amount), "currencyCode": self.currency}}

    def variant(self, sku: str) -> Node:
        """The first variant with this SKU."""
        for node in self.nodes.get("ProductVariant", {}).values():
            if node["sku"] == sku:
                return node
        raise SandboxError(f"sku: the shop has no variant {sku}")

    def place(self, id: str) -> Node:
        """The location of this number."""
        found = self.nodes.get("Location", {}).get(int(id)) if id.isdigit() else None
        if found is None:
            known = ", ".join(map(str, self.nodes.get("Location", {})))
            raise SandboxError(f"location: expected one of {known}, found {id}")
        return found

    def stock(self, item: Node, place: Node, **counts: int) -> Node:
        """Count so many units more of an item in a place, by the quantity's name."""
        here = self.levels.setdefault(number(item["id"]), {})
        key = number(place["id"])
        if key not in here:
            id = f"gid://shopify/InventoryLevel/{key}?inventory_item_id={number(item['id'])}"
            here[key] = {"__typename": "InventoryLevel", "id": id, "item": item, "location": place, "counts": {}}
        level = here[key]
        for name, units in counts.items():
            level["counts"][name] = level["counts"].get(name, 0) + units
        level["updatedAt"] = text(self.now())
        self._tell_level(item, place, level)
        return level

    def touch(self, node: Node, *topics: str) -> None:
        """The node has changed: note when, and tell those who want to know."""
        node["updatedAt"] = text(self.now())
        for topic in topics:
            self.emit(topic, {"id": number(node["id"]), "admin_graphql_api_id": node["id"]})

    def _tell_level(self, item: Node, place: Node, level: Node) -> None:
        self.emit(
            "inventory_levels/update",
            {
                "inventory_item_id": number(item["id"]),
                "location_id": number(place["id"]),
                "available": level["counts"].get("available", 0),
                "updated_at": level["updatedAt"],
            },
        )
