"""Input types: filters, sort keys, identifiers."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import strawberry

from gateway.graphql.enums import CustomerSortKey, OrderSortKey, ProductSortKey, SortDirection
from gateway.graphql.scalars import CountryCode, CurrencyCode
from gateway.model.catalog import ListingStatus, ProductStatus
from gateway.model.orders import OrderFulfillmentStatus, OrderStatus, PaymentStatus
from gateway.storage.pushes import PushState


def given(description: str, default: Any = None) -> Any:
    """A field of an input type. Without a default it may be left out, and is None then."""
    return strawberry.field(description=description, default=strawberry.UNSET if default is None else default)


def required(description: str) -> Any:
    """A field of an input type that must be given."""
    return strawberry.field(description=description)


@strawberry.input(description="A point on the Earth, WGS 84.")
class GeoPointInput:
    latitude: float = required("Degrees north, from -90 to 90.")
    longitude: float = required("Degrees east, from -180 to 180.")


@strawberry.input(description="One choice: `Color`, `Red`.")
class SelectedOptionInput:
    name: str = required("What is chosen: `Color`.")
    value: str = required("The choice: `Red`.")


CHANNELS = "Keys of channels; one of them is enough."


@strawberry.input(description="A range of amounts in one currency. Either end may be left open.")
class MoneyRangeInput:
    min: Decimal | None = given("At least this much.")
    max: Decimal | None = given("At most this much.")
    currency_code: CurrencyCode = required("The currency of both ends; prices in others do not match.")


@strawberry.input(description="Values of one facet, as `facets` names them; one of them is enough.")
class FacetInput:
    key: str = required("The facet's key: `brand`, `category`, `tag`, `option.Color`.")
    values: list[str] = required("At least one of its values.")


@strawberry.input(description="Which products. All conditions must hold.")
class ProductFilter:
    channel_keys: list[str] | None = given(CHANNELS)
    statuses: list[ProductStatus] | None = given("One of these. Others than ACTIVE need `catalogue:admin`.")
    brands: list[str] | None = given("One of these, exactly as written.")
    category_ids: list[strawberry.ID] | None = given("In one of these categories, or anywhere below.")
    tags: list[str] | None = given("With one of these tags.")
    facets: list[FacetInput] | None = given("With one of the values of every facet named.")
    price: MoneyRangeInput | None = given("With a price in this range in the channel of `channelKey`.")
    available_for_sale: bool | None = given("Whether the channel can sell it now, as `availableForSale` tells.")
    available_at_location_key: str | None = given("With at least one unit to promise at this location.")
    updated_since: datetime | None = given("Changed at this instant or later.")


@strawberry.input(description="How products are sorted.")
class ProductSort:
    key: ProductSortKey = required("By what.")
    direction: SortDirection = given("Up or down.", SortDirection.ASC)


@strawberry.input(description="Which variants. All conditions must hold.")
class ProductVariantFilter:
    skus: list[str] | None = given("With one of these SKUs in some channel; case and outer spaces do not count.")
    gtins: list[str] | None = given("With one of these GTINs in some channel: 8, 12, 13 or 14 digits.")
    updated_since: datetime | None = given("Changed at this instant or later.")


@strawberry.input(description="Which listings. All conditions must hold.")
class ListingFilter:
    statuses: list[ListingStatus] | None = given("In one of these states.")
    push_states: list[PushState] | None = given("With a push in one of these states.")
    unmatched: bool | None = given("Whether nothing connects it with another listing.")
    updated_since: datetime | None = given("Changed at this instant or later, in its channel or in what it belongs to.")


@strawberry.input(description="Which stock levels. All conditions must hold.")
class StockLevelFilter:
    skus: list[str] | None = given("Of variants with one of these SKUs.")
    below_available: int | None = given("With less than this to promise: what is running out.")
    changed_since: datetime | None = given("Counted anew at this instant or later.")


@strawberry.input(description="Which orders. All conditions must hold.")
class OrderFilter:
    channel_keys: list[str] | None = given(CHANNELS)
    statuses: list[OrderStatus] | None = given("In one of these states.")
    fulfillment_statuses: list[OrderFulfillmentStatus] | None = given("Handed over so far.")
    payment_statuses: list[PaymentStatus] | None = given("With the payment in one of these states.")
    placed_since: datetime | None = given("Placed at this instant or later.")
    placed_before: datetime | None = given("Placed before this instant.")
    updated_since: datetime | None = given("Changed at this instant or later.")
    customer_id: strawberry.ID | None = given("Of this customer.")
    location_key: str | None = given("Sold in this shop.")
    skus: list[str] | None = given("With a line of one of these SKUs.")


@strawberry.input(description="Which of a customer's orders. All conditions must hold.")
class CustomerOrderFilter:
    channel_keys: list[str] | None = given(CHANNELS)
    statuses: list[OrderStatus] | None = given("In one of these states.")
    placed_since: datetime | None = given("Placed at this instant or later.")
    placed_before: datetime | None = given("Placed before this instant.")


@strawberry.input(description="How orders are sorted.")
class OrderSort:
    key: OrderSortKey = required("By what.")
    direction: SortDirection = given("Up or down.", SortDirection.DESC)


@strawberry.input(description="Which customers. All conditions must hold.")
class CustomerFilter:
    channel_keys: list[str] | None = given("Known to one of these channels, by key.")
    tags: list[str] | None = given("With one of these tags.")
    email: str | None = given("With exactly this e-mail address; case does not count. Needs `customers:pii`.")
    phone: str | None = given("With exactly this phone number; only digits count. Needs `customers:pii`.")
    loyalty_number: str | None = given("With exactly this number on the loyalty card.")
    updated_since: datetime | None = given("Changed at this instant or later.")


@strawberry.input(description="How customers are sorted.")
class CustomerSort:
    key: CustomerSortKey = required("By what.")
    direction: SortDirection = given("Up or down.", SortDirection.DESC)


@strawberry.input(description="An order's number, and the channel in which it is unique.")
class OrderNumberInput:
    channel_key: str = required("Key of the channel.")
    number: str = required("What stands on the receipt.")


@strawberry.input(description="What a guest knows of her order. Whatever of it is wrong, there is no such order.")
class OrderGuestInput:
    channel_key: str = required("Key of the channel.")
    number: str = required("What stands on the receipt.")
    email: str = required("The e-mail address given with the order; case does not count.")


@strawberry.input(one_of=True, description="Exactly one way of naming an order.")
class OrderIdentifierInput:
    id: strawberry.ID | None = given("Its global id.")
    access_token: str | None = given("What `orderPlace` gave. POST only.")
    number: OrderNumberInput | None = given("Its number in its channel.")
    guest: OrderGuestInput | None = given("Number and e-mail address. POST only.")


@strawberry.input(description="A postal address.")
class AddressInput:
    name: str | None = given("The person.")
    company: str | None = given("The company.")
    line1: str | None = given("Street and number, usually.")
    line2: str | None = given("What does not fit into the first line.")
    city: str | None = given("Town or city.")
    region: str | None = given("State, county or province.")
    postal_code: str | None = given("Postal code.")
    country_code: CountryCode | None = given("Country, ISO 3166-1 alpha-2.")
    phone: str | None = given("Phone number for deliveries.")


@strawberry.input(description="An exact amount of money.")
class MoneyInput:
    amount: Decimal = required("With at most the digits of its currency: `12.50`.")
    currency_code: CurrencyCode = required("Its currency.")


@strawberry.input(one_of=True, description="Exactly one way of naming a product.")
class ProductIdentifierInput:
    id: strawberry.ID | None = given("Its global id.")
    handle: str | None = given("Its handle, as in addresses.")
