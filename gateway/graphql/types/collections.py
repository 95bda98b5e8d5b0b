"""Collections of products."""

from __future__ import annotations

from datetime import datetime
from operator import attrgetter

import strawberry

from gateway.execution.caching.cache_control import DataKind
from gateway.execution.fields import attribute, load
from gateway.execution.object_types import output
from gateway.graphql.global_ids import declare_global_id
from gateway.graphql.loaders.channels import load_channels
from gateway.graphql.loaders.collections import load_collection_contents
from gateway.graphql.queries.collection_products import load_products_of_collections
from gateway.graphql.types.catalog import Product
from gateway.graphql.types.channels import Channel
from gateway.graphql.types.content import Content
from gateway.graphql.types.facets import FacetedConnection
from gateway.graphql.types.node import Node
from gateway.graphql.types.values import Image
from gateway.model import catalog


@output(
    catalog.Collection,
    "Products that are shown together: as a channel lists them, or all that match a filter of the configuration. "
    "Collections of different channels are never matched.",
    data=DataKind.CATALOG,
)
class Collection(Node):
    id: strawberry.ID = declare_global_id("Collection", "id")
    handle: str = attribute("Human-readable identifier for URLs, unique within its channel.")
    channel: Channel | None = load(
        "The channel. Null: the collection is defined in the configuration.",
        load_channels,
        key=attrgetter("channel_key"),
    )
    kind: catalog.CollectionKind = attribute("How the products of the collection are chosen.")
    content: Content | None = load("Texts in a language.", load_collection_contents, key=lambda collection: collection)
    image: Image | None = attribute("Image of the collection. Null: there is none.")
    products: FacetedConnection[Product] | None = load(
        "The products of the collection.", load_products_of_collections, key=lambda collection: collection
    )
    updated_at: datetime = attribute("When the collection or the list of its products last changed.")
