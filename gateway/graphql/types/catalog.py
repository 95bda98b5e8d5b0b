"""The catalogue: products, variants, listings, categories."""

from __future__ import annotations

from datetime import datetime
from operator import attrgetter

import strawberry

from gateway.execution.fields import attribute, load, pure
from gateway.execution.keeping import Data
from gateway.execution.types import output
from gateway.graphql.ids import global_id
from gateway.graphql.loads import catalog as loads
from gateway.graphql.loads import channels, choosing
from gateway.graphql.loads import stock as stock_loads
from gateway.graphql.types.channels import Channel, ChannelFault
from gateway.graphql.types.connections import Connection, UncountedNear
from gateway.graphql.types.node import Node
from gateway.graphql.types.stock import Stock, StoreAvailability
from gateway.graphql.types.values import Image, Money, MoneyRange
from gateway.model import catalog as model
from gateway.model.channels import Resource
from gateway.storage import pushes as stored_pushes

ADMIN = [["catalogue:admin"]]
_ID = attrgetter("id")


def _itself(value: model.OptionValue) -> model.OptionValue:
    """Each value is looked up by all that it is."""
    return value


def _no_image(_parent: object) -> None:
    """Channels tell pictures of products and variants only."""


@output(model.SelectedOption, "One choice of a variant: `Color`, `Red`.", data=Data.PART)
class SelectedOption:
    name: str = attribute("What is chosen: `Color`.")
    value: str = attribute("The choice: `Red`.")


@output(model.OptionValue, "One value of an option.", data=Data.CATALOG)
class ProductOptionValue:
    name: str = attribute("The value: `Red`.")
    image: Image | None = pure("A picture of the value, where there is one.", _no_image)
    first_available_variant: ProductVariant | None = load(
        "The first variant with this value that the channel can sell now. Null: there is none.",
        choosing.first_available,
        key=_itself,
        data=Data.STOCK,
    )


@output(model.ProductOption, "A choice that a product offers.", data=Data.PART)
class ProductOption:
    name: str = attribute("What is chosen: `Color`.")
    option_values: list[ProductOptionValue] = attribute(
        "What there is to choose from, in the order of the variants.", of="values", size=100
    )


@output(model.Category, "A node of the tree in which products are filed.", data=Data.CATALOG)
class Category(Node):
    id: strawberry.ID = global_id("Category", "id")
    handle: str = attribute("Unique and readable, for addresses.")
    title: str = attribute("Its name for people.")
    image: Image | None = pure("A picture, where there is one.", _no_image)
    parent: Category | None = load(
        "The category above. Null: it is a root.", loads.categories, key=attrgetter("parent_id")
    )
    ancestors: list[Category] | None = load(
        "All categories above it, the root first: breadcrumbs.", loads.ancestors, key=_ID, size=10
    )
    children: Connection[Category] | None = load("The categories right below.", loads.children, key=_ID)


@output(stored_pushes.ListingPush, "What a channel is to offer of a listing in a place that another one counts.")
class ListingPush:
    resource: Resource = attribute("Of what.")
    state: stored_pushes.PushState = attribute("Where it stands.")
    wanted_quantity: int | None = attribute("What it is to offer, in listings. Null: not known, so it is left alone.")
    published_quantity: int | None = attribute("What it shows, in listings. Null: it does not say.")
    wanted_price: Money | None = pure("What it is to charge: prices are not sent yet.", lambda push: None)
    published_price: Money | None = pure("What it charges: prices are not sent yet.", lambda push: None)
    queued_at: datetime | None = attribute("When it was last to be told.")
    accepted_at: datetime | None = attribute("When it last took what it was told.")
    fault: ChannelFault | None = attribute("What went wrong last.")


@output(
    model.Product,
    "A product, whatever number of channels sells it. What can be bought are its variants.",
    data=Data.CATALOG,
)
class Product(Node):
    id: strawberry.ID = global_id("Product", "id")
    handle: str = attribute("Unique and readable, for addresses.")
    title: str = attribute("Its name for people.")
    description: str = attribute("Its description, as the preferred channel has it. May be empty.")
    brand: str | None = attribute("The brand.")
    category: Category | None = load("Where it is filed.", loads.categories, key=attrgetter("category_id"))
    tags: list[str] = attribute("Words by which the retailer groups products.", size=50)
    status: model.ProductStatus = attribute("Whether it is on sale.")
    featured_image: Image | None = attribute("The picture that stands for it.")
    images: list[Image] = attribute("All its pictures.", size=50)
    options: list[ProductOption] = attribute("The choices that its variants differ in.", size=5)
    variants: Connection[ProductVariant] | None = load("What can be bought.", loads.variants_of_products, key=_ID)
    selected_or_first_available_variant: ProductVariant | None = load(
        "What a product page shows: the variant with all that was chosen, of several the first that the channel can "
        "sell now; if none fits, the first that it can sell; else the first.",
        choosing.selected_or_first,
        key=_ID,
        data=Data.STOCK,
    )
    adjacent_variants: list[ProductVariant] | None = load(
        "The variants that differ from that one in a single option: where a click leads.",
        choosing.adjacent,
        key=_ID,
        size=20,
        data=Data.STOCK,
    )
    price_range: MoneyRange | None = load(
        "From its lowest to its highest price. Null where currencies differ and no channel is named.",
        loads.price_ranges,
        key=_ID,
    )
    available_for_sale: bool | None = load(
        "Whether the channel offers a variant of it that can be promised now, or that nobody counts.",
        stock_loads.sellable_products,
        key=_ID,
        data=Data.STOCK,
    )
    channels: list[Channel] | None = load("The channels that list it.", loads.channels_of_products, key=_ID, size=20)
    created_at: datetime = attribute("When it came into being.")
    updated_at: datetime = attribute("When it last changed.")


@output(model.Variant, "One thing that can be bought: the same item in every channel that lists it.", data=Data.CATALOG)
class ProductVariant(Node):
    id: strawberry.ID = global_id("ProductVariant", "id")
    product: Product | None = load("The product that it is a variant of.", loads.products, key=attrgetter("product_id"))
    sku: str | None = attribute("The retailer's own code. May be missing, and may repeat.")
    gtin: str | None = attribute("The number behind its barcode, as 14 digits.")
    title: str = attribute("Its name for people.")
    image: Image | None = attribute("Its picture.")
    selected_options: list[SelectedOption] = attribute("What it is among the product's choices.", size=5)
    unit_of_measure: str = attribute("What one unit of every quantity is: `each`, `g`.")
    price: Money | None = load(
        "What it costs: by the price policy, or with `channelKey` what that channel charges.", loads.prices, key=_ID
    )
    compare_at_price: Money | None = load("The price before a reduction.", loads.compare_at_prices, key=_ID)
    price_includes_tax: bool | None = load("Whether `price` includes tax.", loads.prices_include_tax, key=_ID)
    stock: Stock | None = load(
        "How much there is, as one channel may sell it: the caller's default channel, unless one is named.",
        stock_loads.stocks_of_variants,
        key=_ID,
    )
    store_availability: UncountedNear[StoreAvailability] | None = load(
        "What the shops have, whichever channel they belong to. Shops whose till does not know it are left out.",
        stock_loads.store_availability,
        key=_ID,
    )
    listings: list[Listing] | None = load(
        "The same item as each channel lists it.", loads.listings_of_variants, key=_ID, size=20
    )
    updated_at: datetime = attribute("When it last changed.")


@output(model.Listing, "A variant as one channel lists it.", data=Data.CATALOG)
class Listing(Node):
    id: strawberry.ID = global_id("Listing", "id")
    channel: Channel | None = load("Which channel.", channels.channels, key=attrgetter("channel_key"))
    variant: ProductVariant | None = load("What it lists.", loads.variants, key=attrgetter("variant_id"))
    url: str | None = attribute("Where shoppers find it.")
    title: str = attribute("What the channel calls it.")
    status: model.ListingStatus = attribute("Whether the channel offers it.")
    price: Money | None = attribute("What the channel charges for one listing.")
    compare_at_price: Money | None = attribute("The channel's price before a reduction.")
    units_per_listing: int = attribute("How many units of stock one listing sells: 2 for a two-pack.")
    observed_at: datetime = attribute("When this was last known to be so.")
    external_id: str | None = attribute("The variant's id in the channel.", scopes=ADMIN)
    matched_by: model.MatchEvidence | None = attribute(
        "What connects it with the variant's other listings.", scopes=ADMIN
    )
    pushes: list[ListingPush] | None = load(
        "What the channel is to offer of it in places that others count.",
        loads.pushes_of_listings,
        key=_ID,
        scopes=ADMIN,
        size=2,
    )
