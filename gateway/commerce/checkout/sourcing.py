"""Sourcing: the plans by which locations can serve a whole cart (rule K1: only stock that can be promised).

Candidate plans are built, ranked by the routing policy, and limited. A location takes part if its authority can
execute orders or stock adjustments. Goods come from locations that the cart's channel sells from (rule K9); they can be
collected in any store.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from gateway.commerce.config import SellingConfig
from gateway.commerce.topology import Topology
from gateway.model.locations import FulfillmentMethod, GeoPoint, Location, LocationKind, measure_kilometers
from gateway.model.stock import EXACT_STOCK, StockDisclosure
from gateway.sdk.policies import Plan
from gateway.sdk.writes import AdjustStock, PlaceOrder
from gateway.storage.reads.stock_levels import Available


def compute_distance(plan: SourcingPlan, near: GeoPoint | None) -> float | None:
    """Compute the distance in kilometers to the farthest location of a plan; None: unknown."""
    points = [shipment.location.point for shipment in plan.shipments]
    known_values = (
        [measure_kilometers(near, point) for point in points if point is not None] if near is not None else []
    )
    return max(known_values) if known_values and len(known_values) == len(points) else None


MAX_PLANS = 20
"""Maximum number of options."""

MAX_SHIPMENTS = 10
"""Maximum number of locations that serve one order."""

UNTRACKED_UNITS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class StockNeed:
    """The stock that a cart line needs.

    Attributes:
        units: stock units in one unit of the line.
        disclosure: what the caller may know of the stock. A plan shows how many units each location has.
    """

    line_id: str
    variant_id: str
    quantity: int
    units: int
    disclosure: StockDisclosure = EXACT_STOCK


@dataclass(frozen=True, slots=True)
class Shipment:
    """Goods that come from one location. `source`: the location from which they are transferred first."""

    method: FulfillmentMethod
    location: Location
    source: Location | None
    quantities: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class SourcingPlan:
    """One way to serve a whole cart. `missing`: quantities that no location can serve, by line ID."""

    label: str
    shipments: tuple[Shipment, ...]
    missing: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRules:
    """Which plans are built.

    Attributes:
        methods: only plans whose shipments all have one of these methods; None: all.
        can_take_away_at: whether goods may be taken away at once at a location.
    """

    methods: Collection[FulfillmentMethod] | None = None
    can_take_away_at: Callable[[str], bool] = lambda _: True

    def allow(self, plan: SourcingPlan) -> bool:
        """Return whether a plan follows the rules."""
        return all(self._allow_shipment(shipment) for shipment in plan.shipments)

    def _allow_shipment(self, shipment: Shipment) -> bool:
        if shipment.method is FulfillmentMethod.IN_STORE and not self.can_take_away_at(shipment.location.key):
            return False
        return self.methods is None or shipment.method in self.methods


PromisableStock = Mapping[str, Mapping[str, Available]]
"""Stock that can be promised, by variant and location."""


def list_serving_locations(topology: Topology) -> list[Location]:
    """List the locations that can serve orders: their authority is known, and supports orders or stock adjustments."""
    return [
        location
        for location in topology.locations.values()
        if location.kind is not LocationKind.MARKETPLACE_FULFILLMENT
        and location.fulfillment_methods
        and location.authority is not None
        and any(topology.can_execute(location.authority.channel, command) for command in (AdjustStock, PlaceOrder))
    ]


def rank_plans(
    needs: Sequence[StockNeed],
    channel: str,
    stock: PromisableStock,
    near: GeoPoint | None,
    config: SellingConfig,
    rules: PlanRules | None = None,
) -> list[SourcingPlan]:
    """Build and rank the sourcing plans for these needs. If no plan covers everything, those that cover the most.

    `stock`: at locations that the channel sells from.
    """
    allowed = rules or PlanRules()
    candidates = list(_build_plans(needs, channel, stock, config.topology))
    serving = [plan for plan in candidates if plan.shipments and allowed.allow(plan)]
    complete = [plan for plan in serving if not plan.missing]
    described = [_describe_plan(plan, stock, needs, near) for plan in complete or serving]
    ranked = [(complete or serving)[position] for position in config.routing(described)]
    return _remove_duplicates(ranked)[:MAX_PLANS]


def _build_plans(
    needs: Sequence[StockNeed], channel: str, stock: PromisableStock, topology: Topology
) -> Iterator[SourcingPlan]:
    locations = list_serving_locations(topology)
    origins = [location for location in locations if FulfillmentMethod.SHIPPING in location.fulfillment_methods]
    for store in locations:
        if FulfillmentMethod.IN_STORE in store.fulfillment_methods and channel in store.external_ids:
            served, rest = _serve_from(store, needs, stock)
            if served:
                shipments = [Shipment(FulfillmentMethod.IN_STORE, store, None, served)]
                shipped, missing = _plan_shipping(rest, origins, stock, [store])
                yield SourcingPlan(f"Take away in {store.name}", (*shipments, *shipped), missing)
        if FulfillmentMethod.PICKUP in store.fulfillment_methods:
            yield plan_pickup(store, needs, locations, stock)
    for origin in origins:
        served, rest = _serve_from(origin, needs, stock)
        if served:
            shipped, missing = _plan_shipping(rest, origins, stock, [origin])
            yield SourcingPlan(
                "Delivery", (Shipment(FulfillmentMethod.SHIPPING, origin, None, served), *shipped), missing
            )


def plan_pickup(
    store: Location, needs: Sequence[StockNeed], locations: Sequence[Location], stock: PromisableStock
) -> SourcingPlan:
    """Plan a pickup: goods that are in the store, and goods transferred there. Transferred goods do not become its
    stock.
    """
    served, rest = _serve_from(store, needs, stock)
    shipments = [Shipment(FulfillmentMethod.PICKUP, store, None, served)] if served else []
    others = [location for location in locations if location is not store]
    sources = [location for location in others if location.kind is LocationKind.WAREHOUSE] or others
    for source, quantities in _spread_needs(rest, sources, stock, MAX_SHIPMENTS - len(shipments)):
        shipments.append(Shipment(FulfillmentMethod.PICKUP, store, source, quantities))
    return SourcingPlan(f"Pickup in {store.name}", tuple(shipments), _compute_missing(needs, shipments))


def _plan_shipping(
    needs: Sequence[StockNeed], origins: Iterable[Location], stock: PromisableStock, excluded: Sequence[Location]
) -> tuple[list[Shipment], Mapping[str, int]]:
    others = [location for location in origins if location not in excluded]
    shipments = [
        Shipment(FulfillmentMethod.SHIPPING, location, None, quantities)
        for location, quantities in _spread_needs(needs, others, stock, MAX_SHIPMENTS - 1)
    ]
    return shipments, _compute_missing(needs, shipments)


def _spread_needs(
    needs: Sequence[StockNeed], locations: Sequence[Location], stock: PromisableStock, limit: int
) -> Iterator[tuple[Location, Mapping[str, int]]]:
    """Serve needs from few locations: greedily, the location next that serves the most of what is missing."""
    remaining, unused = list(needs), list(locations)
    while remaining and unused and limit:
        candidates = [
            (sum(quantities.values()), location, quantities, rest)
            for location in unused
            for quantities, rest in [_serve_from(location, remaining, stock)]
        ]
        served, location, quantities, rest = max(candidates, key=lambda candidate: candidate[0])
        if not served:
            return
        yield location, quantities
        unused.remove(location)
        remaining, limit = rest, limit - 1


def _serve_from(
    location: Location, needs: Sequence[StockNeed], stock: PromisableStock
) -> tuple[dict[str, int], list[StockNeed]]:
    """Split needs into what a location can serve, by line ID, and the rest."""
    taken: dict[str, int] = defaultdict(int)
    served: dict[str, int] = {}
    rest: list[StockNeed] = []
    for need in needs:
        free = _count_units(stock[need.variant_id].get(location.key))
        quantity = _compute_served(need, free, taken[need.variant_id])
        if quantity > 0:
            served[need.line_id] = quantity
            taken[need.variant_id] += quantity * need.units
        if need.quantity > quantity:
            rest.append(replace(need, quantity=need.quantity - quantity))
    return served, rest


def _count_units(available: Available | None) -> int:
    """Return the units that are available at a location; many if stock is not tracked there."""
    if available is None:
        return 0
    return UNTRACKED_UNITS if available.units is None else available.units


def _compute_served(need: StockNeed, free: int, taken: int) -> int:
    """Compute how much of a need a location serves, of whose units other lines have taken some."""
    units = need.disclosure.show_units(free - taken, need.quantity * need.units, pack=need.units, shown=taken)
    return max(0, min(need.quantity, units // need.units))


def _compute_missing(needs: Sequence[StockNeed], shipments: Iterable[Shipment]) -> dict[str, int]:
    remaining = {need.line_id: need.quantity for need in needs}
    for shipment in shipments:
        for line, quantity in shipment.quantities.items():
            remaining[line] -= quantity
    return {line: quantity for line, quantity in remaining.items() if quantity}


def _describe_plan(
    plan: SourcingPlan, stock: PromisableStock, needs: Sequence[StockNeed], near: GeoPoint | None
) -> Plan:
    variants = {need.line_id: need.variant_id for need in needs}
    since = [
        stock[variants[line]][(shipment.source or shipment.location).key].unchanged_since
        for shipment in plan.shipments
        for line in shipment.quantities
    ]
    known_values = [moment for moment in since if moment is not None]
    return Plan(
        parts=len(plan.shipments),
        kilometers=compute_distance(plan, near),
        lying_since=min(known_values, default=None),
        units=sum(quantity for shipment in plan.shipments for quantity in shipment.quantities.values()),
    )


def _remove_duplicates(ranked: Sequence[SourcingPlan]) -> list[SourcingPlan]:
    """Remove duplicate plans: two origins can lead to the same shipments."""
    unique: dict[object, SourcingPlan] = {}
    for plan in ranked:
        shipments = frozenset(
            (
                shipment.method,
                shipment.location.key,
                shipment.source and shipment.source.key,
                tuple(sorted(shipment.quantities.items())),
            )
            for shipment in plan.shipments
        )
        unique.setdefault(shipments, plan)
    return list(unique.values())
