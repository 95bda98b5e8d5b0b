"""The schema: the query and mutation types and every type they reach."""

from __future__ import annotations

import strawberry
from graphql import GraphQLError, GraphQLSchema, build_schema
from strawberry.printer import print_schema

from gateway.execution.directives import CacheControl
from gateway.execution.fields import bind_resolvers
from gateway.graphql.enums import describe_enums
from gateway.graphql.mutation_type import Mutation
from gateway.graphql.query_type import Query
from gateway.graphql.scalars import CONFIG
from gateway.graphql.types.access import ApiToken, AuditEntry
from gateway.graphql.types.carts import Cart, CartLine
from gateway.graphql.types.catalog import Category, Listing, Product, ProductVariant
from gateway.graphql.types.channels import Channel
from gateway.graphql.types.customers.data_requests import DataRequest
from gateway.graphql.types.customers.decisions import CustomerMerge, CustomerReview
from gateway.graphql.types.customers.identities import CustomerIdentity
from gateway.graphql.types.customers.loyalty import LoyaltyEntry
from gateway.graphql.types.customers.profiles import Customer
from gateway.graphql.types.customers.timeline import Interaction
from gateway.graphql.types.documents import Document
from gateway.graphql.types.locations import Location
from gateway.graphql.types.operations import MatchReview, OutboxEntry, SyncReject
from gateway.graphql.types.orders import ChannelOrder, Fulfillment, Order, OrderEvent, OrderLine, Payment
from gateway.graphql.types.stock import Reservation, Stock, StockLevel

_BUILT_IN = "directive @oneOf on INPUT_OBJECT\n\n"

NODE_TYPES = (
    ApiToken,
    AuditEntry,
    Cart,
    CartLine,
    Category,
    Channel,
    ChannelOrder,
    Customer,
    CustomerIdentity,
    CustomerMerge,
    CustomerReview,
    DataRequest,
    Interaction,
    Document,
    Fulfillment,
    Listing,
    Location,
    LoyaltyEntry,
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


def declare_schema() -> strawberry.Schema:
    """Build the strawberry schema."""
    describe_enums()
    return strawberry.Schema(query=Query, mutation=Mutation, types=[*NODE_TYPES, CacheControl], config=CONFIG)


def create_schema() -> GraphQLSchema:
    """Build the executable schema."""
    return bind_resolvers(declare_schema())


def print_sdl() -> str:
    """Print the schema in SDL, as stored in `schema/gateway.graphql`."""
    return print_schema(declare_schema()).replace(_BUILT_IN, "").rstrip() + "\n"


class SchemaTextError(Exception):
    """A text is not a valid GraphQL schema."""


def parse_sdl(text: str) -> GraphQLSchema:
    """Parse a schema in SDL, to validate documents against it.

    Raises:
        SchemaTextError: The text is not a valid schema.
    """
    try:
        return build_schema(text)
    except (GraphQLError, TypeError) as error:
        reason = error.message if isinstance(error, GraphQLError) else str(error)
        raise SchemaTextError(f"is not a valid schema: {' '.join(reason.split())}") from error
