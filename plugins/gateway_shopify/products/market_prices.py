"""Mapping of the prices of markets, which are in other currencies than that of the shop."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.sdk import CurrencyPrice, Money, RecordWarning, json_access, read_informative
from gateway_shopify import graphql_values
from gateway_shopify.graphql_values import Node
from gateway_shopify.read_documents import PRICING


def map_market_prices(
    variant: Node, countries: Sequence[str], currency: str
) -> tuple[list[CurrencyPrice], list[RecordWarning]]:
    """Map the prices in these countries, one for each currency. Prices in the shop's currency are left out: a listing
    has one price in each.
    """

    def map_price(position: int) -> CurrencyPrice:
        pricing = json_access.get_object(variant, f"{PRICING}{position}")
        price = _map_money(json_access.get_object(pricing, "price"))
        before = json_access.get_optional_object(pricing, "compareAtPrice")
        return CurrencyPrice(price=price, compare_at_price=None if before is None else _map_money(before))

    prices, warnings = read_informative(range(len(countries)), map_price, "prices")
    by_currency: dict[str, CurrencyPrice] = {}
    for price in prices:
        by_currency.setdefault(price.price.currency_code, price)
    by_currency.pop(currency, None)
    return list(by_currency.values()), warnings


def _map_money(node: Node) -> Money:
    return graphql_values.get_money(node, "amount", json_access.get_text(node, "currencyCode"))
