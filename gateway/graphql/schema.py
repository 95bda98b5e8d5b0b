"""The schema: Query and Mutation, and everything that they reach."""

from __future__ import annotations

import strawberry
from graphql import GraphQLError, GraphQLSchema, build_schema
from strawberry.printer import print_schema

from gateway.execution.directives import CacheControl
from gateway.execution.fields import bind, root
from gateway.execution.keeping import Data
from gateway.graphql.enums import show_enums
from gateway.graphql.mutations.cart_create import cart_create
from gateway.graphql.mutations.cart_customer_set import cart_customer_set
from gateway.graphql.mutations.cart_lines_add import cart_lines_add
from gateway.graphql.mutations.cart_lines_remove import cart_lines_remove
from gateway.graphql.mutations.cart_lines_update import cart_lines_update
from gateway.graphql.mutations.cart_move import cart_move
from gateway.graphql.mutations.channel_pause import channel_pause
from gateway.graphql.mutations.channel_resume import channel_resume
from gateway.graphql.mutations.channel_sync import channel_sync
from gateway.graphql.mutations.fulfillment_collect import fulfillment_collect
from gateway.graphql.mutations.fulfillment_mark_ready import fulfillment_mark_ready
from gateway.graphql.mutations.fulfillment_reject import fulfillment_reject
from gateway.graphql.mutations.fulfillment_ship import fulfillment_ship
from gateway.graphql.mutations.listing_link import listing_link
from gateway.graphql.mutations.listing_unlink import listing_unlink
from gateway.graphql.mutations.match_review_decide import match_review_decide
from gateway.graphql.mutations.order_cancel import order_cancel
from gateway.graphql.mutations.order_payment_record import order_payment_record
from gateway.graphql.mutations.order_place import order_place
from gateway.graphql.mutations.outbox_replay import outbox_replay
from gateway.graphql.mutations.stock_adjust import stock_adjust
from gateway.graphql.mutations.stock_release import stock_release
from gateway.graphql.mutations.stock_reserve import stock_reserve
from gateway.graphql.mutations.stock_transfer import stock_transfer
from gateway.graphql.mutations.sync_reject_replay import sync_reject_replay
from gateway.graphql.queries import carts as carts_asked
from gateway.graphql.queries import catalog as catalog_asked
from gateway.graphql.queries import changes as changes_asked
from gateway.graphql.queries import channels as channels_asked
from gateway.graphql.queries import customers as customers_asked
from gateway.graphql.queries import listings as listings_asked
from gateway.graphql.queries import nodes as nodes_asked
from gateway.graphql.queries import operations as operations_asked
from gateway.graphql.queries import orders as orders_asked
from gateway.graphql.queries import stock as stock_asked
from gateway.graphql.scalars import CONFIG
from gateway.graphql.types.carts import Cart, CartLine, FulfillmentOption
from gateway.graphql.types.catalog import ADMIN as KEEP_CATALOGUE
from gateway.graphql.types.catalog import Category, Listing, Product, ProductVariant
from gateway.graphql.types.changes import Change
from gateway.graphql.types.channels import ADMIN, Channel, Location, SourcedConnection
from gateway.graphql.types.connections import Connection, NearConnection, Uncounted
from gateway.graphql.types.customers import STAFF as READ_CUSTOMERS
from gateway.graphql.types.customers import Customer, CustomerIdentity
from gateway.graphql.types.facets import FacetedConnection
from gateway.graphql.types.node import Node
from gateway.graphql.types.operations import MatchReview, OutboxEntry, SyncReject, Viewer
from gateway.graphql.types.orders import STAFF as READ_ORDERS
from gateway.graphql.types.orders import ChannelOrder, Fulfillment, Order, OrderEvent, OrderLine, Payment
from gateway.graphql.types.outcomes import (
    CartPayload,
    ChannelPayload,
    FulfillmentPayload,
    ListingPayload,
    MatchReviewPayload,
    OrderPayload,
    OutboxPayload,
    ReservationPayload,
    StockLevelPayload,
    StockTransferPayload,
    SyncRejectPayload,
)
from gateway.graphql.types.preview import OrderPreview
from gateway.graphql.types.stock import READ as READ_STOCK
from gateway.graphql.types.stock import WRITE as WRITE_STOCK
from gateway.graphql.types.stock import Reservation, Stock, StockLevel

_BUILT_IN = "directive @oneOf on INPUT_OBJECT\n\n"

ASSERT_PAYMENTS = [["payments:assert"]]
WRITE_ORDERS = [["orders:write"]]

NODES = (
    Cart,
    CartLine,
    Category,
    Channel,
    ChannelOrder,
    Customer,
    CustomerIdentity,
    Fulfillment,
    Listing,
    Location,
    MatchReview,
    Order,
    OrderEvent,
    OrderLine,
    OutboxEntry,
    Payment,
    Product,
    ProductVariant,
    Reservation,
    Stock,
    StockLevel,
    SyncReject,
)


@strawberry.type(
    description="Where every query begins. Nothing here blanks a page: what fails is null, with an error that says why."
)
class Query:
    __data__ = Data.PART

    node: Node | None = root("Anything with an id, found again. After a merge, the survivor.", nodes_asked.node)
    nodes: list[Node | None] | None = root("Several of them, in the order of their ids.", nodes_asked.nodes)
    viewer: Viewer | None = root("Who is asking.", nodes_asked.viewer)
    channels: list[Channel] | None = root("The sales channels, as configured.", channels_asked.channels, size=20)
    channel: Channel | None = root("One channel.", channels_asked.channel)
    location: Location | None = root("One location.", channels_asked.location)
    locations: NearConnection[Location] | None = root("The places that hold stock.", channels_asked.locations)
    categories: Connection[Category] | None = root("The category tree, one level at a time.", catalog_asked.categories)
    products: FacetedConnection[Product] | None = root(
        "The products of all channels. Without `catalogue:admin` only those on sale.", catalog_asked.products
    )
    product: Product | None = root("One product.", catalog_asked.product)
    product_variants: Connection[ProductVariant] | None = root(
        "Variants, the ones that changed last first: to find them by their codes.", catalog_asked.product_variants
    )
    stocks: list[Stock | None] | None = root(
        "The only live read: asks the channels about what is older than `maxAgeSeconds`, each once, with a deadline. A "
        "channel that fails leaves its last known state, and `sources` says so.",
        stock_asked.stocks,
        cost=50,
    )
    stock_levels: Connection[StockLevel] | None = root(
        "What one location holds.", stock_asked.stock_levels, scopes=READ_STOCK
    )
    customers: SourcedConnection[Customer] | None = root(
        "The customers of all channels.", customers_asked.customers, scopes=READ_CUSTOMERS
    )
    customer: Customer | None = root("One customer.", customers_asked.customer)
    orders: SourcedConnection[Order] | None = root(
        "The orders of all channels, receipts of tills among them.", orders_asked.orders, scopes=READ_ORDERS
    )
    order: Order | None = root("One order.", orders_asked.order)
    fulfillments: Connection[Fulfillment] | None = root(
        "What a location has to make ready, send or hand over, the longest waiting first.",
        orders_asked.fulfillments,
        scopes=READ_ORDERS,
    )
    cart: Cart | None = root("The cart with this token.", carts_asked.cart)
    fulfillment_options: list[FulfillmentOption] | None = root(
        "How the whole cart can reach the shopper, the best way first. Each can be ordered by its token while "
        "it lasts; what others take meanwhile, it does not keep.",
        carts_asked.fulfillment_options,
        size=20,
    )
    order_preview: OrderPreview | None = root(
        "Exactly what ordering a cart would write, and where. Writes nothing.", carts_asked.order_preview
    )
    sync_rejects: Connection[SyncReject] | None = root(
        "Records of channels that could not be taken in, the latest first.", channels_asked.sync_rejects, scopes=ADMIN
    )
    listings: Connection[Listing] | None = root(
        "What the channels list, the latest first.", listings_asked.listings, scopes=KEEP_CATALOGUE
    )
    changes: Uncounted[Change] | None = root(
        "For apps that keep a copy: what has changed since a cursor, deletions and merges included. CURSOR_EXPIRED: it "
        "is too long ago, read everything anew.",
        changes_asked.changes,
        data=Data.UNKEPT,
    )
    outbox_entries: Connection[OutboxEntry] | None = root(
        "What channels are to be told, or could not be told, the latest first.",
        operations_asked.outbox_entries,
        scopes=ADMIN,
    )
    match_reviews: Connection[MatchReview] | None = root(
        "Listings that could belong to others, the longest waiting first.",
        operations_asked.match_reviews,
        scopes=KEEP_CATALOGUE,
    )


@strawberry.type(
    description="Where every change begins. Each takes one input with an idempotency key, and answers with the current "
    "object; what a person can do something about is in `userErrors`."
)
class Mutation:
    cart_create: CartPayload | None = root("Begin a cart. Without a token of one's own, too.", cart_create)
    cart_lines_add: CartPayload | None = root("Put something into a cart.", cart_lines_add)
    cart_lines_update: CartPayload | None = root("Have lines have other quantities.", cart_lines_update)
    cart_lines_remove: CartPayload | None = root("Take lines out of a cart.", cart_lines_remove)
    cart_move: CartPayload | None = root(
        "Carry a cart on in another channel, or on another device: it is priced anew, and has a new token.",
        cart_move,
    )
    cart_customer_set: CartPayload | None = root(
        "Say whose cart it is. What she had put into another one in the same channel comes into this one, which gets a "
        "new token.",
        cart_customer_set,
    )
    order_place: OrderPayload | None = root(
        "Order what is in a cart. Where a channel takes its time the order is PENDING, and goes on by itself.",
        order_place,
    )
    order_cancel: OrderPayload | None = root(
        "Cancel an order of which nothing has left. Needs `orders:write`.", order_cancel
    )
    order_payment_record: OrderPayload | None = root(
        "Say that money was taken for an order.", order_payment_record, scopes=ASSERT_PAYMENTS
    )
    fulfillment_ship: FulfillmentPayload | None = root(
        "Say that goods have left.", fulfillment_ship, scopes=WRITE_ORDERS
    )
    fulfillment_mark_ready: FulfillmentPayload | None = root(
        "Say that goods lie ready to be collected.", fulfillment_mark_ready, scopes=WRITE_ORDERS
    )
    fulfillment_collect: FulfillmentPayload | None = root(
        "Hand goods over to whoever says the code.", fulfillment_collect, scopes=WRITE_ORDERS
    )
    fulfillment_reject: FulfillmentPayload | None = root(
        "Say that goods are not where they should be.", fulfillment_reject, scopes=WRITE_ORDERS
    )
    stock_reserve: ReservationPayload | None = root(
        "Hold units for a while: all of them, or none.", stock_reserve, scopes=WRITE_STOCK
    )
    stock_release: ReservationPayload | None = root("Let go of what is held.", stock_release, scopes=WRITE_STOCK)
    stock_adjust: StockLevelPayload | None = root(
        "Put a count right where it is kept, if it is still what the caller saw.", stock_adjust, scopes=WRITE_STOCK
    )
    stock_transfer: StockTransferPayload | None = root(
        "Send units from one location to another.", stock_transfer, scopes=WRITE_STOCK
    )
    listing_link: ListingPayload | None = root(
        "Say which variant a listing is. It stands until somebody says otherwise.", listing_link, scopes=KEEP_CATALOGUE
    )
    listing_unlink: ListingPayload | None = root(
        "Have a listing stand alone, until it is linked again.", listing_unlink, scopes=KEEP_CATALOGUE
    )
    match_review_decide: MatchReviewPayload | None = root(
        "Decide what a doubtful listing is.", match_review_decide, scopes=KEEP_CATALOGUE
    )
    channel_pause: ChannelPayload | None = root(
        "Leave a channel alone: it is not called any more, and what is known of it stays.", channel_pause, scopes=ADMIN
    )
    channel_resume: ChannelPayload | None = root("Have a paused channel go on.", channel_resume, scopes=ADMIN)
    channel_sync: ChannelPayload | None = root(
        "Have a channel read now; `Channel.sync` says how far that is.", channel_sync, scopes=ADMIN
    )
    outbox_replay: OutboxPayload | None = root(
        "Have a dead wish be tried again: its channel has been put right.", outbox_replay, scopes=ADMIN
    )
    sync_reject_replay: SyncRejectPayload | None = root(
        "Read a rejected record again: its channel, or the plugin, has been put right.",
        sync_reject_replay,
        scopes=ADMIN,
    )


def declared() -> strawberry.Schema:
    """The schema as strawberry has it."""
    show_enums()
    return strawberry.Schema(query=Query, mutation=Mutation, types=[*NODES, CacheControl], config=CONFIG)


def build() -> GraphQLSchema:
    """The schema, ready to be run."""
    return bind(declared())


def printed() -> str:
    """The schema as text: what `schema/gateway.graphql` holds."""
    return print_schema(declared()).replace(_BUILT_IN, "").rstrip() + "\n"


class SchemaTextError(Exception):
    """A text is no schema."""


def read_schema(text: str) -> GraphQLSchema:
    """The schema that a text describes, to hold documents against.

    Raises:
        SchemaTextError: it describes none.
    """
    try:
        return build_schema(text)
    except (GraphQLError, TypeError) as error:
        reason = error.message if isinstance(error, GraphQLError) else str(error)
        raise SchemaTextError(f"is no schema: {' '.join(reason.split())}") from error
