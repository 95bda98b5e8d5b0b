"""Reservations: units of stock counters that are held for somebody, or sold (rules K1, K7).

A reservation is subtracted from what is available until it is released, or until the authority's own count contains
it.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from gateway.commerce.context import SellingContext
from gateway.commerce.topology import Topology
from gateway.model.ids import generate_id
from gateway.model.locations import Authority
from gateway.model.stock import MovementReason, ReservationState, StockDisclosure
from gateway.storage.database import Connection
from gateway.storage.writes import reservations, stock_counters, unpaid_orders
from gateway.storage.writes.reservations import ReservationRow, StockCounterKey
from gateway.storage.writes.stock_counters import StockCounter
from gateway.storage.writes.unpaid_orders import UnpaidUnits


@dataclass(frozen=True, slots=True)
class StockRequest:
    """Units of a variant requested at a location."""

    variant_id: str
    location: str
    quantity: int


@dataclass(frozen=True, slots=True)
class StockShortfall:
    """A stock request that cannot be fulfilled.

    Attributes:
        position: of the request.
        available: units that could be had instead.
        claimed: units of the same stock that earlier requests of the claim have taken.
        is_limited: there are enough units, but too many of them would wait for a payment.
        until: when the earliest of those orders falls due.
    """

    position: int
    available: int
    claimed: int = 0
    is_limited: bool = False
    until: datetime | None = None

    def show_units(self, disclosure: StockDisclosure) -> int:
        """Return the units that could be had instead, as far as the caller may know."""
        return disclosure.show_units(self.available, shown=self.claimed)


@dataclass(frozen=True, slots=True)
class CounterAllocation:
    """Units that a stock request takes from one stock counter. `position`: of the request."""

    position: int
    listing_id: str
    counter_key: StockCounterKey
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReservationTemplate:
    """What the reservations of one claim have in common.

    Attributes:
        owner: holds them; empty for movements.
        unpaid_share: the share of each level that unpaid orders of unauthenticated clients may hold together, this
            one included; None: no limit.
    """

    state: ReservationState
    reason: MovementReason = MovementReason.SALE
    owner: str = ""
    expires_at: datetime | None = None
    unpaid_share: Decimal | None = None


class InsufficientStockError(Exception):
    """Not all of the requested units are available. Nothing was claimed."""

    def __init__(self, shortfalls: Sequence[StockShortfall]) -> None:
        super().__init__(f"{len(shortfalls)} stock requests cannot be fulfilled")
        self.shortfalls = tuple(shortfalls)


def reserve_stock(
    conn: Connection, requests: Sequence[StockRequest], template: ReservationTemplate, context: SellingContext
) -> Mapping[int, Sequence[ReservationRow]]:
    """Claim stock as `claim_stock` does, and insert the reservations."""
    claimed = claim_stock(conn, requests, template, context)
    reservations.insert_reservations(conn, [row for rows in claimed.values() for row in rows])
    return claimed


def claim_stock(
    conn: Connection, requests: Sequence[StockRequest], template: ReservationTemplate, context: SellingContext
) -> Mapping[int, Sequence[ReservationRow]]:
    """Claim all of these units, or none (rule K7). Returns the reservations by the position of their request.

    They are not inserted: the caller does that in the same transaction. Untracked variants need no reservation.

    Raises:
        InsufficientStockError: fewer units are available.
    """
    stock = _LockedStock.load(conn, requests, context.topology)
    stock.limit = _UnpaidLimit.load(conn, stock.counters, template.unpaid_share)
    allocations, shortfalls = [], []
    for position, request in enumerate(requests):
        allocated = stock.allocate(position, request)
        if isinstance(allocated, StockShortfall):
            shortfalls.append(allocated)
        else:
            allocations += allocated
    if shortfalls:
        raise InsufficientStockError(shortfalls)
    rows = [
        _build_reservation(allocation, requests[allocation.position], template, context.now)
        for allocation in allocations
    ]
    stock_counters.change_held(conn, stock.counters, reservations.sum_claims(rows), context.now)
    return _group_by_position(allocations, rows)


@dataclass(slots=True)
class _UnpaidLimit:
    """How much of each level unpaid orders of unauthenticated clients may hold (rule U3).

    The limit is rounded up, so that the last unit can be bought.
    """

    share: Decimal
    held: dict[StockCounterKey, UnpaidUnits]

    @classmethod
    def load(
        cls, conn: Connection, counters: Collection[StockCounterKey], share: Decimal | None
    ) -> _UnpaidLimit | None:
        return None if share is None else cls(share, unpaid_orders.sum_unauthenticated(conn, counters))

    def compute_free(self, available: int, keys: Sequence[StockCounterKey]) -> int:
        """Compute how many of the available units of a level may be held."""
        held = sum(self._get(key).units for key in keys)
        return math.ceil(self.share * (available + held)) - held

    def find_earliest(self, keys: Sequence[StockCounterKey]) -> datetime | None:
        """Find when the earliest of the orders that hold units of the level falls due."""
        return min((until for key in keys if (until := self._get(key).until) is not None), default=None)

    def add(self, key: StockCounterKey, units: int) -> None:
        former = self._get(key)
        self.held[key] = UnpaidUnits(former.units + units, former.until)

    def _get(self, key: StockCounterKey) -> UnpaidUnits:
        return self.held.get(key, UnpaidUnits())


@dataclass(slots=True)
class _LockedStock:
    """The locked stock counters of all requests, and the units that are free on each."""

    topology: Topology
    listed: Mapping[tuple[str, str], Sequence[tuple[str, str]]]
    untracked: Collection[tuple[str, str]]
    counters: dict[StockCounterKey, StockCounter]
    free: dict[StockCounterKey, int]
    limit: _UnpaidLimit | None = None

    @classmethod
    def load(cls, conn: Connection, requests: Sequence[StockRequest], topology: Topology) -> _LockedStock:
        variants: dict[str, set[str]] = defaultdict(set)
        for request in requests:
            if (authority := topology.locations[request.location].authority) is not None:
                variants[authority.channel].add(request.variant_id)
        by_authority = {channel: stock_counters.find_listings(conn, channel, ids) for channel, ids in variants.items()}
        listed = {(key, id_): rows for key, (counted, _) in by_authority.items() for id_, rows in counted.items()}
        untracked = {(key, id_) for key, (_, uncounted) in by_authority.items() for id_ in uncounted}
        counter_keys = {
            counter_key
            for request in requests
            for _, counter_key in _list_counters(request, listed, topology.locations[request.location].authority)
        }
        counters = stock_counters.lock_counters(conn, counter_keys)
        free = {counter_key: counter.available for counter_key, counter in counters.items()}
        return cls(topology, listed, untracked, counters, free)

    def allocate(self, position: int, request: StockRequest) -> list[CounterAllocation] | StockShortfall:
        """Allocate a request to counters, the fullest first. Untracked variants need no counter."""
        authority = self.topology.locations[request.location].authority
        counter_keys = [
            (listing, counter_key)
            for listing, counter_key in _list_counters(request, self.listed, authority)
            if counter_key in self.free
        ]
        if not counter_keys and authority and (authority.channel, request.variant_id) in self.untracked:
            return []
        available = max(
            0,
            sum(self.free[counter_key] for _, counter_key in counter_keys) - self.topology.get_buffer(request.location),
        )
        if available < request.quantity:
            claimed = sum(self.counters[key].available - self.free[key] for _, key in counter_keys)
            return StockShortfall(position, available, claimed)
        keys = [counter_key for _, counter_key in counter_keys]
        if self.limit is not None and request.quantity > self.limit.compute_free(available, keys):
            return StockShortfall(position, 0, is_limited=True, until=self.limit.find_earliest(keys))
        return list(self._split_among_counters(position, request.quantity, counter_keys))

    def _split_among_counters(
        self, position: int, units: int, counter_keys: Sequence[tuple[str, StockCounterKey]]
    ) -> Iterable[CounterAllocation]:
        for listing, counter_key in sorted(counter_keys, key=lambda pair: -self.free[pair[1]]):
            taken = min(units, self.free[counter_key])
            if taken > 0:
                self.free[counter_key] -= taken
                units -= taken
                if self.limit is not None:
                    self.limit.add(counter_key, taken)
                yield CounterAllocation(position, listing, counter_key, taken)


def _list_counters(
    request: StockRequest,
    listed: Mapping[tuple[str, str], Sequence[tuple[str, str]]],
    authority: Authority | None,
) -> list[tuple[str, StockCounterKey]]:
    """List the stock counters of a request, each once, with the oldest listing that leads to it."""
    if authority is None:
        return []
    by_counter: dict[StockCounterKey, str] = {}
    for listing, item in listed.get((authority.channel, request.variant_id), ()):
        by_counter.setdefault((authority.channel, item, authority.external_id), listing)
    return [(listing, counter_key) for counter_key, listing in by_counter.items()]


def _build_reservation(
    allocation: CounterAllocation, request: StockRequest, template: ReservationTemplate, now: datetime
) -> ReservationRow:
    channel, item, external_location = allocation.counter_key
    return ReservationRow(
        id=generate_id(now),
        channel=channel,
        item=item,
        place=external_location,
        location=request.location,
        listing_id=allocation.listing_id,
        quantity=allocation.quantity,
        state=template.state.value,
        reason=template.reason.value,
        owner=template.owner,
        expires_at=template.expires_at,
        created_at=now,
        updated_at=now,
    )


def _group_by_position(
    allocations: Sequence[CounterAllocation], rows: Sequence[ReservationRow]
) -> dict[int, list[ReservationRow]]:
    by_position: dict[int, list[ReservationRow]] = defaultdict(list)
    for allocation, row in zip(allocations, rows, strict=True):
        by_position[allocation.position].append(row)
    return by_position
