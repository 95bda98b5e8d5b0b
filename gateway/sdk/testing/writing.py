"""What the in-memory channel can be told: stock and orders, with every habit that channels have about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from gateway.sdk import (
    AdjustStock,
    CancelOrder,
    ChannelError,
    Command,
    Context,
    Done,
    Outcome,
    OutcomeUnknownError,
    PlaceOrder,
    Ref,
    Refused,
    SetStock,
    ShipOrder,
    Write,
)
from gateway.sdk.testing import rows
from gateway.sdk.testing.faults import Ask
from gateway.sdk.testing.rows import Row
from gateway.sdk.testing.store import MemoryStore
from gateway.sdk.writes import AnyWrite

C = TypeVar("C", bound=Command)


class MemoryWrite(Write[C]):
    """One thing that the store can be told. `habits`: what its configuration says of writes."""

    def __init__(self, of: type[C], carry_out: Callable[[C], Outcome], habits: Habits) -> None:
        self.of = of
        self.repeatable = habits.enforces_keys
        self.batch = habits.batch
        self._carry_out, self._habits = carry_out, habits

    async def send(self, commands: Sequence[C]) -> Sequence[Outcome | ChannelError]:
        """See `Write.send`."""
        store = self._habits.store
        ask = Ask(self.of.__name__, "send", commands=tuple(commands))
        said: Sequence[Outcome | ChannelError] = await store.answer(ask, lambda: [self._done(one) for one in commands])
        return said

    async def find(self, command: C, ticket: str | None) -> Outcome | None:
        """See `Write.find`."""
        ask = Ask(self.of.__name__, "find", commands=(command,))
        found: Outcome | None = await self._habits.store.answer(ask, lambda: self._known(command))
        return found

    def _done(self, command: C) -> Outcome:
        known = self._habits.store.outcomes.get(command.key)
        if known is not None and self.repeatable:
            return known
        outcome = self._carry_out(command)
        self._habits.store.outcomes[command.key] = outcome
        return outcome

    def _known(self, command: C) -> Outcome | None:
        if not self._habits.finds:
            raise OutcomeUnknownError("this store cannot be asked what became of a command")
        return self._habits.store.outcomes.get(command.key)


class Habits:
    """How a store takes what it is told.

    Attributes:
        enforces_keys: the same command again does nothing more.
        finds: it can be asked what became of a command.
        ledger: its counts tell which commands they contain.
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
        """Everything that the store can be told, by what a configuration calls it."""
        return {
            "adjust": MemoryWrite(AdjustStock, self._adjust, self),
            "set": MemoryWrite(SetStock, self._set, self),
            "place": MemoryWrite(PlaceOrder, self._place, self),
            "cancel": MemoryWrite(CancelOrder, self._cancel, self),
            "ship": MemoryWrite(ShipOrder, self._ship, self),
        }

    def _adjust(self, command: AdjustStock) -> Outcome:
        id_ = f"{command.subject.id}@{command.place}"
        if self.store.one("stock", id_) is None:
            return Refused(code="NO_SUCH_ITEM", message=f"nothing is counted as {id_}")
        self._later(lambda: self._move(id_, command.delta, command.key))
        return Done(moved_stock=True)

    def _set(self, command: SetStock) -> Outcome:
        id_ = f"{command.item}@{command.place}"
        row, units = self.store.one("stock", id_), self._units(command.item)
        if row is not None and command.seen is not None and row["on_hand"] // units != command.seen:
            return Refused(code="CHANGED", message=f"it was {row['on_hand'] // units}, not {command.seen}")
        fresh = rows.stock(command.item, command.place, command.quantity * units)
        self._later(lambda: self.store.put("stock", fresh))
        return Done()

    def _units(self, item: str) -> int:
        """How many units of stock one listing of an item sells."""
        products = (row["variants"] for row in self.store.rows("products").values() if "variants" in row)
        variants = (one for some in products if isinstance(some, list) for one in some)
        return next((one.get("units", 1) for one in variants if item in (one["id"], one.get("item"))), 1)

    def _place(self, command: PlaceOrder) -> Outcome:
        order, id_ = command.order, f"m-{self.store.count('orders') + 1}"
        lines = [
            rows.line(
                line.ref.id,
                line.variant,
                line.quantity,
                line.unit_price.amount if line.unit_price else "0.00",
                title=line.title,
                fulfilled=0,
            )
            for line in order.lines
        ]
        more = {"client_reference": order.client_reference, "status": "OPEN", "stock_posted": True}
        self.store.put("orders", rows.order(id_, lines, placed_at=order.placed_at, **more))
        for line in order.lines:
            self._sell(line.variant, line.place, line.quantity, command.key)
        return Done(ref=Ref(id_), moved_stock=True)

    def _cancel(self, command: CancelOrder) -> Outcome:
        row = self.store.one("orders", command.subject.id)
        if row is None or any(line.get("fulfilled") for line in row["lines"]):
            return Refused(code="NOT_CANCELABLE", message="there is no such order, or it has left")
        if row.get("status") != "CANCELLED":
            self.store.change("orders", row["id"], status="CANCELLED")
        return Done(moved_stock=False)

    def _ship(self, command: ShipOrder) -> Outcome:
        row = self.store.one("orders", command.subject.id)
        if row is None or row.get("status") == "CANCELLED":
            return Refused(code="NOT_SHIPPABLE", message="there is no such order, or it is canceled")
        lines = [line | {"fulfilled": command.quantities.get(line["variant"], 0)} for line in row["lines"]]
        self.store.change("orders", row["id"], lines=lines, status="COMPLETED")
        return Done()

    def _sell(self, variant: str | None, place: str | None, quantity: int, key: str) -> None:
        id_ = f"{variant}@{place}"
        if self.store.one("stock", id_) is not None:
            self._later(lambda: self._move(id_, -quantity, key))

    def _move(self, id_: str, delta: int, key: str) -> None:
        row: Row | None = self.store.one("stock", id_)
        if row is None:
            return
        more: dict[str, Any] = {"contains": [*row.get("contains", ()), key]} if self.ledger else {}
        self.store.change("stock", id_, on_hand=row["on_hand"] + delta, **more)

    def _later(self, work: Callable[[], None]) -> None:
        """Now, or as late as the store's own writes are seen."""
        self.store.later(self.context.now().timestamp() + self._delay, work)
        self.store.catch_up(self.context.now().timestamp())
