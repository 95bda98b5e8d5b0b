"""Enums of the schema: the enums of the model, with their descriptions."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, EnumMeta
from typing import Any, NamedTuple

import strawberry

from gateway.graphql.connections import CountPrecision
from gateway.model import (
    carts,
    catalog,
    change_feed,
    channels,
    locations,
    media,
    mutation_result,
    orders,
    stock,
)
from gateway.model.actors import CallerKind
from gateway.model.api_tokens import ApiTokenState
from gateway.model.attributes.definitions import AttributeType
from gateway.model.customers import consents, data_requests, golden_record, loyalty, profiles, reviews, timeline
from gateway.model.customers.logins import ShopperTokenKind
from gateway.storage import outbox


class EnumDescription(NamedTuple):
    """An enum of the model with its GraphQL name and the descriptions of its values."""

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
    DISCOUNT = "DISCOUNT"
    RATING = "RATING"
    BEST_SELLING = "BEST_SELLING"
    POSITION = "POSITION"


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
    ORDER_COUNT = "ORDER_COUNT"
    LOYALTY_BALANCE = "LOYALTY_BALANCE"


class ChannelMix(Enum):
    STORE_ONLY = "STORE_ONLY"
    ONLINE_ONLY = "ONLINE_ONLY"
    BOTH = "BOTH"


class ReviewSortKey(Enum):
    WRITTEN_AT = "WRITTEN_AT"
    RATING = "RATING"


ENUMS = (
    EnumDescription(
        SortDirection,
        "SortDirection",
        "Sort direction. Items without a value come last in both directions.",
        {
            "ASC": "Ascending: smallest, earliest, or alphabetically first item first.",
            "DESC": "Descending: greatest, latest, or alphabetically last item first.",
        },
    ),
    EnumDescription(
        ProductSortKey,
        "ProductSortKey",
        "Sort key of products.",
        {
            "RELEVANCE": "Best match first. Requires `search`.",
            "TITLE": "Title, ignoring case and accents.",
            "PRICE": "Lowest price in the channel `channelKey`, which is required.",
            "CREATED_AT": "Time of creation.",
            "UPDATED_AT": "Time of the last change.",
            "DISCOUNT": "Largest reduction of a variant's price in percent, in the channel `channelKey`, which is "
            "required.",
            "RATING": "Average rating. Products without ratings come last.",
            "BEST_SELLING": "Units sold in the last 30 days in the channel `channelKey`, by default in all channels; "
            "counted every hour. Products without sales come last.",
            "POSITION": "Order of the products of a collection: of its channel, or of the configuration. Only in "
            "`Collection.products`.",
        },
    ),
    EnumDescription(
        OrderSortKey,
        "OrderSortKey",
        "Sort key of orders.",
        {
            "PLACED_AT": "Time of placement.",
            "UPDATED_AT": "Time of the last change.",
            "TOTAL": "Order total. All orders must have the same currency: filter by channel.",
        },
    ),
    EnumDescription(
        ReviewSortKey,
        "ReviewSortKey",
        "Sort key of reviews.",
        {"WRITTEN_AT": "Time when the review was written.", "RATING": "Number of stars."},
    ),
    EnumDescription(
        CustomerSortKey,
        "CustomerSortKey",
        "Sort key of customers.",
        {
            "NAME": "Display name, ignoring case and accents.",
            "CREATED_AT": "Time when the customer was first stored.",
            "UPDATED_AT": "Time of the last change.",
            "LAST_ORDER_AT": "Time of the last order. Customers without orders come last.",
            "LIFETIME_VALUE": "Sum of the customer's orders. All orders must have the same currency.",
            "ORDER_COUNT": "Number of the customer's orders, without canceled ones.",
            "LOYALTY_BALANCE": "Points that can be spent now. Customers without an account come last.",
        },
    ),
    EnumDescription(
        ChannelMix,
        "ChannelMix",
        "Kinds of channels in which a customer has ordered.",
        {
            "STORE_ONLY": "In stores only.",
            "ONLINE_ONLY": "In web stores and marketplaces only.",
            "BOTH": "In stores, and in web stores or marketplaces.",
        },
    ),
    EnumDescription(
        channels.ChannelKind,
        "ChannelKind",
        "Kind of sales channel.",
        {
            "POS": "A point of sale in a store.",
            "STOREFRONT": "The retailer's web store.",
            "MARKETPLACE": "A third-party marketplace.",
        },
    ),
    EnumDescription(
        channels.ChannelState,
        "ChannelState",
        "Operational state of a channel.",
        {
            "ENABLED": "In use: the channel is read and, where supported, written.",
            "PAUSED": "Paused by an operator. The channel is not called; its stored data remains available.",
            "DISABLED": "Disabled in the configuration.",
            "FAILED": "The plugin or its configuration could not be loaded.",
        },
    ),
    EnumDescription(
        channels.HealthStatus,
        "ChannelHealthStatus",
        "Result of the most recent calls of a channel.",
        {
            "HEALTHY": "The last call succeeded.",
            "DEGRADED": "The last call failed.",
            "DOWN": "Several consecutive calls failed; the circuit breaker is open.",
            "UNKNOWN": "The channel has not been called yet.",
        },
    ),
    EnumDescription(
        channels.Capability,
        "ChannelCapability",
        "An operation that a channel supports in its current configuration.",
        {
            "PULL_PRODUCTS": "Products are read from the channel.",
            "PULL_STOCK": "Stock is read from the channel.",
            "PULL_COLLECTIONS": "Collections are read from the channel.",
            "PULL_CUSTOMERS": "Customers are read from the channel.",
            "PULL_ORDERS": "Orders are read from the channel.",
            "PULL_REVIEWS": "Reviews are read from the channel.",
            "READ_STOCK": "Stock of single items can be read on demand, with `stocks`.",
            "READ_PRICES": "Prices of single items can be read on demand.",
            "PUSH_STOCK": "Stock quantities can be published to the channel.",
            "PUSH_PRICES": "Prices can be published to the channel.",
            "PLACE_ORDERS": "Orders can be placed in the channel.",
            "CANCEL_ORDERS": "Orders can be canceled in the channel.",
            "FULFILL_ORDERS": "Shipments can be reported to the channel.",
            "REFUND_ORDERS": "Refunds can be made in the channel.",
            "RECEIVE_WEBHOOKS": "The channel reports changes with webhooks.",
            "ERASE_CUSTOMERS": "The channel can erase a customer's personal data.",
            "PUSH_CONSENTS": "Denials of customers can be sent to the channel.",
        },
    ),
    EnumDescription(
        channels.FaultCode,
        "ChannelFaultCode",
        "Reason why a call of a channel failed, by what can be done about it.",
        {
            "UNAVAILABLE": "The channel could not be reached.",
            "TIMEOUT": "The channel did not answer in time.",
            "RATE_LIMITED": "The channel's rate limit was exceeded.",
            "AUTH_FAILED": "The channel did not accept the credentials; an operator must act.",
            "REJECTED": "The channel rejected the request.",
            "CONTRACT_VIOLATION": "The channel or its plugin returned an invalid response.",
            "UNSUPPORTED": "The channel does not support the operation.",
        },
    ),
    EnumDescription(
        channels.Resource,
        "ChannelResource",
        "Kind of data of a channel.",
        {
            "PRODUCTS": "Products with their variants.",
            "STOCK": "Stock counts.",
            "PRICES": "Prices. They are read together with products.",
            "COLLECTIONS": "Collections with the IDs of their products.",
            "CUSTOMERS": "Customers.",
            "ORDERS": "Orders, receipts and refunds.",
            "REVIEWS": "Reviews of products.",
        },
    ),
    EnumDescription(
        channels.SourceState,
        "SourceState",
        "Freshness of a channel's data in a result.",
        {
            "FRESH": "The data is recent enough.",
            "STALE": "The data is older than the configured limit.",
            "FAILED": "The channel could not be read; the result contains the last known state.",
            "UNSUPPORTED": "The channel does not provide this data.",
        },
    ),
    EnumDescription(
        locations.LocationKind,
        "LocationKind",
        "Kind of location.",
        {
            "STORE": "A shop.",
            "WAREHOUSE": "A warehouse of the retailer.",
            "MARKETPLACE_FULFILLMENT": "A warehouse of a marketplace. Its stock is sold in that marketplace only.",
        },
    ),
    EnumDescription(
        locations.FulfillmentMethod,
        "FulfillmentMethod",
        "How goods reach the customer.",
        {
            "SHIPPING": "The goods are shipped to the customer.",
            "PICKUP": "The customer collects the goods.",
            "IN_STORE": "The customer takes the goods along at the time of purchase.",
        },
    ),
    EnumDescription(
        catalog.ProductStatus,
        "ProductStatus",
        "Sales status of a product. Statuses other than ACTIVE are visible with the scope `catalogue:admin` only.",
        {"ACTIVE": "For sale.", "DRAFT": "Not for sale yet.", "ARCHIVED": "No longer for sale."},
    ),
    EnumDescription(
        catalog.ProductField,
        "ProductField",
        "A field of a product, or several, that one channel writes.",
        {
            "TEXTS": "Title, description and handle.",
            "MEDIA": "Images and media.",
            "BRAND": "Brand.",
            "CATEGORY": "Category.",
            "TAGS": "Tags.",
            "ATTRIBUTES": "One attribute.",
        },
    ),
    EnumDescription(
        catalog.ListingStatus,
        "ListingStatus",
        "Sales status of a listing.",
        {"ACTIVE": "Offered.", "INACTIVE": "Temporarily not offered.", "ARCHIVED": "Removed from the channel's range."},
    ),
    EnumDescription(
        AttributeType,
        "AttributeType",
        "Type of the values of an attribute.",
        {
            "TEXT": "Text.",
            "HTML": "Sanitized HTML.",
            "NUMBER": "A number.",
            "BOOLEAN": "True or false.",
            "DATE": "A date.",
            "MONEY": "An amount of money.",
            "MEASURE": "A number with a unit.",
            "COLOR": "A color.",
            "URL": "URL of a web page or file.",
            "IMAGE": "An image.",
            "PRODUCT": "Another product.",
        },
    ),
    EnumDescription(
        channels.PolicyKind,
        "PolicyKind",
        "Kind of a text that shoppers can read.",
        {
            "RETURNS": "How to return goods.",
            "SHIPPING": "How goods are shipped.",
            "PRIVACY": "How personal data is used.",
            "TERMS": "Terms of sale.",
            "IMPRINT": "Who runs the shop.",
        },
    ),
    EnumDescription(
        media.MediaKind,
        "MediaKind",
        "Kind of a medium.",
        {
            "IMAGE": "An image.",
            "VIDEO": "A video, with its files.",
            "EXTERNAL_VIDEO": "A video on another site, to be embedded.",
            "MODEL_3D": "A 3D model, with its files.",
        },
    ),
    EnumDescription(
        media.ImageCrop,
        "ImageCrop",
        "The part of an image that stays if it is cropped.",
        {
            "NONE": "The image is not cropped.",
            "CENTER": "The center.",
            "TOP": "The top.",
            "BOTTOM": "The bottom.",
            "LEFT": "The left side.",
            "RIGHT": "The right side.",
        },
    ),
    EnumDescription(
        media.ImageFormat,
        "ImageFormat",
        "File format of a resized image.",
        {
            "ORIGINAL": "The format of the original.",
            "AVIF": "AVIF.",
            "WEBP": "WebP.",
            "JPEG": "JPEG.",
            "PNG": "PNG.",
        },
    ),
    EnumDescription(
        catalog.CollectionKind,
        "CollectionKind",
        "How the products of a collection are chosen.",
        {
            "MANUAL": "The channel lists them, in its order.",
            "SMART": "They match a filter of the configuration.",
        },
    ),
    EnumDescription(
        catalog.RelatedKind,
        "RelatedKind",
        "How products are related.",
        {
            "SIMILAR": "They are of the same category; those of the same brand or with the same attributes come first.",
            "COMPLEMENTARY": "They are often in the same orders, counted every hour over the last 90 days.",
        },
    ),
    EnumDescription(
        catalog.MatchEvidence,
        "MatchEvidence",
        "Why a listing was matched with its variant. Null: it was not matched; the variant was created from it.",
        {
            "GTIN": "Same GTIN (barcode number).",
            "SKU": "Same SKU of the retailer.",
            "MANUAL": "An operator decided.",
            "PLUGIN": "The matching policy decided.",
        },
    ),
    EnumDescription(
        stock.StockStatus,
        "StockStatus",
        "Availability to show to customers.",
        {
            "IN_STOCK": "More units are available than the low-stock threshold.",
            "LOW_STOCK": "At most the configured number of units (5 by default) is left.",
            "OUT_OF_STOCK": "No units are left.",
            "BACKORDER": "No units are left, but the channel accepts orders.",
            "NOT_TRACKED": "The stock is not counted; the item can be ordered.",
            "UNKNOWN": "The stock is not known.",
        },
    ),
    EnumDescription(
        profiles.IdentityRule,
        "IdentityRule",
        "Why a customer record was linked to a customer.",
        {
            "VERIFIED_EMAIL": "Same verified email address.",
            "PHONE": "Same phone number.",
            "LOYALTY_NUMBER": "Same loyalty number.",
            "EXTERNAL_REFERENCE": "Same account of a channel, or one names the other in a configured field.",
            "MANUAL": "An operator decided.",
            "PLUGIN": "The recognition policy decided.",
            "LOGIN": "Issuer and subject of a verified token.",
            "CHANNEL_MERGE": "The channel has merged the records.",
            "CLAIM": "The customer claimed the order of a guest.",
            "EMAIL": "Same email address.",
            "VERIFIED_PHONE": "Same mobile number, verified in both records.",
            "EMAIL_AND_NAME": "Same email address and full name.",
            "PHONE_AND_NAME": "Same mobile number and full name.",
            "EMAIL_AND_PHONE": "Same email address and mobile number.",
        },
    ),
    EnumDescription(
        loyalty.LoyaltyEntryKind,
        "LoyaltyEntryKind",
        "What an entry of a loyalty account stands for.",
        {
            "EARN": "Points of a purchase, or granted by a partner.",
            "REDEEM": "Points that were spent.",
            "REVERSE": "Of a return, of a canceled order, or of a receipt that was corrected.",
            "EXPIRE": "Points that expired. Positive: they are given back, because they were spent before.",
            "ADJUST": "A correction.",
        },
    ),
    EnumDescription(
        orders.OrderStatus,
        "OrderStatus",
        "State of an order.",
        {
            "PENDING": "Waits for its payment, or for the answers of its channels.",
            "OPEN": "Accepted and not completed yet.",
            "COMPLETED": "Completed. Receipts of a point of sale are completed at once.",
            "CANCELLING": "Cancellation in progress.",
            "CANCELLED": "Canceled.",
            "FAILED": "The order could not be placed.",
        },
    ),
    EnumDescription(
        orders.OrderFulfillmentStatus,
        "OrderFulfillmentStatus",
        "How much of an order was handed over or shipped.",
        {"UNFULFILLED": "Nothing yet.", "PARTIALLY_FULFILLED": "A part.", "FULFILLED": "Everything."},
    ),
    EnumDescription(
        orders.OrderReturnStatus,
        "OrderReturnStatus",
        "How much of an order was returned.",
        {
            "NONE": "Nothing.",
            "REQUESTED": "A return was requested.",
            "PARTIALLY_RETURNED": "A part.",
            "RETURNED": "Everything.",
        },
    ),
    EnumDescription(
        orders.PaymentStatus,
        "PaymentStatus",
        "State of a payment.",
        {
            "UNKNOWN": "The channel does not report it.",
            "UNPAID": "Nothing was paid.",
            "PENDING": "The payment is in progress.",
            "AUTHORIZED": "Authorized by the payment provider, not captured yet.",
            "PARTIALLY_PAID": "Paid in part.",
            "PAID": "Paid in full.",
            "PARTIALLY_REFUNDED": "Refunded in part.",
            "REFUNDED": "Refunded in full.",
            "VOIDED": "The authorization was released.",
            "FAILED": "The payment failed.",
        },
    ),
    EnumDescription(
        change_feed.ChangeKind,
        "ChangeKind",
        "What happened to an object.",
        {
            "UPSERTED": "The object was created or updated.",
            "DELETED": "The object was deleted or is no longer visible to the caller.",
            "MERGED": "The object was merged into another one, which replaces it.",
        },
    ),
    EnumDescription(
        change_feed.ChangeType,
        "ChangeType",
        "Type of an object in the change feed.",
        {
            "PRODUCT": "Products, without their prices.",
            "PRODUCT_VARIANT": "Variants.",
            "LISTING": "Listings, including their prices.",
            "STOCK": "Stock that can be sold of a variant.",
            "LOCATION": "Locations. They are defined in the configuration and do not change while the gateway runs.",
            "CATEGORY": "Categories.",
            "COLLECTION": "Collections, with the list of their products.",
        },
    ),
    EnumDescription(
        carts.CartStatus,
        "CartStatus",
        "State of a cart.",
        {
            "ACTIVE": "The cart can be changed.",
            "ORDERED": "The cart was ordered; see `Cart.order`.",
            "MERGED": "The lines were moved to another cart of the same customer.",
            "EXPIRED": "The cart was not changed for a long time and has expired.",
        },
    ),
    EnumDescription(
        carts.CartChangeKind,
        "CartChangeKind",
        "Kind of change that the owner of a cart did not request.",
        {
            "PRICE_CHANGED": "The price changed.",
            "QUANTITY_REDUCED": "The quantity was reduced to the available stock.",
            "UNAVAILABLE": "The item is no longer offered, or not in this channel.",
            "CHANNEL_MOVED": "The cart was moved to another channel.",
        },
    ),
    EnumDescription(
        carts.CartWarningCode,
        "CartWarningCode",
        "Reason of a notice about an accepted change of a cart.",
        {
            "QUANTITY_REDUCED": "The quantity was reduced to the available stock.",
            "PRICE_CHANGED": "The price has changed since the cart was last read.",
            "LINE_UNAVAILABLE": "The item is not available in this channel, or not now.",
            "DISCOUNT_NOT_APPLICABLE": "A discount does not apply to this cart.",
        },
    ),
    EnumDescription(
        orders.OrderAttention,
        "OrderAttention",
        "Problem of an order that an operator must resolve.",
        {
            "STOCK_SHORT": "A sold item is missing and no other location has it.",
            "PAYMENT_DUE_BACK": "A payment must be refunded because items are not delivered.",
            "OUTCOME_UNKNOWN": "It is not known whether a channel accepted its part of the order.",
            "REFUND_BY_HAND": "A channel could not reverse its part of the order.",
            "PAYMENT_OVERDUE": "It is past `payBy` and not canceled: paid in part, handed over in part, or a part is "
            "being recalled.",
            "TOTAL_DIFFERS": "`total` is not the sum of its parts, or not what the order was placed with. Not for "
            "orders that are canceled or have failed.",
            "INCOMPLETE": "Lines of it cannot be read in its channel; `syncRejects` names them. Such a line is "
            "missing, or shown as it was when it could last be read. Or lines were changed in another unit of measure "
            "than they were sold in.",
        },
    ),
    EnumDescription(
        orders.OrderChargeKind,
        "OrderChargeKind",
        "Kind of charge of an order beside its lines, its shipping and its taxes.",
        {
            "GIFT_WRAP": "Gift wrapping.",
            "TIP": "A tip.",
            "HANDLING": "A fee for handling.",
            "DUTY": "Duties of customs.",
            "CASH_ON_DELIVERY": "A fee for payment on delivery.",
            "ROUNDING": "Rounding of an amount that is paid in cash.",
            "OTHER": "Any other charge; see its title.",
        },
    ),
    EnumDescription(
        orders.ChannelOrderState,
        "ChannelOrderState",
        "State of the part of an order that one channel fulfills.",
        {
            "QUEUED": "Waits to be sent to the channel, perhaps until the order is paid.",
            "SUBMITTED": "Sent without a definite result; the gateway retries.",
            "ACCEPTED": "Accepted by the channel.",
            "REJECTED": "Rejected by the channel.",
            "CANCELLED": "Canceled in the channel.",
            "UNKNOWN": "The channel may have accepted it; the gateway is looking it up.",
        },
    ),
    EnumDescription(
        orders.FulfillmentStatus,
        "FulfillmentStatus",
        "Progress of a fulfillment.",
        {
            "PENDING": "Waits for acceptance by the channel, for a transfer, or for the payment of the order.",
            "ACCEPTED": "Accepted; to be prepared or shipped.",
            "READY_FOR_PICKUP": "Ready for collection.",
            "IN_TRANSIT": "Shipped.",
            "OUT_FOR_DELIVERY": "Arrives today.",
            "DELIVERED": "Delivered.",
            "COLLECTED": "Collected by the customer.",
            "REJECTED": "Rejected by the location; another location fulfills it.",
            "FAILED": "Delivery failed.",
            "CANCELLED": "Canceled.",
        },
    ),
    EnumDescription(
        orders.PaymentKind,
        "PaymentKind",
        "Kind of payment.",
        {
            "ON_COLLECTION": "Paid when the goods are collected.",
            "PROVIDER": "Paid through a payment provider. Pending until `orderPaymentRecord` records it.",
            "TENDERED": "Already paid. Requires the scope `payments:assert`.",
        },
    ),
    EnumDescription(
        orders.OrderEventKind,
        "OrderEventKind",
        "Kind of event in the history of an order.",
        {
            "PLACED": "The order was placed.",
            "SUBMITTED": "A part of the order is submitted to a channel.",
            "ACCEPTED": "A channel accepted a part of the order.",
            "REJECTED": "A part of the order was rejected.",
            "PAID": "A payment was received.",
            "TRANSFER_REQUESTED": "A transfer to the collection location was requested.",
            "READY_FOR_PICKUP": "Goods are ready for collection.",
            "SHIPPED": "Goods were shipped.",
            "DELIVERED": "Goods were delivered.",
            "COLLECTED": "Goods were collected.",
            "CANCELLED": "The order was canceled, or its cancellation failed.",
            "RETURN_REQUESTED": "The customer requested a return.",
            "RETURN_RECEIVED": "Returned goods were received.",
            "REFUNDED": "A payment was refunded.",
            "NOTE": "Any other event.",
            "PAYMENT_EXPIRED": "The order was not paid by `payBy`.",
        },
    ),
    EnumDescription(
        channels.PushState,
        "PushState",
        "State of a push of stock, prices or consents to a channel.",
        {
            "IN_SYNC": "The channel shows the intended value.",
            "QUEUED": "Waits to be sent to the channel.",
            "ACCEPTED": "The channel accepted the value but does not show it yet.",
            "FAILED": "The channel rejected the value; the gateway retries, of a consent if an operator replays it.",
            "SUPPRESSED": (
                "Not sent: an operator has not enabled pushes, too many values would change at once, or the customer "
                "has decided otherwise since."
            ),
        },
    ),
    EnumDescription(
        CountPrecision,
        "CountPrecision",
        "Whether a list was counted to its end.",
        {
            "EXACT": "The count is the number of items.",
            "AT_LEAST": "There are at least as many items.",
        },
    ),
    EnumDescription(
        channels.RejectSeverity,
        "SyncRejectSeverity",
        "What became of a record with an invalid value.",
        {
            "ERROR": "The record was rejected: what was known of it before is not relied on.",
            "WARNING": "The record was stored without the field, which nothing is sold by.",
        },
    ),
    EnumDescription(
        outbox.OutboxState,
        "OutboxState",
        "State of a command for a channel.",
        {
            "QUEUED": "Waits to be sent.",
            "SENDING": "Being sent, or its result is being looked up.",
            "DONE": "Applied, or no longer needed.",
            "DEAD": "The channel rejected the command or its result is not known; an operator must act.",
        },
    ),
    EnumDescription(
        stock.ReservationState,
        "ReservationState",
        "State of a reservation.",
        {
            "HELD": "Held until `expiresAt`.",
            "COMMITTED": "Sold and not yet subtracted from the authority's count.",
            "SETTLED": "Sold and subtracted from the authority's count.",
            "RELEASED": "Released.",
            "EXPIRED": "Expired.",
        },
    ),
    EnumDescription(
        stock.StockReason,
        "StockReason",
        "Reason of a stock adjustment.",
        {
            "COUNT": "The stock was counted.",
            "DAMAGE": "Items are damaged or spoiled.",
            "THEFT": "Items were stolen.",
            "FOUND": "Items were found.",
            "CORRECTION": "A mistake is corrected.",
            "RECEIVED": "A delivery was received.",
        },
    ),
    EnumDescription(
        mutation_result.UserErrorCode,
        "UserErrorCode",
        "Reason why a mutation was refused, by what the caller can do about it.",
        {
            "NOT_FOUND": "The object does not exist or was deleted.",
            "INVALID": "The input is invalid.",
            "LIMIT_EXCEEDED": "A limit was exceeded.",
            "OUT_OF_STOCK": "No units are left.",
            "INSUFFICIENT_STOCK": "Fewer units are available than requested; see `availableQuantity`.",
            "PRICE_CHANGED": "A price has changed.",
            "TOTAL_CHANGED": "The total differs from the expected total.",
            "CURRENCY_MISMATCH": "The currencies differ.",
            "CART_EXPIRED": "The cart has expired.",
            "CART_EMPTY": "The cart is empty.",
            "OPTION_EXPIRED": "The fulfillment option has expired; request new options.",
            "NOT_OFFERED": "The channel does not offer the item.",
            "NOT_RETURNABLE": "The item cannot be returned.",
            "PAYMENT_REQUIRED": "A payment is required.",
            "PAYMENT_MISMATCH": "The payments do not add up to the total.",
            "NOT_SUPPORTED_BY_CHANNEL": "The channel does not support the operation.",
            "CHANNEL_UNAVAILABLE": "The channel cannot be reached or is not in use.",
            "CHANNEL_REJECTED": "The channel rejected the request.",
            "NOT_ALLOWED_IN_STATE": "The object's state does not allow the operation.",
            "CODE_WRONG": "The code is wrong.",
            "TOO_MANY_ATTEMPTS": "Too many attempts; wait before trying again.",
            "CONFLICT": "The object has changed since the caller read it; the payload contains its current state.",
            "IN_PROGRESS": "A request with the same idempotency key is being processed.",
            "IDEMPOTENCY_KEY_REUSED": "The idempotency key was already used with a different input.",
            "CHANNEL_NOT_ALLOWED": "The channel does not sell to the caller.",
            "LOCATION_NOT_ALLOWED": "The caller does not act at the location.",
            "SCOPE_NOT_HELD": "The caller lacks a scope, channel or location that the token would have.",
            "NOT_VERIFIED": "What the customer states is not verified: the login has to prove it.",
            "LOGIN_TOO_OLD": "The customer has to log in again: the login is older than ten minutes.",
            "INSUFFICIENT_POINTS": "The customer has fewer loyalty points; `availableQuantity` can be redeemed.",
        },
    ),
    EnumDescription(
        profiles.EvidenceVerdict,
        "EvidenceVerdict",
        "What evidence says of two identities.",
        {
            "LINKS": "It joins them.",
            "SUGGESTS": "It joins nothing, and opens a review.",
            "CONTRADICTS": "Names, cards or a person tell them apart.",
        },
    ),
    EnumDescription(
        golden_record.CustomerField,
        "CustomerField",
        "A field of a customer that comes from one identity.",
        {
            "DISPLAY_NAME": "The display name.",
            "GIVEN_NAME": "The given name.",
            "FAMILY_NAME": "The family name.",
            "EMAIL": "The preferred email address.",
            "PHONE": "The preferred phone number.",
            "ADDRESS": "The preferred postal address.",
            "LOCALE": "The language.",
        },
    ),
    EnumDescription(
        golden_record.SurvivorshipRule,
        "SurvivorshipRule",
        "Why the value of one identity is preferred, in the order in which the rules apply.",
        {
            "CHOSEN": "The customer or staff entered it here; of several, the newest.",
            "VERIFIED": "It is verified.",
            "CHANNEL_PRIORITY": "Its channel is preferred.",
            "NEWEST": "Its identity changed most recently.",
            "ONLY_ONE": "No other identity has a value.",
        },
    ),
    EnumDescription(
        reviews.CustomerReviewState,
        "CustomerReviewState",
        "State of a customer review.",
        {
            "OPEN": "It waits for a decision.",
            "SAME": "The customers are the same.",
            "DIFFERENT": "The customers are different ones.",
            "OBSOLETE": "Its evidence is gone, or has joined them.",
        },
    ),
    EnumDescription(
        data_requests.DataRequestKind,
        "DataRequestKind",
        "What is requested about a customer's data.",
        {"EXPORT": "A copy of it.", "ERASE": "Its erase."},
    ),
    EnumDescription(
        data_requests.DataRequestState,
        "DataRequestState",
        "State of a request about a customer's data.",
        {
            "QUEUED": "It has not begun. An erase can be canceled until `executesAt`.",
            "RUNNING": "It has begun. Of an erase: the gateway shows nothing any more, and channels are to answer.",
            "DONE": "All parts are done.",
            "PARTLY_DONE": "A channel cannot do it, or has refused it: a person has to see to it.",
            "CANCELLED": "It was canceled before it began.",
        },
    ),
    EnumDescription(
        data_requests.DataPartState,
        "DataPartState",
        "State of a part of a request about a customer's data.",
        {
            "QUEUED": "It has not begun.",
            "WAITING": "An open order keeps its contact until it is complete.",
            "SENT": "The channel has accepted it, and is read again.",
            "DONE": "It is done. Of an erase in a channel: its record was read, and has no data.",
            "NOT_SUPPORTED": "The channel cannot do it: a person has to.",
            "DONE_BY_HAND": "A person has done it.",
            "FAILED": "The channel has refused it, or could not be read.",
        },
    ),
    EnumDescription(
        reviews.CustomerMergeKind,
        "CustomerMergeKind",
        "What was decided about customers.",
        {"MERGED": "They are the same.", "SPLIT": "They are different ones."},
    ),
    EnumDescription(
        timeline.InteractionKind,
        "InteractionKind",
        "What happened between a customer and the retailer.",
        {
            "ORDER": "An order was placed, or a receipt printed.",
            "PICKUP": "Goods were collected.",
            "CART": "A cart was filled, and not ordered.",
            "SERVICE_CONTACT": "The customer contacted the retailer, or was contacted.",
            "STORE_VISIT": "The customer visited a store.",
            "LOYALTY": "Loyalty points were earned, redeemed, or expired.",
            "CONSENT": "The customer granted or denied something.",
            "NOTE": "Staff took a note.",
        },
    ),
    EnumDescription(
        consents.ConsentPurpose,
        "ConsentPurpose",
        "What a customer allows, or does not.",
        {
            "MARKETING_EMAIL": "Marketing by email.",
            "MARKETING_SMS": "Marketing by text message.",
            "MARKETING_PHONE": "Marketing by phone calls.",
            "MARKETING_POST": "Marketing by post.",
            "PROFILING": "Profiling of what the customer buys.",
        },
    ),
    EnumDescription(
        consents.ConsentState,
        "ConsentState",
        "The answer of a customer that counts.",
        {
            "GRANTED": "The customer allows it.",
            "DENIED": "The customer does not allow it.",
            "UNCONFIRMED": "Counts as denied: the grant waits to be confirmed, or a denial may be later than it.",
        },
    ),
    EnumDescription(
        consents.ConsentSource,
        "ConsentSource",
        "Where a decision about a consent comes from.",
        {
            "SHOPPER": "The customer decided it here.",
            "STAFF": "Staff entered it here.",
            "CHANNEL": "A channel reported it.",
            "IMPORT": "It was imported.",
        },
    ),
    EnumDescription(
        ApiTokenState,
        "ApiTokenState",
        "State of a token.",
        {
            "ACTIVE": "It can be used.",
            "ROTATING": "It can be used; its former secret is accepted as well, until `rotatesAt`.",
            "EXPIRED": "It has expired.",
            "REVOKED": "It was revoked.",
        },
    ),
    EnumDescription(
        ShopperTokenKind,
        "ShopperTokenKind",
        "What kind of token a customer exchanges.",
        {
            "ID_TOKEN": "A JWT of an issuer of the configuration.",
            "CHANNEL_CUSTOMER": "A token that the channel has given to its own customer. The channel verifies it.",
        },
    ),
    EnumDescription(
        CallerKind,
        "ViewerKind",
        "Kind of caller.",
        {
            "ANONYMOUS": "No token was sent.",
            "SHOPPER": "A customer.",
            "STAFF": "An employee.",
            "PARTNER": "A partner's system.",
            "ADMIN": "An administrator.",
        },
    ),
)


def describe_enums() -> None:
    """Set the names and descriptions of the model's enums in the schema. Strawberry wraps a plain enum where a type
    first uses it.
    """
    for one in ENUMS:
        if not hasattr(one.model, "__strawberry_definition__"):
            strawberry.enum(one.model)
        definition: Any = one.model.__strawberry_definition__  # type: ignore[attr-defined]
        definition.name, definition.description = one.name, one.description
        for value in definition.values:
            value.description = one.values[value.name]
