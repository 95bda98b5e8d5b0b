"""The catalog: products, variants, listings and categories."""

from __future__ import annotations

from datetime import datetime
from operator import attrgetter

import strawberry

from gateway.execution.caching.cache_control import DataKind
from gateway.execution.fields import LeanBatch, attribute, compute, load
from gateway.execution.object_types import output
from gateway.graphql.global_ids import declare_global_id
from gateway.graphql.loaders.attributes import load_attributes, load_referenced_products
from gateway.graphql.loaders.catalog import (
    PARTIAL_PRODUCT,
    PARTIAL_VARIANT,
    load_ancestors,
    load_categories,
    load_channels_by_product,
    load_compare_at_prices,
    load_field_sources,
    load_listings_by_variant,
    load_price_ranges,
    load_prices,
    load_products,
    load_pushes_by_listing,
    load_subcategories,
    load_tax_inclusion,
    load_variants,
    load_variants_by_product,
)
from gateway.graphql.loaders.channels import load_channels
from gateway.graphql.loaders.collections import load_collections_by_product
from gateway.graphql.loaders.content import load_category_contents, load_contents
from gateway.graphql.loaders.offers import load_offers_by_product, load_offers_by_variant
from gateway.graphql.loaders.options import load_option_labels, load_option_swatches, load_option_value_labels
from gateway.graphql.loaders.related import load_related_products
from gateway.graphql.loaders.reviews import load_reviewed_variants, load_reviews_by_product
from gateway.graphql.loaders.stock import (
    load_available_for_sale,
    load_stock_sums_by_variant,
    load_stocks_by_variant,
    load_store_availability,
)
from gateway.graphql.loaders.variant_selection import (
    load_adjacent_variants,
    load_first_available_variants,
    load_selected_or_first_variants,
)
from gateway.graphql.scalars import Locale
from gateway.graphql.scopes import CATALOG_ADMIN
from gateway.graphql.types.attributes import Attribute, Swatch
from gateway.graphql.types.channels import Channel, ChannelFault
from gateway.graphql.types.connections import Connection, UncountedNearConnection
from gateway.graphql.types.content import Content
from gateway.graphql.types.lazy import LazyCollection
from gateway.graphql.types.node import Node
from gateway.graphql.types.offers import Offer, ProductOffer
from gateway.graphql.types.stock import Stock, StoreAvailability
from gateway.graphql.types.values import Image, Media, Money, MoneyRange
from gateway.model import catalog, reviews
from gateway.model.channels import PushState, Resource
from gateway.storage.writes import pushes

_ID = attrgetter("id")

RELATED_COST = 30
"""Cost of the products that are related to one: others are compared with it, and their stock is checked."""


@output(
    catalog.SelectedOption, "The value of one option that a variant has, such as `Color`: `Red`.", data=DataKind.PART
)
class SelectedOption:
    name: str = attribute("Name of the option, such as `Color`: the same in every language.")
    label: str = load(
        "Display name of the option.", load_option_labels, key=lambda option: (option.name, option.labels)
    )
    value: str = attribute("Value of the option, such as `Red`: the same in every language.")
    value_label: str = load(
        "Display name of the value.",
        load_option_value_labels,
        key=lambda option: (option.name, option.value, option.value_labels),
    )


@output(catalog.OptionValue, "A value of a product option.", data=DataKind.CATALOG)
class ProductOptionValue:
    name: str = attribute("The value, such as `Red`: the same in every language.")
    label: str = load(
        "Display name.", load_option_value_labels, key=lambda value: (value.option, value.name, value.labels)
    )
    swatch: Swatch | None = load(
        "How the value looks. Null: there is none.",
        load_option_swatches,
        key=lambda value: (value.option, value.name, value.swatch),
    )
    image: Image | None = compute(
        "Image of the value. Currently always null: channels provide images of products and variants only.",
        lambda _parent: None,
    )
    first_available_variant: ProductVariant | None = load(
        "The first variant with this value that the channel can sell now. Null: there is none.",
        load_first_available_variants,
        key=lambda value: value,
        data=DataKind.STOCK,
    )


@output(catalog.ProductOption, "An option by which the variants of a product differ.", data=DataKind.PART)
class ProductOption:
    name: str = attribute("Name of the option, such as `Color`: the same in every language.")
    label: str = load("Display name.", load_option_labels, key=lambda option: (option.name, option.labels))
    option_values: list[ProductOptionValue] = attribute(
        "The values of the option, in the order of the variants.", path="values", size=100
    )


@output(catalog.Category, "A category of the product tree.", data=DataKind.CATALOG)
class Category(Node):
    id: strawberry.ID = declare_global_id("Category", "id")
    handle: str = attribute("Unique, human-readable identifier for URLs.")
    title: str = attribute("Display name.")
    content: Content | None = load(
        "Texts by language, as the configuration has them; without any, the title.",
        load_category_contents,
        key=lambda category: (category.path, category.title),
    )
    image: Image | None = compute(
        "Image of the category. Currently always null: channels provide images of products and variants only.",
        lambda _parent: None,
    )
    parent: Category | None = load(
        "The parent category. Null: a root category.", load_categories, key=attrgetter("parent_id")
    )
    ancestors: list[Category] | None = load(
        "All categories above this one, starting at the root, for breadcrumbs.", load_ancestors, key=_ID, size=10
    )
    children: Connection[Category] | None = load("The direct subcategories.", load_subcategories, key=_ID)


@output(
    pushes.ListingPush,
    "State of what the gateway publishes to a channel about a listing whose stock is counted by another channel.",
)
class ListingPush:
    resource: Resource = attribute("What is published.")
    state: PushState = attribute("Progress of the update.")
    wanted_quantity: int | None = attribute(
        "The quantity that the channel should offer, in listings. Null: "
        "the stock is not known, so the channel keeps its quantity."
    )
    published_quantity: int | None = attribute(
        "The quantity that the channel offers, in listings. Null: the channel does not report it."
    )
    wanted_price: Money | None = compute(
        "The price that the channel should charge. Currently always null: the gateway does not push prices yet.",
        lambda push: None,
    )
    published_price: Money | None = compute(
        "The price that the channel charges. Currently always null: the gateway does not push prices yet.",
        lambda push: None,
    )
    queued_at: datetime | None = attribute("When an update was last queued. Null: never.")
    accepted_at: datetime | None = attribute("When the channel last accepted an update. Null: never.")
    fault: ChannelFault | None = attribute("The last failure. Null: the last update succeeded.")


def get_average(rating: catalog.Rating) -> float:
    return rating.average / 100


@output(catalog.Rating, "How customers rate a product.", data=DataKind.PART)
class Rating:
    average: float = compute("Average number of stars, 1 to 5, over all channels that have ratings.", get_average)
    count: int = attribute("Number of ratings.")


@output(catalog.ProductFieldSource, "The channel that wrote a field of a product.", data=DataKind.PART)
class ProductFieldSource:
    field: catalog.ProductField = attribute("The field.")
    key: str | None = attribute("Key of the attribute. Null: the field is not an attribute.")
    channel: Channel | None = load("The channel.", load_channels, key=attrgetter("channel_key"))


@output(
    reviews.Review, "A review of a product, as the channel publishes it. Texts are plain text.", data=DataKind.CATALOG
)
class Review(Node):
    id: strawberry.ID = declare_global_id("Review", "id")
    product: Product | None = load("The product.", load_referenced_products, key=attrgetter("product"))
    variant: ProductVariant | None = load(
        "The variant. Null: not known, or gone.", load_reviewed_variants, key=attrgetter("variant"), rendered=False
    )
    channel: Channel | None = load("The channel.", load_channels, key=attrgetter("channel_key"))
    rating: int = attribute("Number of stars, 1 to 5.")
    title: str | None = attribute("Heading. Null: there is none.")
    body: str | None = attribute("What the customer wrote. Null: nothing.")
    author: str | None = attribute("Name that the channel publishes. Null: it publishes none.")
    verified_purchase: bool = attribute("Whether the channel knows that the author has bought the product.")
    locale: Locale | None = attribute("Language of the texts. Null: not known.")
    reply: str | None = attribute("Reply of the shop. Null: there is none.")
    written_at: datetime = attribute("When it was written, or published.")


@output(
    catalog.Product,
    "A product, independent of the number of channels that sell it. Customers buy its variants.",
    data=DataKind.CATALOG,
    stocked=True,
    rendered=True,
)
class Product(Node):
    id: strawberry.ID = declare_global_id("Product", "id")
    handle: str = attribute("Unique, human-readable identifier for URLs.")
    title: str = attribute("Display name.")
    description: str = attribute("Description from the preferred channel. May be empty.")
    content: Content | None = load(
        "Texts by language, as the channel `channelKey` words them; without `channelKey` as the preferred channel that "
        "has the language. Null: the channel does not list the product.",
        load_contents,
        key=_ID,
    )
    brand: str | None = attribute("Brand name. Null: not known.")
    category: Category | None = load(
        "The category. Null: not categorized.", load_categories, key=attrgetter("category_id")
    )
    tags: list[str] = attribute("Labels by which the retailer groups products.", size=50)
    status: catalog.ProductStatus = attribute("Whether the product is for sale.")
    featured_image: Image | None = attribute("The main image. Null: there is none.")
    images: list[Image] = attribute("All images.", size=50)
    media: list[Media] = attribute("Images, videos and 3D models in their order.", path="all_media", size=50)
    attributes: list[Attribute] | None = load(
        "Attributes that the configuration declares.", load_attributes, key=attrgetter("attributes"), size=50
    )
    options: list[ProductOption] = attribute("The options by which the variants differ.", size=5)
    variants: Connection[ProductVariant] | None = load(
        "The variants of the product.", load_variants_by_product, key=_ID, partial=PARTIAL_VARIANT
    )
    selected_or_first_available_variant: ProductVariant | None = load(
        "The variant to show on a product page: the variant with all `selectedOptions`, preferably one that the "
        "channel can sell now. If none matches, the first variant that it can sell now, or else the first variant.",
        load_selected_or_first_variants,
        key=_ID,
        data=DataKind.STOCK,
    )
    adjacent_variants: list[ProductVariant] | None = load(
        "The variants that differ from `selectedOrFirstAvailableVariant` in exactly one option, for option pickers.",
        load_adjacent_variants,
        key=_ID,
        size=20,
        data=DataKind.STOCK,
    )
    price_range: MoneyRange | None = load(
        "The lowest and the highest price. Null: currencies differ and no `channelKey` is given, or there are "
        "no prices.",
        load_price_ranges,
        key=_ID,
    )
    offer: ProductOffer | None = load(
        "The product in the channel `channelKey`, by default the caller's default channel: prices, reductions and "
        "availability.",
        load_offers_by_product,
        key=_ID,
    )
    available_for_sale: bool | None = load(
        "Whether the channel offers a variant that is in stock or whose stock is not tracked.",
        load_available_for_sale,
        key=_ID,
        data=DataKind.STOCK,
    )
    channels: list[Channel] | None = load(
        "The channels that list the product.", load_channels_by_product, key=_ID, size=20
    )
    collections: Connection[LazyCollection] | None = load(
        "The collections of channels that contain the product. Those of the configuration are not among them.",
        load_collections_by_product,
        key=_ID,
        rendered=False,
    )
    related: list[Product] | None = load(
        "Related products that the channel can sell now, at most 12, the best first.",
        load_related_products,
        key=lambda product: product.id,  # their stock counts, and not that of the product
        size=12,
        cost=RELATED_COST,
        data=DataKind.STOCK,
        rendered=False,
    )
    rating: Rating | None = attribute("How customers rate the product. Null: no channel has ratings of it.")
    reviews: Connection[Review] | None = load(
        "Reviews of the product, in the channel `channelKey` or in all channels. Empty: no channel has reviews of it.",
        load_reviews_by_product,
        key=_ID,
    )
    field_sources: list[ProductFieldSource] | None = load(
        "The channels that wrote the fields of the product. Fields without a value are left out.",
        load_field_sources,
        key=attrgetter("field_sources"),
        scopes=CATALOG_ADMIN,
        size=20,
    )
    created_at: datetime = attribute("When the product was created in the gateway.")
    updated_at: datetime = attribute("When the product last changed.")


@output(
    catalog.Variant,
    "A sellable item: the same item in every channel that lists it.",
    data=DataKind.CATALOG,
    stocked=True,
)
class ProductVariant(Node):
    id: strawberry.ID = declare_global_id("ProductVariant", "id")
    product: Product | None = load(
        "The product that the variant belongs to.",
        load_products,
        key=attrgetter("product_id"),
        partial=PARTIAL_PRODUCT,
    )
    sku: str | None = attribute("The retailer's stock keeping unit. May be null and is not guaranteed to be unique.")
    gtin: str | None = attribute("The GTIN (barcode number), padded to 14 digits. Null: not known.")
    title: str = attribute("Display name.")
    image: Image | None = attribute("Image of the variant. Null: there is none.")
    media: list[Media] = attribute(
        "Images, videos and 3D models of the variant in their order.", path="all_media", size=20
    )
    selected_options: list[SelectedOption] = attribute("The option values of this variant.", size=5)
    attributes: list[Attribute] | None = load(
        "Attributes of the variant itself that the configuration declares.",
        load_attributes,
        key=attrgetter("attributes"),
        size=50,
    )
    unit_of_measure: str = attribute("The unit of all quantities of the variant, such as `each` or `g`.")
    offer: Offer | None = load(
        "The variant in the channel `channelKey`, by default the caller's default channel: price, reduction, stock.",
        load_offers_by_variant,
        key=_ID,
    )
    price: Money | None = load(
        "The price of the channel `channelKey`; without `channelKey` the price that the price policy selects. "
        "Null: there is none.",
        load_prices,
        key=_ID,
    )
    compare_at_price: Money | None = load(
        "The price before a reduction. Null: not reduced.", load_compare_at_prices, key=_ID
    )
    price_includes_tax: bool | None = load(
        "Whether `price` includes tax. Null: not known.", load_tax_inclusion, key=_ID
    )
    stock: Stock | None = load(
        "Stock that one channel can sell: the channel `channelKey`, by default the caller's default channel.",
        load_stocks_by_variant,
        key=_ID,
        lean=LeanBatch(load_stock_sums_by_variant, frozenset(("id", "status", "available"))),
    )
    store_availability: UncountedNearConnection[StoreAvailability] | None = load(
        "Availability in stores, of any channel. Stores whose point of sale does not list the variant are omitted.",
        load_store_availability,
        key=_ID,
    )
    listings: list[Listing] | None = load(
        "The listings of the variant, by channel.", load_listings_by_variant, key=_ID, size=20
    )
    updated_at: datetime = attribute("When the variant last changed.")


@output(catalog.Listing, "A variant as one channel lists it.", data=DataKind.CATALOG)
class Listing(Node):
    id: strawberry.ID = declare_global_id("Listing", "id")
    channel: Channel | None = load("The channel.", load_channels, key=attrgetter("channel_key"))
    variant: ProductVariant | None = load(
        "The variant.", load_variants, key=attrgetter("variant_id"), partial=PARTIAL_VARIANT
    )
    url: str | None = attribute("URL of the product page. Null: the channel has none.")
    title: str = attribute("Title in the channel.")
    status: catalog.ListingStatus = attribute("Whether the channel offers the listing.")
    price: Money | None = attribute("The channel's price of one listing. Null: the channel has no price.")
    compare_at_price: Money | None = attribute("The channel's price before a reduction. Null: not reduced.")
    price_includes_tax: bool | None = attribute("Whether `price` includes tax. Null: not known.")
    units_per_listing: int = attribute("Number of stock units that one listing contains, such as 2 for a two-pack.")
    observed_at: datetime = attribute("When the gateway last confirmed this state with the channel.", volatile=True)
    external_id: str | None = attribute("ID of the listing in the channel.", scopes=CATALOG_ADMIN)
    matched_by: catalog.MatchEvidence | None = attribute(
        "Why the listing was matched with the variant. Null: it has not been matched; the variant was created from it.",
        scopes=CATALOG_ADMIN,
    )
    pushes: list[ListingPush] | None = load(
        "State of the stock that is published to the channel. Empty where the channel counts its own stock.",
        load_pushes_by_listing,
        key=_ID,
        scopes=CATALOG_ADMIN,
        size=2,
    )
