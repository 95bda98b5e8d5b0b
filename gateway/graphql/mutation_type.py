"""The mutation type: every root field that writes."""

from __future__ import annotations

import strawberry

from gateway.execution.fields import root
from gateway.graphql.mutations.api_tokens import (
    resolve_api_token_create,
    resolve_api_token_revoke,
    resolve_api_token_rotate,
)
from gateway.graphql.mutations.carts import (
    resolve_cart_create,
    resolve_cart_customer_set,
    resolve_cart_lines_add,
    resolve_cart_lines_remove,
    resolve_cart_lines_update,
    resolve_cart_move,
)
from gateway.graphql.mutations.catalog import resolve_listing_link, resolve_listing_unlink, resolve_match_review_decide
from gateway.graphql.mutations.channels import (
    resolve_channel_pause,
    resolve_channel_resume,
    resolve_channel_sync,
    resolve_sync_reject_replay,
)
from gateway.graphql.mutations.consents import resolve_consent_confirm, resolve_consent_set
from gateway.graphql.mutations.customer_accounts import (
    resolve_customer_address_remove,
    resolve_customer_address_save,
    resolve_customer_update,
    resolve_order_claim,
)
from gateway.graphql.mutations.customers import (
    resolve_customer_merge,
    resolve_customer_merge_undo,
    resolve_customer_review_decide,
    resolve_customer_split,
    resolve_interaction_add,
)
from gateway.graphql.mutations.data_requests import (
    resolve_customer_erase,
    resolve_customer_export,
    resolve_data_request_cancel,
    resolve_data_request_part_record,
)
from gateway.graphql.mutations.documents import resolve_document_policy_set
from gateway.graphql.mutations.fulfillments import (
    resolve_fulfillment_collect,
    resolve_fulfillment_mark_ready,
    resolve_fulfillment_reject,
    resolve_fulfillment_ship,
)
from gateway.graphql.mutations.logins import resolve_shopper_token_exchange
from gateway.graphql.mutations.loyalty import resolve_cart_loyalty_set, resolve_loyalty_post
from gateway.graphql.mutations.orders import resolve_order_cancel, resolve_order_payment_record, resolve_order_place
from gateway.graphql.mutations.outbox import resolve_outbox_replay
from gateway.graphql.mutations.stock import (
    resolve_stock_adjust,
    resolve_stock_release,
    resolve_stock_reserve,
    resolve_stock_transfer,
)
from gateway.graphql.scopes import (
    CATALOG_ADMIN,
    CHANNELS_ADMIN,
    CUSTOMERS_ADMIN,
    CUSTOMERS_ERASE,
    CUSTOMERS_WRITE,
    DOCUMENTS_ADMIN,
    LOYALTY_WRITE,
    ORDERS_WRITE,
    PAYMENTS_ASSERT,
    STOCK_WRITE,
    TOKENS_ADMIN,
)
from gateway.graphql.types.access import ApiTokenPayload
from gateway.graphql.types.customers.data_requests import DataRequestPayload
from gateway.graphql.types.customers.decisions import (
    CustomerMergePayload,
    CustomerReviewPayload,
    CustomerSplitPayload,
)
from gateway.graphql.types.customers.logins import ShopperTokenPayload
from gateway.graphql.types.customers.payloads import (
    ConsentPayload,
    CustomerAddressPayload,
    CustomerPayload,
    InteractionPayload,
)
from gateway.graphql.types.documents import DocumentPayload
from gateway.graphql.types.outcomes import (
    CartPayload,
    ChannelPayload,
    FulfillmentPayload,
    ListingPayload,
    LoyaltyPayload,
    MatchReviewPayload,
    OrderPayload,
    OutboxPayload,
    ReservationPayload,
    StockLevelPayload,
    StockTransferPayload,
    SyncRejectPayload,
)


@strawberry.type(
    description="Entry point of all mutations. Each mutation takes one input with an idempotency key and "
    "returns the current object. Errors that the user can resolve are in `userErrors`."
)
class Mutation:
    cart_create: CartPayload | None = root("Creates a cart. Does not require authentication.", resolve_cart_create)
    cart_lines_add: CartPayload | None = root("Adds items to a cart.", resolve_cart_lines_add)
    cart_lines_update: CartPayload | None = root("Updates quantities of cart lines.", resolve_cart_lines_update)
    cart_lines_remove: CartPayload | None = root("Removes lines from a cart.", resolve_cart_lines_remove)
    cart_move: CartPayload | None = root(
        "Moves a cart to another channel or device. Recalculates the prices and issues a new token.",
        resolve_cart_move,
        cost=30,
    )
    cart_customer_set: CartPayload | None = root(
        "Assigns a cart to a customer. Merges the customer's open cart of the same channel into it and issues "
        "a new token.",
        resolve_cart_customer_set,
        cost=30,
    )
    shopper_token_exchange: ShopperTokenPayload | None = root(
        "Exchanges the token of a customer's login for one of the gateway, for clients that cannot send the token "
        "itself. There is no refresh: exchange again.",
        resolve_shopper_token_exchange,
        cost=50,
    )
    cart_loyalty_set: CartPayload | None = root(
        "Sets how many loyalty points the order of a cart redeems. Customers who are logged in redeem their own; for "
        "others, the scope `loyalty:write` is required.",
        resolve_cart_loyalty_set,
        cost=30,
    )
    loyalty_post: LoyaltyPayload | None = root(
        "Posts loyalty points that a till, a partner or staff grant, spend or correct. Each `sourceKey` counts once.",
        resolve_loyalty_post,
        scopes=LOYALTY_WRITE,
        cost=30,
    )
    customer_update: CustomerPayload | None = root(
        "Changes a customer. Customers change themselves; for others, `customers:write` is required.",
        resolve_customer_update,
    )
    customer_address_save: CustomerAddressPayload | None = root(
        "Stores an address in the address book of a customer.", resolve_customer_address_save
    )
    customer_address_remove: CustomerAddressPayload | None = root(
        "Removes an address that was entered here from the address book of a customer.", resolve_customer_address_remove
    )
    order_claim: OrderPayload | None = root(
        "Lets an order that the customer placed as a guest be the customer's own. That order only.", resolve_order_claim
    )
    order_place: OrderPayload | None = root(
        "Places the order of a cart. The order is PENDING until it is paid, where a provider has to pay it, and "
        "until every channel has answered.",
        resolve_order_place,
        cost=200,
    )
    order_cancel: OrderPayload | None = root(
        "Cancels an order of which nothing has been shipped or handed over. Requires the scope `orders:write`; "
        "customers cancel their own unpaid order by its `accessToken`.",
        resolve_order_cancel,
        cost=50,
    )
    order_payment_record: OrderPayload | None = root(
        "Records a payment of an order.", resolve_order_payment_record, scopes=PAYMENTS_ASSERT
    )
    fulfillment_ship: FulfillmentPayload | None = root(
        "Records that goods were shipped.", resolve_fulfillment_ship, scopes=ORDERS_WRITE, cost=30
    )
    fulfillment_mark_ready: FulfillmentPayload | None = root(
        "Records that goods are ready for collection.", resolve_fulfillment_mark_ready, scopes=ORDERS_WRITE
    )
    fulfillment_collect: FulfillmentPayload | None = root(
        "Records that goods were handed over to a customer who presented the pickup code.",
        resolve_fulfillment_collect,
        scopes=ORDERS_WRITE,
    )
    fulfillment_reject: FulfillmentPayload | None = root(
        "Records that goods are missing at the location, so that another location fulfills them.",
        resolve_fulfillment_reject,
        scopes=ORDERS_WRITE,
        cost=50,
    )
    stock_reserve: ReservationPayload | None = root(
        "Reserves units for a limited time: all of them or none.", resolve_stock_reserve, scopes=STOCK_WRITE, cost=20
    )
    stock_release: ReservationPayload | None = root("Releases reservations.", resolve_stock_release, scopes=STOCK_WRITE)
    stock_adjust: StockLevelPayload | None = root(
        "Adjusts a stock count in the location's authority if the count still is what the caller saw.",
        resolve_stock_adjust,
        scopes=STOCK_WRITE,
        cost=60,
    )
    stock_transfer: StockTransferPayload | None = root(
        "Transfers units from one location to another.", resolve_stock_transfer, scopes=STOCK_WRITE, cost=100
    )
    listing_link: ListingPayload | None = root(
        "Links a listing to a variant. The decision is permanent until it is changed by another one.",
        resolve_listing_link,
        scopes=CATALOG_ADMIN,
    )
    listing_unlink: ListingPayload | None = root(
        "Unlinks a listing from its variant. The listing keeps a variant of its own until it is linked again.",
        resolve_listing_unlink,
        scopes=CATALOG_ADMIN,
    )
    match_review_decide: MatchReviewPayload | None = root(
        "Decides which variant the listing of a match review belongs to.",
        resolve_match_review_decide,
        scopes=CATALOG_ADMIN,
    )
    channel_pause: ChannelPayload | None = root(
        "Pauses a channel. The gateway stops calling it; its stored data remains available.",
        resolve_channel_pause,
        scopes=CHANNELS_ADMIN,
    )
    channel_resume: ChannelPayload | None = root(
        "Resumes a paused channel.", resolve_channel_resume, scopes=CHANNELS_ADMIN
    )
    channel_sync: ChannelPayload | None = root(
        "Starts a synchronization of a channel; `Channel.sync` reports its progress.",
        resolve_channel_sync,
        scopes=CHANNELS_ADMIN,
    )
    outbox_replay: OutboxPayload | None = root(
        "Retries a dead outbox entry after its cause has been resolved.", resolve_outbox_replay, scopes=CHANNELS_ADMIN
    )
    api_token_create: ApiTokenPayload | None = root(
        "Creates a token and returns its secret, once. The token can have no scope, channel or location that the "
        "caller lacks.",
        resolve_api_token_create,
        scopes=TOKENS_ADMIN,
    )
    api_token_rotate: ApiTokenPayload | None = root(
        "Replaces the secret of a token and returns the new one, once. The former secret stays valid for a while.",
        resolve_api_token_rotate,
        scopes=TOKENS_ADMIN,
    )
    api_token_revoke: ApiTokenPayload | None = root(
        "Revokes a token. Every process rejects it within about a second.",
        resolve_api_token_revoke,
        scopes=TOKENS_ADMIN,
    )
    document_policy_set: DocumentPayload | None = root(
        "Sets the policy of a persisted document: blocks it, or limits how it is executed. It takes effect in all "
        "processes after a few seconds.",
        resolve_document_policy_set,
        scopes=DOCUMENTS_ADMIN,
    )
    sync_reject_replay: SyncRejectPayload | None = root(
        "Reads a rejected record again after its cause has been resolved in the channel or the plugin.",
        resolve_sync_reject_replay,
        scopes=CHANNELS_ADMIN,
    )
    customer_merge: CustomerMergePayload | None = root(
        "Merges customers into one. Nothing is moved: it can be undone without loss.",
        resolve_customer_merge,
        scopes=CUSTOMERS_ADMIN,
    )
    customer_split: CustomerSplitPayload | None = root(
        "Splits identities off a customer, as they belong to another one. Recognition does not join them again.",
        resolve_customer_split,
        scopes=CUSTOMERS_ADMIN,
    )
    customer_merge_undo: CustomerSplitPayload | None = root(
        "Undoes a merge or a split. Evidence counts again as if it had not been made.",
        resolve_customer_merge_undo,
        scopes=CUSTOMERS_ADMIN,
    )
    customer_review_decide: CustomerReviewPayload | None = root(
        "Decides whether the customers of a review are the same.",
        resolve_customer_review_decide,
        scopes=CUSTOMERS_ADMIN,
    )
    interaction_add: InteractionPayload | None = root(
        "Adds a service contact, a store visit or a note to the timeline of a customer.",
        resolve_interaction_add,
        scopes=CUSTOMERS_WRITE,
    )
    consent_set: ConsentPayload | None = root(
        "Stores what a customer allows, or does not. A denial holds for everything that is the customer's, a grant for "
        "its own address. A grant for an address that is not verified counts once it is confirmed.",
        resolve_consent_set,
    )
    customer_export: DataRequestPayload | None = root(
        "Requests all personal data of a customer as a file. Returns an export that is under way or less than an hour "
        "old, if there is one.",
        resolve_customer_export,
        cost=100,
    )
    customer_erase: DataRequestPayload | None = root(
        "Requests the erase of a customer's personal data, here and in the channels. It begins after a time in which "
        "it can be canceled. Returns the request that is under way, if there is one.",
        resolve_customer_erase,
        cost=100,
    )
    data_request_cancel: DataRequestPayload | None = root(
        "Cancels a request that has not begun.", resolve_data_request_cancel
    )
    data_request_part_record: DataRequestPayload | None = root(
        "Records that a person has erased the data in a channel that cannot do it, or has refused it.",
        resolve_data_request_part_record,
        scopes=CUSTOMERS_ERASE,
    )
    consent_confirm: ConsentPayload | None = root(
        "Confirms a grant by the token that was sent to its address.", resolve_consent_confirm
    )
