"""Input types shared by queries and mutations: filters, sort orders, identifiers, addresses and money."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import strawberry

from gateway.execution.text_inputs import COMPARED
from gateway.graphql.arguments import list_input_directives
from gateway.graphql.enums import (
    ChannelMix,
    CustomerSortKey,
    OrderSortKey,
    ProductSortKey,
    ReviewSortKey,
    SortDirection,
)
from gateway.graphql.scalars import CountryCode, CurrencyCode
from gateway.model.catalog import ListingStatus, ProductStatus
from gateway.model.channels import PushState
from gateway.model.customers.consents import ConsentPurpose
from gateway.model.orders import OrderFulfillmentStatus, OrderStatus, PaymentStatus

MAX_FILTER_VALUES = 250
"""Maximum number of values of a list in a filter."""

MAX_COLLECTIONS = 50
"""Maximum number of collections in a filter."""

STOCK_FILTER_COST = 1_500
"""Cost of a filter by stock: it is computed for every product or variant of the list."""

FACET_FILTER_COST = 150
"""Cost of a facet in a filter: the options of every product are compared."""


def declare_optional(
    description: str,
    default: Any = None,
    *,
    cost: int | None = None,
    max_items: int | None = None,
    item_cost: int = 1,
    metadata: Mapping[Any, Any] | None = None,
) -> Any:
    """Declare an optional field of an input type. Without a default, an omitted field is `UNSET`.

    Args:
        cost: what a value adds to the cost of an operation.
        max_items: of a list; `item_cost`: what each item adds to the cost.
    """
    return strawberry.field(
        description=description,
        default=strawberry.UNSET if default is None else default,
        directives=list_input_directives(cost, max_items, item_cost),
        metadata=metadata,
    )


def declare_required(
    description: str,
    *,
    cost: int | None = None,
    max_items: int | None = None,
    item_cost: int = 1,
    metadata: Mapping[Any, Any] | None = None,
) -> Any:
    """Declare a required field of an input type. Arguments as for `declare_optional`."""
    directives = list_input_directives(cost, max_items, item_cost)
    return strawberry.field(description=description, directives=directives, metadata=metadata)


@strawberry.input(description="Filter for audit entries. Fields are combined with AND.")
class AuditFilter:
    subject_id: strawberry.ID | None = declare_optional("Global ID of an object. Matches entries about it.")
    actor: str | None = declare_optional("Name of a token. Matches what it attempted.")
    actions: list[str] | None = declare_optional("Names of mutations. Matches any of them.", max_items=20)
    channel_keys: list[str] | None = declare_optional("Keys of channels. Matches any of them.", max_items=20)
    location_keys: list[str] | None = declare_optional("Keys of locations. Matches any of them.", max_items=100)
    since: datetime | None = declare_optional("Matches entries from this time on.")
    before: datetime | None = declare_optional("Matches entries before this time.")
    refused: bool | None = declare_optional("Matches only refused attempts (true), or only applied ones (false).")


@strawberry.input(description="Filter for persisted documents. Fields are combined with AND.")
class DocumentFilter:
    app: str | None = declare_optional("Name of an app. Matches documents of any of its versions.")
    version: str | None = declare_optional("A version. Matches documents of app versions with this name.")
    operation: str | None = declare_optional("Name of an operation, or the beginning of it.")
    blocked: bool | None = declare_optional("Matches only blocked documents (true), or only others (false).")
    unused_since: datetime | None = declare_optional("Matches documents that were not used since then.")


@strawberry.input(description="Geographic coordinates (WGS 84).")
class GeoPointInput:
    latitude: float = declare_required("Degrees north, from -90 to 90.")
    longitude: float = declare_required("Degrees east, from -180 to 180.")


@strawberry.input(description="The value of one option, such as `Color`: `Red`.")
class SelectedOptionInput:
    name: str = declare_required("Name of the option, such as `Color`.", metadata=COMPARED)
    value: str = declare_required("Value of the option, such as `Red`.", metadata=COMPARED)


CHANNELS = "Keys of channels. Matches any of them."


@strawberry.input(description="A range of amounts in one currency. Omit a limit to leave the range open.")
class MoneyRangeInput:
    min: Decimal | None = declare_optional("Minimum amount, inclusive.")
    max: Decimal | None = declare_optional("Maximum amount, inclusive.")
    currency_code: CurrencyCode = declare_required("Currency of both limits. Prices in other currencies do not match.")


@strawberry.input(description="Values of one facet, as returned by `facets`. Matches any of the values.")
class FacetInput:
    key: str = declare_required(
        "Key of the facet: `brand`, `category`, `tag`, of an attribute or, for an option, such as `option.Color`."
    )
    values: list[str] = declare_required(
        "Values of the facet; at least one.", max_items=MAX_FILTER_VALUES, metadata=COMPARED
    )


@strawberry.input(description="A range of the numbers of an attribute. At least one bound is required.")
class AttributeRangeInput:
    key: str = declare_required("Key of an attribute whose definition has `range`.")
    min: Decimal | None = declare_optional("The least number, in the unit of the attribute.")
    max: Decimal | None = declare_optional("The greatest number, in the unit of the attribute.")


@strawberry.input(description="Filter for products. All conditions must match.")
class ProductFilter:
    channel_keys: list[str] | None = declare_optional(CHANNELS, max_items=MAX_FILTER_VALUES)
    statuses: list[ProductStatus] | None = declare_optional(
        "Matches any of these statuses. Statuses other than ACTIVE require the scope `catalogue:admin`.",
        max_items=MAX_FILTER_VALUES,
    )
    brands: list[str] | None = declare_optional(
        "Matches any of these brands exactly.", max_items=MAX_FILTER_VALUES, metadata=COMPARED
    )
    category_ids: list[strawberry.ID] | None = declare_optional(
        "Matches products in any of these categories or their subcategories.",
        max_items=MAX_FILTER_VALUES,
    )
    tags: list[str] | None = declare_optional(
        "Matches products with any of these tags.", max_items=MAX_FILTER_VALUES, metadata=COMPARED
    )
    collection_ids: list[strawberry.ID] | None = declare_optional(
        "Matches products in any of these collections.", max_items=MAX_COLLECTIONS
    )
    facets: list[FacetInput] | None = declare_optional(
        "Matches products with at least one value of every given facet.",
        max_items=MAX_FILTER_VALUES,
        item_cost=FACET_FILTER_COST,
    )
    attribute_ranges: list[AttributeRangeInput] | None = declare_optional(
        "Matches products with a number in every given range.", max_items=10, item_cost=FACET_FILTER_COST
    )
    price: MoneyRangeInput | None = declare_optional(
        "Matches products with a price in this range in the channel `channelKey`, which is required."
    )
    on_sale: bool | None = declare_optional(
        "Matches products by whether the price of a variant is reduced in the channel `channelKey`, which is required."
    )
    min_rating: float | None = declare_optional("Matches products with at least this average rating, 1 to 5.")
    created_since: datetime | None = declare_optional("Matches products that were created at or after this time.")
    available_for_sale: bool | None = declare_optional(
        "Matches products by their `availableForSale` in the channel.", cost=STOCK_FILTER_COST
    )
    available_at_location_key: str | None = declare_optional(
        "Matches products with at least one available unit at the location with this key.", cost=STOCK_FILTER_COST
    )
    updated_since: datetime | None = declare_optional("Matches products that changed at or after this time.")


@strawberry.input(description="Sort order of products.")
class ProductSort:
    key: ProductSortKey = declare_required("The sort key.")
    direction: SortDirection = declare_optional("The sort direction.", SortDirection.ASC)


@strawberry.input(description="Filter for product variants. All conditions must match.")
class ProductVariantFilter:
    skus: list[str] | None = declare_optional(
        "Matches variants with any of these SKUs in any channel. Ignores case and surrounding spaces.",
        max_items=MAX_FILTER_VALUES,
        metadata=COMPARED,
    )
    gtins: list[str] | None = declare_optional(
        "Matches variants with any of these GTINs in any channel. A GTIN has 8, 12, 13 or 14 digits.",
        max_items=MAX_FILTER_VALUES,
        metadata=COMPARED,
    )
    updated_since: datetime | None = declare_optional("Matches variants that changed at or after this time.")


@strawberry.input(description="Filter for listings. All conditions must match.")
class ListingFilter:
    statuses: list[ListingStatus] | None = declare_optional(
        "Matches any of these statuses.", max_items=MAX_FILTER_VALUES
    )
    push_states: list[PushState] | None = declare_optional(
        "Matches listings with a push in any of these states.", max_items=MAX_FILTER_VALUES
    )
    unmatched: bool | None = declare_optional(
        "Matches listings that are (true) or are not (false) the only listing of their variant."
    )
    updated_since: datetime | None = declare_optional(
        "Matches listings that changed at or after this time, in their channel or in the gateway."
    )


@strawberry.input(description="Filter for stock levels. All conditions must match.")
class StockLevelFilter:
    skus: list[str] | None = declare_optional(
        "Matches levels of variants with any of these SKUs.", max_items=MAX_FILTER_VALUES, metadata=COMPARED
    )
    below_available: int | None = declare_optional(
        "Matches levels with fewer available units than this number, to find items that run out.",
        cost=STOCK_FILTER_COST,
    )
    changed_since: datetime | None = declare_optional(
        "Matches levels whose count changed at or after this time.", cost=STOCK_FILTER_COST
    )


@strawberry.input(description="Filter for orders. All conditions must match.")
class OrderFilter:
    channel_keys: list[str] | None = declare_optional(CHANNELS, max_items=MAX_FILTER_VALUES)
    statuses: list[OrderStatus] | None = declare_optional("Matches any of these statuses.", max_items=MAX_FILTER_VALUES)
    fulfillment_statuses: list[OrderFulfillmentStatus] | None = declare_optional(
        "Matches any of these fulfillment statuses.",
        max_items=MAX_FILTER_VALUES,
    )
    payment_statuses: list[PaymentStatus] | None = declare_optional(
        "Matches any of these payment statuses.", max_items=MAX_FILTER_VALUES
    )
    placed_since: datetime | None = declare_optional("Matches orders that were placed at or after this time.")
    placed_before: datetime | None = declare_optional("Matches orders that were placed before this time.")
    updated_since: datetime | None = declare_optional("Matches orders that changed at or after this time.")
    customer_id: strawberry.ID | None = declare_optional("Matches orders of the customer with this ID.")
    location_key: str | None = declare_optional("Matches orders that were placed in the store with this location key.")
    skus: list[str] | None = declare_optional(
        "Matches orders that contain a line with any of these SKUs.", max_items=MAX_FILTER_VALUES, metadata=COMPARED
    )
    include_test: bool | None = declare_optional(
        "Whether test orders are listed too. They are no sales: by default they are in no list and no total."
    )


@strawberry.input(description="Filter for the orders of a customer. All conditions must match.")
class CustomerOrderFilter:
    channel_keys: list[str] | None = declare_optional(CHANNELS, max_items=MAX_FILTER_VALUES)
    statuses: list[OrderStatus] | None = declare_optional("Matches any of these statuses.", max_items=MAX_FILTER_VALUES)
    placed_since: datetime | None = declare_optional("Matches orders that were placed at or after this time.")
    placed_before: datetime | None = declare_optional("Matches orders that were placed before this time.")


@strawberry.input(description="Sort order of orders.")
class OrderSort:
    key: OrderSortKey = declare_required("The sort key.")
    direction: SortDirection = declare_optional("The sort direction.", SortDirection.DESC)


@strawberry.input(description="A range of whole numbers. Omit a limit to leave the range open.")
class IntRangeInput:
    min: int | None = declare_optional("Minimum, inclusive.")
    max: int | None = declare_optional("Maximum, inclusive.")


@strawberry.input(description="Filter for customers. All conditions must match.")
class CustomerFilter:
    channel_keys: list[str] | None = declare_optional(
        "Matches customers with a record in any of the channels with these keys.",
        max_items=MAX_FILTER_VALUES,
    )
    tags: list[str] | None = declare_optional(
        "Matches customers with any of these tags.", max_items=MAX_FILTER_VALUES, metadata=COMPARED
    )
    email: str | None = declare_optional(
        "Matches customers with exactly this email address. Ignores case. Requires the scope `customers:pii`."
    )
    phone: str | None = declare_optional(
        "Matches customers with exactly this phone number. Only digits are compared. "
        "Requires the scope `customers:pii`."
    )
    loyalty_number: str | None = declare_optional(
        "Matches customers with exactly this loyalty number.", metadata=COMPARED
    )
    updated_since: datetime | None = declare_optional("Matches customers that changed at or after this time.")
    segment: str | None = declare_optional("Matches customers of the segment with this key, from the configuration.")
    channel_mix: ChannelMix | None = declare_optional(
        "Matches customers by the kinds of channels they have ordered in."
    )
    lifetime_value: MoneyRangeInput | None = declare_optional(
        "Matches customers whose orders have a total in this range, in its currency."
    )
    order_count: IntRangeInput | None = declare_optional("Matches customers with so many orders.")
    first_order_since: datetime | None = declare_optional(
        "Matches customers whose first order was placed at or after this time."
    )
    last_order_since: datetime | None = declare_optional(
        "Matches customers whose latest order was placed at or after this time."
    )
    last_order_before: datetime | None = declare_optional(
        "Matches customers whose latest order was placed before this time."
    )
    bought_at_location_keys: list[str] | None = declare_optional(
        "Matches customers who have bought at one of these locations.", max_items=50
    )
    bought_skus: list[str] | None = declare_optional(
        "Matches customers who have bought one of these SKUs.", max_items=50, metadata=COMPARED
    )
    has_open_review: bool | None = declare_optional(
        "Matches customers by whether a review of them waits for a decision."
    )
    has_login: bool | None = declare_optional("Matches customers by whether they have an account to log in to.")
    loyalty_tiers: list[str] | None = declare_optional(
        "Matches customers whose loyalty tier is one of these.", max_items=20
    )
    loyalty_balance: IntRangeInput | None = declare_optional(
        "Matches customers with a loyalty account, and so many points that can be spent."
    )
    has_consent: ConsentPurpose | None = declare_optional(
        "Matches customers who allow this, for one of their addresses."
    )


@strawberry.input(description="Sort order of customers.")
class CustomerSort:
    key: CustomerSortKey = declare_required("The sort key.")
    direction: SortDirection = declare_optional("The sort direction.", SortDirection.DESC)


@strawberry.input(description="Sort order of reviews.")
class ReviewSort:
    key: ReviewSortKey = declare_required("The sort key.")
    direction: SortDirection = declare_optional("The sort direction.", SortDirection.DESC)


@strawberry.input(description="An order number and the channel in which it is unique.")
class OrderNumberInput:
    channel_key: str = declare_required("Key of the channel.")
    number: str = declare_required("Order or receipt number.", metadata=COMPARED)


@strawberry.input(description="Order details that a guest knows. If any of them is wrong, the result is null.")
class OrderGuestInput:
    channel_key: str = declare_required("Key of the channel.")
    number: str = declare_required("Order or receipt number.", metadata=COMPARED)
    email: str = declare_required("The email address that was given with the order. Ignores case.")


GUEST_LOOKUP_COST = 50
"""Cost of a lookup by what a guest knows: a transaction that counts the guess."""


@strawberry.input(one_of=True, description="Identifies an order by exactly one of these fields.")
class OrderIdentifierInput:
    id: strawberry.ID | None = declare_optional("Global ID of the order.")
    access_token: str | None = declare_optional("Access token returned by `orderPlace`. POST requests only.")
    number: OrderNumberInput | None = declare_optional("Order number in its channel.")
    guest: OrderGuestInput | None = declare_optional(
        "Order number and email address of a guest. POST requests only, once per request.", cost=GUEST_LOOKUP_COST
    )


@strawberry.input(description="A postal address.")
class AddressInput:
    name: str | None = declare_optional("Name of the person.")
    company: str | None = declare_optional("Name of the company.")
    line1: str | None = declare_optional("First address line, usually street and number.")
    line2: str | None = declare_optional("Second address line.")
    city: str | None = declare_optional("Town or city.")
    region: str | None = declare_optional("State, county or province.")
    postal_code: str | None = declare_optional("Postal code.")
    country_code: CountryCode | None = declare_optional("Country, ISO 3166-1 alpha-2.")
    phone: str | None = declare_optional("Phone number for deliveries.")


@strawberry.input(description="An exact amount of money.")
class MoneyInput:
    amount: Decimal = declare_required("Decimal amount with at most the digits of its currency, such as `12.50`.")
    currency_code: CurrencyCode = declare_required("ISO 4217 currency code.")


@strawberry.input(one_of=True, description="Identifies a product by exactly one of these fields.")
class ProductIdentifierInput:
    id: strawberry.ID | None = declare_optional("Global ID of the product.")
    handle: str | None = declare_optional("Handle of the product, as used in URLs.", metadata=COMPARED)
