"""Fulfillment options: the sourcing plans of a cart, priced, and signed so that `orderPlace` can trust their tokens."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from gateway.commerce import tokens
from gateway.commerce.checkout import taxes
from gateway.commerce.checkout.lead_times import compute_ready_time
from gateway.commerce.checkout.sourcing import (
    PlanRules,
    Shipment,
    SourcingPlan,
    StockNeed,
    compute_distance,
    list_serving_locations,
    rank_plans,
)
from gateway.commerce.checkout.taxes import PricedGoods
from gateway.commerce.config import SellingConfig
from gateway.commerce.context import SellingContext
from gateway.model.carts import Cart, CartLineQuantity, FulfillmentOption, FulfillmentPart
from gateway.model.locations import Address, FulfillmentMethod, GeoPoint
from gateway.model.money import Money
from gateway.sdk.policies import Goods
from gateway.storage.database import Connection
from gateway.storage.reads import stock_levels
from gateway.storage.writes import carts
from gateway.storage.writes.carts import Offer

OPTION_KIND = "option"


@dataclass(frozen=True, slots=True)
class DecodedOption:
    """The content of an option token. `price`: with tax, in the smallest unit of the currency."""

    cart_id: str
    cart_version: int
    shipments: tuple[Shipment, ...]
    missing: Mapping[str, int]
    price: int
    expires_at: datetime


def list_options(
    conn: Connection,
    cart: Cart,
    near: GeoPoint | None,
    address: Address | None,
    methods: Collection[FulfillmentMethod] | None,
    context: SellingContext,
) -> list[FulfillmentOption]:
    """List the ways in which a whole cart can be fulfilled, the best first.

    Args:
        methods: only options whose parts all have one of these methods; None: all.
    """
    if not context.permissions.can_buy_in(cart.channel_key):
        return []
    variants = [line.variant_id for line in cart.lines if line.variant_id]
    offers = carts.find_offers(conn, cart.channel_key, variants, cart.currency_code)
    needs = [
        StockNeed(line.id, line.variant_id, line.quantity, offers[line.variant_id].units, context.disclosure)
        for line in cart.lines
        if line.variant_id in offers
    ]
    goods = price_needs(needs, offers, address, context.config)
    if not needs or len(needs) < len(cart.lines) or not taxes.has_known_rates(goods):
        return []  # a line is not offered, or its tax rate is unknown
    rules = PlanRules(methods=methods, can_take_away_at=context.permissions.can_take_away_at)
    stock = load_promisable_stock(conn, needs, cart.channel_key, context.config)
    plans = rank_plans(needs, cart.channel_key, stock, near, context.config, rules)
    return [_build_option(cart, plan, near, context) for plan in plans]


def load_promisable_stock(
    conn: Connection, needs: Sequence[StockNeed], channel: str, config: SellingConfig
) -> Mapping[str, Mapping[str, stock_levels.Available]]:
    """Load the stock that a channel can promise for these needs (rule K9)."""
    serving = [location for location in list_serving_locations(config.topology) if location.is_sold_from(channel)]
    locations = stock_levels.build_counted_locations(serving, config.topology.buffers)
    return stock_levels.find_available(conn, {need.variant_id for need in needs}, locations)


def price_needs(
    needs: Sequence[StockNeed], offers: Mapping[str, Offer], address: Address | None, config: SellingConfig
) -> list[PricedGoods]:
    """Price the needs with today's prices and tax rates."""
    offers_of_needs = [offers[need.variant_id] for need in needs]
    rates = config.taxes([Goods(offer.channel, offer.sku, offer.title) for offer in offers_of_needs], address)
    return [
        PricedGoods(offer.exact_price, need.quantity, offer.includes_tax, rate, config.get_rounding(offer.channel))
        for need, offer, rate in zip(needs, offers_of_needs, rates, strict=True)
    ]


def compute_shipping_price(shipments: Sequence[Shipment], currency: str, config: SellingConfig) -> int:
    """Compute the shipping price of shipments, with tax."""
    count = sum(shipment.method is FulfillmentMethod.SHIPPING for shipment in shipments)
    return count * config.shipping_prices.get(currency, 0)


def _build_option(cart: Cart, plan: SourcingPlan, near: GeoPoint | None, context: SellingContext) -> FulfillmentOption:
    price = compute_shipping_price(plan.shipments, cart.currency_code, context.config)
    expires_at = context.now + context.config.option_lifetime
    parts = tuple(_build_part(cart, shipment, context) for shipment in plan.shipments)
    return FulfillmentOption(
        token=_sign_token(cart, plan, price, expires_at, context.config.secret),
        label=plan.label,
        parts=parts,
        uncovered=_list_quantities(cart, plan.missing),
        price=Money(price, cart.currency_code),
        ready_at=max((part.ready_at for part in parts), default=None),
        distance_km=compute_distance(plan, near),
        expires_at=expires_at,
    )


def _build_part(cart: Cart, shipment: Shipment, context: SellingContext) -> FulfillmentPart:
    return FulfillmentPart(
        method=shipment.method,
        location_key=shipment.location.key,
        transfer_from=None if shipment.source is None else shipment.source.key,
        lines=_list_quantities(cart, shipment.quantities),
        ready_at=compute_ready_time(shipment, context),
    )


def _list_quantities(cart: Cart, quantities: Mapping[str, int]) -> tuple[CartLineQuantity, ...]:
    return tuple(CartLineQuantity(cart.id, line, quantity) for line, quantity in quantities.items())


def _sign_token(cart: Cart, plan: SourcingPlan, price: int, expires_at: datetime, secret: bytes) -> str:
    shipments = [
        [
            shipment.method.value,
            shipment.location.key,
            shipment.source and shipment.source.key,
            list(shipment.quantities.items()),
        ]
        for shipment in plan.shipments
    ]
    content = [cart.id, cart.version, shipments, list(plan.missing.items()), price, int(expires_at.timestamp())]
    return tokens.sign_content(secret, OPTION_KIND, content)


def decode_option(token: str, config: SellingConfig) -> DecodedOption | None:
    """Decode an option token. Returns None if it is invalid, or names locations that do not exist any more."""
    content = tokens.verify_content(config.secrets, OPTION_KIND, token)
    if content is None:
        return None
    cart_id, version, shipments, missing, price, expires_at = content
    locations = config.topology.locations
    if any(key not in locations for _, *keys, _ in shipments for key in keys if key is not None):
        return None
    return DecodedOption(
        cart_id=cart_id,
        cart_version=version,
        shipments=tuple(
            Shipment(
                FulfillmentMethod(method),
                locations[key],
                None if source is None else locations[source],
                dict(quantities),
            )
            for method, key, source, quantities in shipments
        ),
        missing=dict(missing),
        price=price,
        expires_at=datetime.fromtimestamp(expires_at, UTC),
    )
