"""Enums: the model's own, with descriptions for those who write frontends."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, EnumMeta
from typing import Any, NamedTuple

import strawberry

from gateway.execution.caller import CallerKind
from gateway.model import carts, catalog, changes, channels, customers, orders, outcomes, stock
from gateway.storage import outbox as outboxes
from gateway.storage import pushes


class Described(NamedTuple):
    """An enum of the model, how it is called here, and what each of its values means."""

    model: EnumMeta
    name: str
    description: str
    values: Mapping[str, str]


class SortDirection(Enum):
    ASC = "ASC"
    DESC = "DESC"


class ProductSortKey(Enum):
    RELEVANCE = "RELEVANCE"
    TITLE = "TITLE"
    PRICE = "PRICE"
    CREATED_AT = "CREATED_AT"
    UPDATED_AT = "UPDATED_AT"


class OrderSortKey(Enum):
    PLACED_AT = "PLACED_AT"
    UPDATED_AT = "UPDATED_AT"
    TOTAL = "TOTAL"


class CustomerSortKey(Enum):
    NAME = "NAME"
    CREATED_AT = "CREATED_AT"
    UPDATED_AT = "UPDATED_AT"
    LAST_ORDER_AT = "LAST_ORDER_AT"
    LIFETIME_VALUE = "LIFETIME_VALUE"


ENUMS = (
    Described(
        SortDirection,
        "SortDirection",
        "Up or down. Items without a value come last either way.",
        {"ASC": "Smallest, earliest or first in the alphabet first.", "DESC": "Greatest, latest or last first."},
    ),
    Described(
        ProductSortKey,
        "ProductSortKey",
        "What products are sorted by.",
        {
            "RELEVANCE": "Best match first. Only with `search`.",
            "TITLE": "The title, without regard to case and accents.",
            "PRICE": "The lowest price in the channel of `channelKey`, which must be given.",
            "CREATED_AT": "When the product came into being.",
            "UPDATED_AT": "When it last changed.",
        },
    ),
    Described(
        OrderSortKey,
        "OrderSortKey",
        "What orders are sorted by.",
        {
            "PLACED_AT": "When they were placed.",
            "UPDATED_AT": "When they last changed.",
            "TOTAL": "Their total. The orders must all be of one currency: filter by channel.",
        },
    ),
    Described(
        CustomerSortKey,
        "CustomerSortKey",
        "What customers are sorted by.",
        {
            "NAME": "The display name, without regard to case and accents.",
            "CREATED_AT": "When they became known.",
            "UPDATED_AT": "When they last changed.",
            "LAST_ORDER_AT": "When they last ordered. Those who never did come last.",
            "LIFETIME_VALUE": "What their orders come to. Only where all orders are of one currency.",
        },
    ),
    Described(
        channels.ChannelKind,
        "ChannelKind",
        "What a channel is to a shopper.",
        {
            "POS": "A till in a shop.",
            "STOREFRONT": "The retailer's own web store.",
            "MARKETPLACE": "Somebody else's marketplace.",
        },
    ),
    Described(
        channels.ChannelState,
        "ChannelState",
        "Whether a channel takes part.",
        {
            "ENABLED": "It is read, and written to where it can be.",
            "PAUSED": "An operator has stopped it; what is known stays.",
            "DISABLED": "The configuration turns it off.",
            "FAILED": "Its plugin or its configuration could not be loaded.",
        },
    ),
    Described(
        channels.HealthStatus,
        "ChannelHealthStatus",
        "How the last calls of a channel went.",
        {
            "HEALTHY": "The last call succeeded.",
            "DEGRADED": "The last call failed.",
            "DOWN": "Several calls in a row failed.",
            "UNKNOWN": "It has not been called yet.",
        },
    ),
    Described(
        channels.Capability,
        "ChannelCapability",
        "What can be done with a channel, under its configuration.",
        {
            "PULL_PRODUCTS": "Its products are read.",
            "PULL_STOCK": "Its stock is read.",
            "PULL_CUSTOMERS": "Its customers are read.",
            "PULL_ORDERS": "Its orders are read.",
            "READ_STOCK": "Stock of single items can be read at once, by `stocks`.",
            "READ_PRICES": "Prices of single items can be read at once.",
            "PUSH_STOCK": "It can be told how much there is.",
            "PUSH_PRICES": "It can be told prices.",
            "PLACE_ORDERS": "Orders can be placed in it.",
            "CANCEL_ORDERS": "Orders can be canceled in it.",
            "FULFILL_ORDERS": "It can be told what was shipped.",
            "REFUND_ORDERS": "Refunds can be made in it.",
            "RECEIVE_WEBHOOKS": "It tells by itself what has changed.",
            "ERASE_CUSTOMERS": "It can erase a customer.",
        },
    ),
    Described(
        channels.FaultCode,
        "ChannelFaultCode",
        "Why a call of a channel failed, by what can be done about it.",
        {
            "UNAVAILABLE": "It could not be reached.",
            "TIMEOUT": "It did not answer in time.",
            "RATE_LIMITED": "It wants to be asked less.",
            "AUTH_FAILED": "It does not accept the credentials: a person has to act.",
            "REJECTED": "It understood and refused.",
            "CONTRACT_VIOLATION": "It, or its plugin, answered what it must not.",
            "UNSUPPORTED": "It cannot do that.",
        },
    ),
    Described(
        channels.Resource,
        "ChannelResource",
        "What a channel has.",
        {
            "PRODUCTS": "Products with their variants.",
            "STOCK": "What it counts.",
            "PRICES": "Prices. They come with products.",
            "CUSTOMERS": "Customers.",
            "ORDERS": "Orders, receipts and refunds.",
        },
    ),
    Described(
        channels.SourceState,
        "SourceState",
        "How a channel took part in an answer.",
        {
            "FRESH": "What is known of it is young enough.",
            "STALE": "What is known of it is older than it should be.",
            "FAILED": "It could not be read; the answer is its last known state.",
            "UNSUPPORTED": "It does not have this.",
        },
    ),
    Described(
        channels.LocationKind,
        "LocationKind",
        "What a place is to a retailer.",
        {
            "STORE": "A shop.",
            "WAREHOUSE": "A warehouse of the retailer's own.",
            "MARKETPLACE_FULFILLMENT": "A marketplace's warehouse: its stock counts for that marketplace only.",
        },
    ),
    Described(
        channels.FulfillmentMethod,
        "FulfillmentMethod",
        "How goods reach a shopper.",
        {"SHIPPING": "They are sent.", "PICKUP": "They are collected.", "IN_STORE": "They are taken along."},
    ),
    Described(
        catalog.ProductStatus,
        "ProductStatus",
        "Whether a product is on sale. Others than ACTIVE are seen with `catalogue:admin` only.",
        {"ACTIVE": "On sale.", "DRAFT": "Not yet on sale.", "ARCHIVED": "No longer on sale."},
    ),
    Described(
        catalog.ListingStatus,
        "ListingStatus",
        "Whether a channel offers a listing.",
        {"ACTIVE": "Offered.", "INACTIVE": "Not offered at present.", "ARCHIVED": "Taken out of the range."},
    ),
    Described(
        catalog.MatchEvidence,
        "MatchEvidence",
        "What connects a listing with the others of its variant. Null: nothing does, it founded its variant.",
        {
            "GTIN": "The same barcode number.",
            "SKU": "The same code of the retailer's.",
            "MANUAL": "A person decided.",
            "PLUGIN": "The matching policy decided.",
        },
    ),
    Described(
        stock.StockStatus,
        "StockStatus",
        "What a shopper is told.",
        {
            "IN_STOCK": "There is enough.",
            "LOW_STOCK": "At most the configured threshold is left.",
            "OUT_OF_STOCK": "None is left.",
            "BACKORDER": "None is left, but the channel sells on.",
            "NOT_TRACKED": "Nobody counts it; it can be sold.",
            "UNKNOWN": "It is not known how much there is.",
        },
    ),
    Described(
        customers.IdentityRule,
        "IdentityRule",
        "Why an identity belongs to its customer.",
        {
            "VERIFIED_EMAIL": "The same verified e-mail address.",
            "PHONE": "The same phone number.",
            "LOYALTY_NUMBER": "The same loyalty number.",
            "EXTERNAL_REFERENCE": "The channel's own reference.",
            "MANUAL": "A person decided.",
            "PLUGIN": "The recognition policy decided.",
        },
    ),
    Described(
        orders.OrderStatus,
        "OrderStatus",
        "Where an order stands.",
        {
            "PENDING": "Sent to its channels; not all have answered.",
            "OPEN": "Accepted, and not yet done.",
            "COMPLETED": "Done. A till's receipts are, at once.",
            "CANCELLING": "Being canceled.",
            "CANCELLED": "Canceled.",
            "FAILED": "It could not be placed.",
        },
    ),
    Described(
        orders.OrderFulfillmentStatus,
        "OrderFulfillmentStatus",
        "How much of an order has been handed over.",
        {"UNFULFILLED": "Nothing yet.", "PARTIALLY_FULFILLED": "A part.", "FULFILLED": "Everything."},
    ),
    Described(
        orders.OrderReturnStatus,
        "OrderReturnStatus",
        "How much of an order has come back.",
        {
            "NONE": "Nothing.",
            "REQUESTED": "A return has been asked for.",
            "PARTIALLY_RETURNED": "A part.",
            "RETURNED": "Everything.",
        },
    ),
    Described(
        orders.PaymentStatus,
        "PaymentStatus",
        "How the payment stands.",
        {
            "UNKNOWN": "The channel does not say.",
            "UNPAID": "Nothing was paid.",
            "PENDING": "On its way.",
            "AUTHORIZED": "Promised by the payment provider.",
            "PARTIALLY_PAID": "A part was paid.",
            "PAID": "All was paid.",
            "PARTIALLY_REFUNDED": "A part was paid back.",
            "REFUNDED": "All was paid back.",
            "VOIDED": "The promise was given up.",
            "FAILED": "It did not work.",
        },
    ),
    Described(
        changes.ChangeKind,
        "ChangeKind",
        "What became of something.",
        {
            "UPSERTED": "It is new, or another than it was.",
            "DELETED": "It is not there any more, or not for this caller.",
            "MERGED": "It is the same as something else, which stands for it from now on.",
        },
    ),
    Described(
        changes.ChangeType,
        "ChangeType",
        "What can change.",
        {
            "PRODUCT": "Products: their texts, prices excepted.",
            "PRODUCT_VARIANT": "Variants.",
            "LISTING": "Listings, with their prices.",
            "STOCK": "What can be sold of a variant.",
            "LOCATION": "Locations. They stand in the configuration, so none of them changes while the gateway runs.",
            "CATEGORY": "Categories.",
        },
    ),
    Described(
        carts.CartStatus,
        "CartStatus",
        "Whether a cart can still be changed.",
        {
            "ACTIVE": "It can.",
            "ORDERED": "It is an order by now: `Cart.order`.",
            "MERGED": "What was in it is in another cart of the same customer.",
            "EXPIRED": "Nobody has touched it for long.",
        },
    ),
    Described(
        carts.CartChangeKind,
        "CartChangeKind",
        "What happened to a cart without its owner's doing.",
        {
            "PRICE_CHANGED": "A price is another one.",
            "QUANTITY_REDUCED": "There is less of it than was in the cart.",
            "UNAVAILABLE": "It is not offered any more, or not in this channel.",
            "CHANNEL_MOVED": "It was carried to another channel.",
        },
    ),
    Described(
        carts.CartWarningCode,
        "CartWarningCode",
        "What a shopper should know about a change that was granted.",
        {
            "QUANTITY_REDUCED": "There is less of it; the cart holds what there is.",
            "PRICE_CHANGED": "A price is another one than when it was looked at last.",
            "LINE_UNAVAILABLE": "It cannot be had here, or not now.",
            "DISCOUNT_NOT_APPLICABLE": "A discount does not apply to this cart.",
        },
    ),
    Described(
        orders.OrderAttention,
        "OrderAttention",
        "What of an order a person has to look at.",
        {
            "STOCK_SHORT": "Something that was sold is not there, and nobody else has it.",
            "PAYMENT_DUE_BACK": "Money was taken for what will not be.",
            "OUTCOME_UNKNOWN": "Whether a channel has taken its part cannot be told.",
            "REFUND_BY_HAND": "A channel could not undo its part.",
        },
    ),
    Described(
        orders.ChannelOrderState,
        "ChannelOrderState",
        "Where the part of an order stands that one channel fulfills.",
        {
            "QUEUED": "The channel is to be told.",
            "SUBMITTED": "It was tried, and is tried again.",
            "ACCEPTED": "The channel has it.",
            "REJECTED": "The channel has refused it.",
            "CANCELLED": "It is canceled there.",
            "UNKNOWN": "The channel may have it: it is being looked up.",
        },
    ),
    Described(
        orders.FulfillmentStatus,
        "FulfillmentStatus",
        "How far goods are on their way to whoever ordered them.",
        {
            "PENDING": "Somebody has to take it first, or to bring it.",
            "ACCEPTED": "It is to be made ready, or sent.",
            "READY_FOR_PICKUP": "It lies ready.",
            "IN_TRANSIT": "It has left.",
            "OUT_FOR_DELIVERY": "It comes today.",
            "DELIVERED": "It has arrived.",
            "COLLECTED": "It was collected, or taken away.",
            "REJECTED": "It could not be served from there, and comes from elsewhere.",
            "FAILED": "It did not arrive.",
            "CANCELLED": "It is not to be.",
        },
    ),
    Described(
        orders.PaymentKind,
        "PaymentKind",
        "How an order is paid.",
        {
            "ON_COLLECTION": "When it is collected.",
            "PROVIDER": "By a payment service, which will say so: pending until it is recorded.",
            "TENDERED": "The money has been taken already. Needs `payments:assert`.",
        },
    ),
    Described(
        orders.OrderEventKind,
        "OrderEventKind",
        "What happened to an order.",
        {
            "PLACED": "It was placed.",
            "SUBMITTED": "A channel is to take a part of it.",
            "ACCEPTED": "A channel has taken a part of it.",
            "REJECTED": "A part could not be served.",
            "PAID": "Money was taken.",
            "TRANSFER_REQUESTED": "Goods are to be brought to where they are collected.",
            "READY_FOR_PICKUP": "Goods lie ready.",
            "SHIPPED": "Goods have left.",
            "DELIVERED": "Goods have arrived.",
            "COLLECTED": "Goods were collected.",
            "CANCELLED": "It was canceled, or could not be.",
            "RETURN_REQUESTED": "Somebody wants to bring something back.",
            "RETURN_RECEIVED": "Something came back.",
            "REFUNDED": "Money was paid back.",
            "NOTE": "Something else.",
        },
    ),
    Described(
        pushes.PushState,
        "PushState",
        "Where a push stands.",
        {
            "IN_SYNC": "The channel shows what it is to offer.",
            "QUEUED": "It is to be told.",
            "ACCEPTED": "It has taken it, and does not show it yet.",
            "FAILED": "It refuses; it is tried again.",
            "SUPPRESSED": "Nothing is sent: no operator has let it, or too much would change at once.",
        },
    ),
    Described(
        outboxes.OutboxState,
        "OutboxState",
        "Where a wish towards a channel stands.",
        {
            "QUEUED": "It is to be sent.",
            "SENDING": "It is under way, or being looked up.",
            "DONE": "It is done, or not wished for any more.",
            "DEAD": "The channel refuses, or it cannot be told what became of it: a person has to look.",
        },
    ),
    Described(
        stock.ReservationState,
        "ReservationState",
        "What has become of units that were spoken for.",
        {
            "HELD": "Kept for somebody until `expiresAt`.",
            "COMMITTED": "Sold, and not yet in the count of whoever counts them.",
            "SETTLED": "Sold, and in that count.",
            "RELEASED": "Given back.",
            "EXPIRED": "Lapsed.",
        },
    ),
    Described(
        stock.StockReason,
        "StockReason",
        "Why a count is changed.",
        {
            "COUNT": "Somebody has counted.",
            "DAMAGE": "Broken, or spoilt.",
            "THEFT": "Stolen.",
            "FOUND": "Turned up again.",
            "CORRECTION": "A mistake is put right.",
            "RECEIVED": "A delivery has arrived.",
        },
    ),
    Described(
        outcomes.UserErrorCode,
        "UserErrorCode",
        "Why something was refused, by what the one who asked can do about it.",
        {
            "NOT_FOUND": "What the input names is not there, or not any more.",
            "INVALID": "The input cannot be granted as it is.",
            "LIMIT_EXCEEDED": "It is more than is allowed.",
            "OUT_OF_STOCK": "None is left.",
            "INSUFFICIENT_STOCK": "There is less than was asked for; `availableQuantity` says how much.",
            "PRICE_CHANGED": "A price is another one by now.",
            "TOTAL_CHANGED": "The total is another one than was expected.",
            "CURRENCY_MISMATCH": "The currencies differ.",
            "CART_EXPIRED": "The cart has expired.",
            "CART_EMPTY": "The cart is empty.",
            "OPTION_EXPIRED": "The fulfillment option has expired: ask for new ones.",
            "NOT_OFFERED": "The channel does not offer it.",
            "NOT_RETURNABLE": "It cannot be returned.",
            "PAYMENT_REQUIRED": "It has to be paid first.",
            "PAYMENT_MISMATCH": "The payments do not come to the total.",
            "NOT_SUPPORTED_BY_CHANNEL": "The channel cannot do that.",
            "CHANNEL_UNAVAILABLE": "The channel cannot be reached, or does not take part.",
            "CHANNEL_REJECTED": "The channel has refused.",
            "NOT_ALLOWED_IN_STATE": "It cannot be done as things stand.",
            "CODE_WRONG": "The code is not the right one.",
            "TOO_MANY_ATTEMPTS": "It was tried too often.",
            "CONFLICT": "It has changed since the caller saw it; the payload holds what it is now.",
            "IN_PROGRESS": "The same wish is under way.",
            "IDEMPOTENCY_KEY_REUSED": "The key has been used with another input.",
        },
    ),
    Described(
        CallerKind,
        "ViewerKind",
        "Whose token it is.",
        {
            "ANONYMOUS": "No token was sent.",
            "SHOPPER": "A customer's own.",
            "STAFF": "An employee's.",
            "PARTNER": "A partner's system.",
            "ADMIN": "An administrator's.",
        },
    ),
)


def show_enums() -> None:
    """Name and describe the model's enums in the schema. Strawberry marks a plain enum where a type first uses it."""
    for one in ENUMS:
        if not hasattr(one.model, "__strawberry_definition__"):
            strawberry.enum(one.model)
        definition: Any = one.model.__strawberry_definition__  # type: ignore[attr-defined]
        definition.name, definition.description = one.name, one.description
        for value in definition.values:
            value.description = one.values[value.name]
