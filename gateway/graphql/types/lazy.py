"""Types that a module refers to without importing it.

The graph of the schema has cycles (a product has stock, a stock level has its product variant; a customer has orders,
an order has its customer; a channel has locations, a location has its channels), the imports of Python modules must
not. The module that completes a cycle names the type by its path here; strawberry imports it when the schema is built.
All other references are plain imports.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, TypeAlias

import strawberry

if TYPE_CHECKING:
    from gateway.graphql.types.carts import Cart
    from gateway.graphql.types.catalog import Product, ProductVariant
    from gateway.graphql.types.collections import Collection
    from gateway.graphql.types.customers.decisions import CustomerMerge, CustomerReview
    from gateway.graphql.types.customers.identities import CustomerIdentity
    from gateway.graphql.types.customers.profiles import Customer
    from gateway.graphql.types.customers.timeline import Interaction
    from gateway.graphql.types.locations import Location
    from gateway.graphql.types.orders import Order

LazyCart: TypeAlias = Annotated["Cart", strawberry.lazy("gateway.graphql.types.carts")]
LazyCollection: TypeAlias = Annotated["Collection", strawberry.lazy("gateway.graphql.types.collections")]
LazyCustomer: TypeAlias = Annotated["Customer", strawberry.lazy("gateway.graphql.types.customers.profiles")]
LazyCustomerIdentity: TypeAlias = Annotated[
    "CustomerIdentity", strawberry.lazy("gateway.graphql.types.customers.identities")
]
LazyCustomerMerge: TypeAlias = Annotated["CustomerMerge", strawberry.lazy("gateway.graphql.types.customers.decisions")]
LazyCustomerReview: TypeAlias = Annotated[
    "CustomerReview", strawberry.lazy("gateway.graphql.types.customers.decisions")
]
LazyInteraction: TypeAlias = Annotated["Interaction", strawberry.lazy("gateway.graphql.types.customers.timeline")]
LazyLocation: TypeAlias = Annotated["Location", strawberry.lazy("gateway.graphql.types.locations")]
LazyOrder: TypeAlias = Annotated["Order", strawberry.lazy("gateway.graphql.types.orders")]
LazyProduct: TypeAlias = Annotated["Product", strawberry.lazy("gateway.graphql.types.catalog")]
LazyProductVariant: TypeAlias = Annotated["ProductVariant", strawberry.lazy("gateway.graphql.types.catalog")]
