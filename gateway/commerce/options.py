"""Fulfillment options: the routes of a cart, priced, and signed so that `orderPlace` can take one at its word."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from gateway.commerce import credentials, taxes
from gateway.commerce.routes import Leg, Need, Route, distance, places_for, ready_at, routes
from gateway.commerce.selling import Selling
from gateway.commerce.taxes import Priced
from gateway.model.carts import Cart, CartLineQuantity, FulfillmentOption, FulfillmentPart
from gateway.model.channels import Address, FulfillmentMethod, GeoPoint
from gateway.model.money import Money
from gateway.sdk.policies import Goods
from gateway.storage import carts, levels
from gateway.storage.carts import Offer
from gateway.storage.database import Connection

OPTION = "option"


@dataclass(frozen=True, slots=True)
class Chosen:
    """An option as its token says it. `price`: in the smallest unit, with tax."""

    cart_id: str
    cart_version: int
    legs: tuple[Leg, ...]
    missing: Mapping[str, int]
    price: int
    expires_at: datetime


def options(
    conn: Connection, cart: Cart, near: GeoPoint | None, address: Address | None, selling: Selling, now: datetime
) -> list[FulfillmentOption]:
    """The ways in which a whole cart can reach the shopper, the best first."""
    offers = carts.offers(conn, cart.channel_key, [line.variant_id for line in cart.lines if line.variant_id])
    needs = [
        Need(line.id, line.variant_id, line.quantity, offers[line.variant_id].units)
        for line in cart.lines
        if line.variant_id in offers
    ]
    if not needs or len(needs) < len(cart.lines) or not taxes.known(priced(needs, offers, address, selling)):
        return []  # what cannot be sold, or only at a tax that nobody knows, reaches nobody
    found = routes(needs, cart.channel_key, shelves(conn, needs, selling), near, selling)
    return [_option(cart, route, near, selling, now) for route in found]


def shelves(conn: Connection, needs: Sequence[Need], selling: Selling) -> Mapping[str, Mapping[str, levels.Available]]:
    """What can be promised of what is needed."""
    places = levels.counted(places_for(selling.ground), selling.ground.buffers)
    return levels.available_at(conn, {need.variant_id for need in needs}, places)


def priced(
    needs: Sequence[Need], offers: Mapping[str, Offer], address: Address | None, selling: Selling
) -> list[Priced]:
    """What is needed, at today's prices and taxes."""
    some = [offers[need.variant_id] for need in needs]
    rates = selling.taxes([Goods(one.channel, one.sku, one.title) for one in some], address)
    return [
        Priced(offer.price, need.quantity, offer.includes_tax, rate)
        for need, offer, rate in zip(needs, some, rates, strict=True)
    ]


def shipping_price(legs: Sequence[Leg], currency: str, selling: Selling) -> int:
    """What all parts cost that are sent, with tax."""
    sent = sum(leg.method is FulfillmentMethod.SHIPPING for leg in legs)
    return sent * selling.shipping.get(currency, 0)


def _option(cart: Cart, route: Route, near: GeoPoint | None, selling: Selling, now: datetime) -> FulfillmentOption:
    price = shipping_price(route.legs, cart.currency_code, selling)
    expires_at = now + selling.option_lasts
    parts = tuple(_part(cart, leg, selling, now) for leg in route.legs)
    return FulfillmentOption(
        token=_token(cart, route, price, expires_at, selling.secret),
        label=route.label,
        parts=parts,
        uncovered=_quantities(cart, route.missing),
        price=Money(price, cart.currency_code),
        ready_at=max((part.ready_at for part in parts), default=None),
        distance_km=distance(route, near),
        expires_at=expires_at,
    )


def _part(cart: Cart, leg: Leg, selling: Selling, now: datetime) -> FulfillmentPart:
    return FulfillmentPart(
        method=leg.method,
        location_key=leg.location.key,
        transfer_from=None if leg.source is None else leg.source.key,
        lines=_quantities(cart, leg.quantities),
        ready_at=ready_at(leg, selling, now),
    )


def _quantities(cart: Cart, quantities: Mapping[str, int]) -> tuple[CartLineQuantity, ...]:
    return tuple(CartLineQuantity(cart.id, line, quantity) for line, quantity in quantities.items())


def _token(cart: Cart, route: Route, price: int, expires_at: datetime, secret: bytes) -> str:
    legs = [
        [leg.method.value, leg.location.key, leg.source and leg.source.key, list(leg.quantities.items())]
        for leg in route.legs
    ]
    said = [cart.id, cart.version, legs, list(route.missing.items()), price, int(expires_at.timestamp())]
    return credentials.promise(secret, OPTION, said)


def chosen(token: str, selling: Selling) -> Chosen | None:
    """What an option's token says; None: it is none of ours, or speaks of places that are there no more."""
    said = credentials.promised(selling.secret, OPTION, token)
    if said is None:
        return None
    cart_id, version, legs, missing, price, expires_at = said
    places = selling.ground.locations
    if any(key not in places for _, *keys, _ in legs for key in keys if key is not None):
        return None
    return Chosen(
        cart_id=cart_id,
        cart_version=version,
        legs=tuple(
            Leg(FulfillmentMethod(method), places[key], None if source is None else places[source], dict(quantities))
            for method, key, source, quantities in legs
        ),
        missing=dict(missing),
        price=price,
        expires_at=datetime.fromtimestamp(expires_at, UTC),
    )
