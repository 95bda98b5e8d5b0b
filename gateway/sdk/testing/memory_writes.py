"""Writes of the in-memory channel: stock, orders, and what it stores about customers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from gateway.sdk import (
    AdjustStock,
    CancelOrder,
    ChannelError,
    Command,
    Context,
    Done,
    EraseCustomer,
    Money,
    OrderRecord,
    Outcome,
    OutcomeUnknownError,
    PlaceOrder,
    Ref,
    Refused,
    SetConsent,
    SetLoyalty,
    SetStock,
    ShipOrder,
    Write,
)
from gateway.sdk._deprecated import alias_names
from gateway.sdk.testing import record_builders
from gateway.sdk.testing.fault_injection import Ask
from gateway.sdk.testing.memory_store import MemoryStore
from gateway.sdk.testing.record_builders import Row
from gateway.sdk.writes import AnyWrite

C = TypeVar("C", bound=Command)


class MemoryWrite(Write[C]):
    """A write of the in-memory channel."""

    def __init__(self, of: type[C], carry_out: Callable[[C], Outcome], habits: WriteBehavior) -> None:
        self.of = of
        self.repeatable = habits.enforces_keys
        self.batch = habits.batch
        self._carry_out, self._behavior = carry_out, habits

    async def send(self, commands: Sequence[C]) -> Sequence[Outcome | ChannelError]:
        """Apply commands; see `Write.send`."""
        store = self._behavior.store
        ask = Ask(self.of.__name__, "send", commands=tuple(commands))
        outcomes: Sequence[Outcome | ChannelError] = await store.answer(
            ask, lambda: [self._apply_once(command) for command in commands]
        )
        return outcomes

    async def find(self, command: C, ticket: str | None) -> Outcome | None:
        """Look up the outcome of a command; see `Write.find`."""
        ask = Ask(self.of.__name__, "find", commands=(command,))
        outcome: Outcome | None = await self._behavior.store.answer(ask, lambda: self._find_outcome(command))
        return outcome

    def _apply_once(self, command: C) -> Outcome:
        earlier = self._behavior.store.outcomes.get(command.key)
        if earlier is not None and self.repeatable:
            return earlier
        outcome = self._carry_out(command)
        self._behavior.store.outcomes[command.key] = outcome
        return outcome

    def _find_outcome(self, command: C) -> Outcome | None:
        if not self._behavior.finds:
            raise OutcomeUnknownError("this channel cannot look up the outcome of a command")
        return self._behavior.store.outcomes.get(command.key)


class WriteBehavior:
    """How the in-memory channel applies commands.

    Args:
        store: The state of the channel.
        context: The context of the open channel.
        enforces_keys: Repeating a command has no further effect.
        finds: Outcomes of commands can be looked up.
        ledger: Stock counts list the commands that they include.
        batch: Maximum number of commands per call.
        delay: Seconds for which the channel's own writes are invisible.
    """

    def __init__(
        self,
        store: MemoryStore,
        context: Context,
        *,
        enforces_keys: bool,
        finds: bool,
        ledger: bool,
        batch: int,
        delay: float,
    ) -> None:
        self.store, self.context = store, context
        self.enforces_keys, self.finds, self.ledger, self.batch = enforces_keys, finds, ledger, batch
        self._delay = delay

    def writes(self) -> Mapping[str, AnyWrite]:
        """Return all writes, by their name in `MemoryConfig.writes`."""
        return {
            "adjust": MemoryWrite(AdjustStock, self._adjust_stock, self),
            "set": MemoryWrite(SetStock, self._set_stock, self),
            "place": MemoryWrite(PlaceOrder, self._place_order, self),
            "cancel": MemoryWrite(CancelOrder, self._cancel_order, self),
            "ship": MemoryWrite(ShipOrder, self._ship_order, self),
            "points": MemoryWrite(SetLoyalty, self._set_loyalty, self),
            "consent": MemoryWrite(SetConsent, self._set_consent, self),
            "erase": MemoryWrite(EraseCustomer, self._erase_customer, self),
        }

    def _set_consent(self, command: SetConsent) -> Outcome:
        row = self.store.one("customers", command.subject.id)
        if row is None:
            return Refused(code="NO_SUCH_CUSTOMER", message=f"there is no customer {command.subject.id}")
        about = (command.purpose.value, command.address)
        others = [one for one in row.get("consents", ()) if (one["purpose"], one.get("address")) != about]
        decided = {"granted": command.granted, "decided_at": command.decided_at.isoformat()}
        consents = [*others, {"purpose": about[0], "address": about[1], **decided}]
        self._schedule(lambda: self.store.change("customers", command.subject.id, consents=consents))
        return Done()

    def _erase_customer(self, command: EraseCustomer) -> Outcome:
        self._schedule(lambda: self._clear_customer(command.subject.id))
        return Done()

    def _clear_customer(self, id_: str) -> None:
        """Keep the row without personal data, as most channels do. A customer who does not exist has none."""
        row = self.store.one("customers", id_)
        if row is not None:
            blank = record_builders.build_customer(id_, name="", merged_into=row.get("merged_into"))
            self.store.put("customers", blank)

    def _adjust_stock(self, command: AdjustStock) -> Outcome:
        id_ = f"{command.subject.id}@{command.place}"
        if self.store.one("stock", id_) is None:
            return Refused(code="NO_SUCH_ITEM", message=f"there is no stock row {id_}")
        self._schedule(lambda: self._move(id_, command.delta, command.key))
        return Done(moved_stock=True)

    def _set_stock(self, command: SetStock) -> Outcome:
        id_ = f"{command.item}@{command.place}"
        row, units = self.store.one("stock", id_), self._get_units(command.item)
        if row is not None and command.seen is not None and row["on_hand"] // units != command.seen:
            return Refused(code="CHANGED", message=f"the quantity was {row['on_hand'] // units}, not {command.seen}")
        fresh = record_builders.build_stock(command.item, command.place, command.quantity * units)
        self._schedule(lambda: self.store.put("stock", fresh))
        return Done()

    def _set_loyalty(self, command: SetLoyalty) -> Outcome:
        row = self.store.one("customers", command.subject.id)
        if row is None:
            return Refused(code="NO_SUCH_CUSTOMER", message=f"there is no customer {command.subject.id}")
        shown = {**row, "points": command.points, "tier": command.tier}
        self._schedule(lambda: self.store.put("customers", shown))
        return Done()

    def _get_units(self, item: str) -> int:
        """Return the number of stock units in one listing of an item."""
        products = (row["variants"] for row in self.store.rows("products").values() if "variants" in row)
        variants = (variant for group in products if isinstance(group, list) for variant in group)
        return next((row.get("units", 1) for row in variants if item in (row["id"], row.get("item"))), 1)

    def _place_order(self, command: PlaceOrder) -> Outcome:
        order, id_ = command.order, f"m-{self.store.count('orders') + 1}"
        lines = [
            record_builders.build_line(
                line.ref.id,
                line.variant,
                line.quantity,
                line.unit_price.amount if line.unit_price else "0.00",
                title=line.title,
                fulfilled=0,
            )
            for line in order.lines
        ]
        more: Row = {"client_reference": order.client_reference, "status": "OPEN", "stock_posted": True}
        if order.subtotal is not None and order.total is not None:
            more["amounts"] = _build_amounts(order, order.subtotal, order.total)
        self.store.put("orders", record_builders.build_order(id_, lines, placed_at=order.placed_at, **more))
        for line in order.lines:
            self._sell(line.variant, line.place, line.quantity, command.key)
        return Done(ref=Ref(id_), moved_stock=True)

    def _cancel_order(self, command: CancelOrder) -> Outcome:
        row = self.store.one("orders", command.subject.id)
        if row is None or any(line.get("fulfilled") for line in row["lines"]):
            return Refused(code="NOT_CANCELABLE", message="the order does not exist or has been shipped")
        if row.get("status") != "CANCELLED":
            self.store.change("orders", row["id"], status="CANCELLED")
        return Done(moved_stock=False)

    def _ship_order(self, command: ShipOrder) -> Outcome:
        row = self.store.one("orders", command.subject.id)
        if row is None or row.get("status") == "CANCELLED":
            return Refused(code="NOT_SHIPPABLE", message="the order does not exist or is canceled")
        lines = [line | {"fulfilled": command.quantities.get(line["variant"], 0)} for line in row["lines"]]
        self.store.change("orders", row["id"], lines=lines, status="COMPLETED")
        return Done()

    def _sell(self, variant: str | None, place: str | None, quantity: int, key: str) -> None:
        id_ = f"{variant}@{place}"
        if self.store.one("stock", id_) is not None:
            self._schedule(lambda: self._move(id_, -quantity, key))

    def _move(self, id_: str, delta: int, key: str) -> None:
        row: Row | None = self.store.one("stock", id_)
        if row is None:
            return
        more: dict[str, Any] = {"contains": [*row.get("contains", ()), key]} if self.ledger else {}
        self.store.change("stock", id_, on_hand=row["on_hand"] + delta, **more)

    def _schedule(self, work: Callable[[], None]) -> None:
        """Apply a change after the configured delay."""
        self.store.later(self.context.now().timestamp() + self._delay, work)
        self.store.catch_up(self.context.now().timestamp())


def _build_amounts(order: OrderRecord, subtotal: Money, total: Money) -> Row:
    names = {"shipping": order.shipping_total, "tax": order.tax_total}
    more = {name: amount.amount for name, amount in names.items() if amount is not None}
    return record_builders.build_amounts(
        subtotal.amount, total.amount, currency=total.currency_code, tax_included=order.tax_included, **more
    )


if not TYPE_CHECKING:
    __getattr__ = alias_names(
        __name__,
        {
            "Habits": "WriteBehavior",
        },
    )
