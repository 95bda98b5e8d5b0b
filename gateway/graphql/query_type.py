"""The query type: every root field that reads."""

from __future__ import annotations

import strawberry

from gateway.execution.caching.cache_control import DataKind
from gateway.execution.fields import root
from gateway.graphql.queries.access import resolve_api_tokens, resolve_audit_entries, resolve_documents
from gateway.graphql.queries.attributes import resolve_attribute_definitions
from gateway.graphql.queries.carts import resolve_cart, resolve_fulfillment_options, resolve_order_preview
from gateway.graphql.queries.catalog import (
    can_store_ranking,
    resolve_categories,
    resolve_category,
    resolve_listings,
    resolve_product,
    resolve_product_variants,
    resolve_products,
)
from gateway.graphql.queries.changes import resolve_changes
from gateway.graphql.queries.channels import resolve_channel, resolve_channels, resolve_sync_rejects
from gateway.graphql.queries.collections import resolve_collection, resolve_collections
from gateway.graphql.queries.customer_reviews import resolve_customer_merge_preview, resolve_customer_reviews
from gateway.graphql.queries.customers import resolve_customer, resolve_customers, resolve_me, resolve_segments
from gateway.graphql.queries.data_requests import resolve_data_requests
from gateway.graphql.queries.locations import resolve_location, resolve_locations
from gateway.graphql.queries.nodes import resolve_node, resolve_nodes, resolve_viewer
from gateway.graphql.queries.operations import resolve_match_reviews, resolve_outbox_entries
from gateway.graphql.queries.orders import resolve_fulfillments, resolve_order, resolve_orders
from gateway.graphql.queries.stock import can_ask_channels, resolve_stock_levels, resolve_stocks
from gateway.graphql.queries.suggestions import resolve_search_suggestions
from gateway.graphql.scopes import (
    AUDIT_READ,
    CATALOG_ADMIN,
    CHANNELS_ADMIN,
    CUSTOMERS_ADMIN,
    CUSTOMERS_ERASE,
    CUSTOMERS_READ,
    DOCUMENTS_ADMIN,
    ORDERS_READ,
    STOCK_READ,
    TOKENS_ADMIN,
)
from gateway.graphql.types.access import ApiToken, AuditEntry
from gateway.graphql.types.attributes import AttributeDefinition
from gateway.graphql.types.carts import Cart, FulfillmentOption
from gateway.graphql.types.catalog import Category, Listing, Product, ProductVariant
from gateway.graphql.types.changes import Change
from gateway.graphql.types.channels import Channel, SourcedConnection
from gateway.graphql.types.collections import Collection
from gateway.graphql.types.connections import Connection, NearConnection, UncountedConnection
from gateway.graphql.types.customers.data_requests import DataRequest
from gateway.graphql.types.customers.decisions import CustomerMergePreview, CustomerReview
from gateway.graphql.types.customers.profiles import Customer
from gateway.graphql.types.customers.segments import Segment
from gateway.graphql.types.documents import Document
from gateway.graphql.types.facets import FacetedConnection
from gateway.graphql.types.locations import Location
from gateway.graphql.types.node import Node
from gateway.graphql.types.operations import MatchReview, OutboxEntry, SyncReject, Viewer
from gateway.graphql.types.orders import Fulfillment, Order
from gateway.graphql.types.preview import OrderPreview
from gateway.graphql.types.stock import Stock, StockLevel
from gateway.graphql.types.suggestions import SearchSuggestions


@strawberry.type(
    description="Entry point of all queries. A field that fails is null and adds an error; the other fields "
    "are not affected."
)
class Query:
    __data__ = DataKind.PART

    node: Node | None = root(
        "Returns the object with a global ID. After a merge, returns the surviving object.", resolve_node, cost=5
    )
    nodes: list[Node | None] | None = root(
        "Returns the objects with several global IDs, in the order of the IDs.", resolve_nodes
    )
    viewer: Viewer | None = root("Returns the authenticated caller.", resolve_viewer)
    channels: list[Channel] | None = root(
        "Lists the sales channels in the order of the configuration.", resolve_channels, size=20
    )
    channel: Channel | None = root(
        "Returns a channel. Null: there is no channel with this key, or the caller cannot see it.",
        resolve_channel,
        cost=2,
    )
    location: Location | None = root(
        "Returns a location. Null: there is no location with this key, or the caller cannot see it.",
        resolve_location,
        cost=2,
    )
    locations: NearConnection[Location] | None = root("Lists the locations that hold stock.", resolve_locations)
    categories: Connection[Category] | None = root(
        "Lists the categories of one level of the category tree.", resolve_categories
    )
    category: Category | None = root(
        "Returns a category. Null: there is none with this handle, or the caller cannot see it.",
        resolve_category,
        cost=2,
    )
    products: FacetedConnection[Product] | None = root(
        "Lists the products of all channels. Without the scope `catalogue:admin`, only ACTIVE products.",
        resolve_products,
        does_more=can_store_ranking,
    )
    product: Product | None = root("Returns a product.", resolve_product, cost=5)
    collection: Collection | None = root(
        "Returns a collection by its handle: that of the channel, else of the configuration.",
        resolve_collection,
        cost=2,
    )
    collections: Connection[Collection] | None = root(
        "Lists collections by title: those of channels, and those of the configuration.", resolve_collections
    )
    search_suggestions: SearchSuggestions | None = root(
        "Suggests queries, products and categories while a search text is typed: words of the catalog, never what "
        "other clients searched for. With fewer than 2 letters, the lists are empty.",
        resolve_search_suggestions,
        cost=10,
    )
    attribute_definitions: list[AttributeDefinition] | None = root(
        "Lists the attributes that the configuration declares, in its order.",
        resolve_attribute_definitions,
        size=100,
    )
    product_variants: Connection[ProductVariant] | None = root(
        "Lists product variants, most recently changed first; use it to find variants by SKU or GTIN.",
        resolve_product_variants,
    )
    stocks: list[Stock | None] | None = root(
        "Returns current stock. The only live read: channels whose data is older than `maxAgeSeconds` are "
        "called once each, with a deadline. If a channel fails, the result contains its last known state, and "
        "`Stock.sources` reports it.",
        resolve_stocks,
        cost=50,
        does_more=can_ask_channels,
    )
    stock_levels: Connection[StockLevel] | None = root(
        "Lists the stock levels of one location.", resolve_stock_levels, scopes=STOCK_READ, cost=200
    )
    customers: SourcedConnection[Customer] | None = root(
        "Lists the customers of all channels.", resolve_customers, scopes=CUSTOMERS_READ
    )
    customer: Customer | None = root("Returns a customer.", resolve_customer, cost=5)
    me: Customer | None = root(
        "Returns the customer who has logged in. Null: the caller is no customer with a login.", resolve_me, cost=5
    )
    segments: list[Segment] | None = root(
        "Lists the segments of the configuration.", resolve_segments, scopes=CUSTOMERS_READ, size=50
    )
    customer_reviews: Connection[CustomerReview] | None = root(
        "Lists customers that may be the same, and wait for a decision by a person, longest waiting first.",
        resolve_customer_reviews,
        scopes=CUSTOMERS_READ,
    )
    customer_merge_preview: CustomerMergePreview | None = root(
        "Returns what a merge of customers would result in, without writing anything. Null: one does not exist.",
        resolve_customer_merge_preview,
        scopes=CUSTOMERS_ADMIN,
        cost=20,
    )
    data_requests: Connection[DataRequest] | None = root(
        "Lists requests for exports and erases, newest first.", resolve_data_requests, scopes=CUSTOMERS_ERASE
    )
    orders: SourcedConnection[Order] | None = root(
        "Lists the orders of all channels, including receipts of points of sale.",
        resolve_orders,
        scopes=ORDERS_READ,
        cost=30,
    )
    order: Order | None = root("Returns an order.", resolve_order, cost=5)
    fulfillments: Connection[Fulfillment] | None = root(
        "Lists the goods that a location must prepare, ship or hand over, longest waiting first.",
        resolve_fulfillments,
        scopes=ORDERS_READ,
    )
    cart: Cart | None = root("Returns the cart with a token.", resolve_cart, cost=20)
    fulfillment_options: list[FulfillmentOption] | None = root(
        "Lists the ways to fulfill the whole cart, best first. Each can be ordered by its token until it "
        "expires. Options do not reserve stock.",
        resolve_fulfillment_options,
        size=20,
        cost=20,
    )
    order_preview: OrderPreview | None = root(
        "Returns what placing an order would write to each channel, without writing anything.",
        resolve_order_preview,
        cost=200,
    )
    sync_rejects: Connection[SyncReject] | None = root(
        "Lists rejected records of channels, most recent first.", resolve_sync_rejects, scopes=CHANNELS_ADMIN, cost=600
    )
    listings: Connection[Listing] | None = root(
        "Lists the listings of the channels, most recent first.", resolve_listings, scopes=CATALOG_ADMIN, cost=600
    )
    changes: UncountedConnection[Change] | None = root(
        "Lists changed objects since a cursor, including deletions and merges, for clients that maintain a "
        "local copy. If the cursor is too old, the error CURSOR_EXPIRED asks the client to read everything "
        "again.",
        resolve_changes,
        data=DataKind.PRIVATE,
    )
    outbox_entries: Connection[OutboxEntry] | None = root(
        "Lists commands for channels that are queued, in progress or failed, most recent first.",
        resolve_outbox_entries,
        scopes=CHANNELS_ADMIN,
    )
    match_reviews: Connection[MatchReview] | None = root(
        "Lists listings that wait for a matching decision, longest waiting first.",
        resolve_match_reviews,
        scopes=CATALOG_ADMIN,
        cost=250,
    )
    audit_entries: UncountedConnection[AuditEntry] | None = root(
        "Lists attempts to change something, applied or refused, the latest first.",
        resolve_audit_entries,
        scopes=AUDIT_READ,
    )
    documents: Connection[Document] | None = root(
        "Lists the persisted documents of released apps.", resolve_documents, scopes=DOCUMENTS_ADMIN
    )
    api_tokens: Connection[ApiToken] | None = root(
        "Lists the tokens that were created through the API, the newest first. Tokens of the configuration are not "
        "among them.",
        resolve_api_tokens,
        scopes=TOKENS_ADMIN,
    )
