"""Products, their variants, and the listings under which channels sell them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from gateway.model.attributes.definitions import Labels, Swatch
from gateway.model.content import ProductText
from gateway.model.media import Image, Media, wrap_images
from gateway.model.money import Money

AttributeValues = tuple[tuple[str, tuple[str, ...]], ...]
"""Keys of attributes, each with its values."""


class ProductStatus(Enum):
    """Sales status of a product."""

    ACTIVE = "ACTIVE"
    DRAFT = "DRAFT"
    ARCHIVED = "ARCHIVED"


class ListingStatus(Enum):
    """Sales status of a listing."""

    ACTIVE = "ACTIVE"
    INACTIVE = "INACTIVE"
    ARCHIVED = "ARCHIVED"


class MatchEvidence(Enum):
    """Why a listing was matched with its variant."""

    GTIN = "GTIN"
    SKU = "SKU"
    MANUAL = "MANUAL"
    PLUGIN = "PLUGIN"


class ProductField(Enum):
    """A field of a product, or several, that one channel writes."""

    TEXTS = "TEXTS"
    MEDIA = "MEDIA"
    BRAND = "BRAND"
    CATEGORY = "CATEGORY"
    TAGS = "TAGS"
    ATTRIBUTES = "ATTRIBUTES"


@dataclass(frozen=True, slots=True)
class ProductFieldSource:
    """The channel that wrote a field of a product. `key`: of the attribute; None: another field."""

    field: ProductField
    key: str | None
    channel_key: str


@dataclass(frozen=True, slots=True)
class SelectedOption:
    """The value of one option that a variant has: ``Color``, ``Red``.

    Attributes:
        name, value: The same in every language.
        labels, value_labels: Display names in other languages.
        swatch: How the value looks; None: not known.
    """

    name: str
    value: str
    labels: Labels = ()
    value_labels: Labels = ()
    swatch: Swatch | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rating:
    """How customers rate a product.

    Attributes:
        average: Of 1 to 5 stars, in hundredths of a star: 450.
        count: Number of ratings, at least 1.
    """

    average: int
    count: int


@dataclass(frozen=True, kw_only=True)
class ProductFields:
    """Fields that a channel's product and the gateway's product share.

    Attributes:
        description: May be empty.
        brand: Name of the manufacturer or of the retailer's own brand; None: not known.
        tags: Labels by which the retailer groups products.
        images: The images, the main one first.
        media: Images, videos and 3D models in their order; empty: only the images.
    """

    title: str
    description: str = ""
    brand: str | None = None
    tags: tuple[str, ...] = ()
    status: ProductStatus = ProductStatus.ACTIVE
    images: tuple[Image, ...] = ()
    media: tuple[Media, ...] = ()

    @property
    def all_media(self) -> tuple[Media, ...]:
        """Images, videos and 3D models in their order."""
        return self.media or wrap_images(self.images)


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionValue:
    """A value of a product option: ``Red`` of ``Color``. `labels`: its display names in other languages."""

    product_id: str
    option: str
    name: str
    labels: Labels = ()
    swatch: Swatch | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductOption:
    """An option by which the variants of a product differ, with its values in the order of the variants. `labels`: its
    display names in other languages.
    """

    name: str
    values: tuple[OptionValue, ...]
    labels: Labels = ()


@dataclass(frozen=True, kw_only=True)
class Product(ProductFields):
    """A product, independent of the number of channels that sell it.

    Attributes:
        handle: Unique, human-readable identifier for URLs.
        version: Increases with every change.
        category_id: Row ID of the category; None: not categorized.
        options: Options of the variants, as defined by the channel that groups the product.
        attributes: Canonical values of attributes, by key.
        rating: Over all channels; None: no channel has ratings.
        field_sources: The channels that wrote the fields.
    """

    id: str
    handle: str
    version: int
    category_id: str | None
    options: tuple[ProductOption, ...]
    created_at: datetime
    updated_at: datetime
    attributes: AttributeValues = ()
    rating: Rating | None = None
    field_sources: tuple[ProductFieldSource, ...] = ()

    @property
    def featured_image(self) -> Image | None:
        """The first image; None: there is none."""
        return self.images[0] if self.images else None


@dataclass(frozen=True, kw_only=True)
class VariantFields:
    """Fields that a channel's variant and the gateway's variant share.

    Attributes:
        sku: The retailer's stock keeping unit; None: not known. Not guaranteed to be unique.
        gtin: 14 digits with a valid check digit (`validation.check_gtin`); None: not known.
        image: The main image; None: there is none.
        media: Images, videos and 3D models in their order; empty: only the image.
        unit_of_measure: Unit of all quantities: ``each``, ``g``.
    """

    sku: str | None = None
    gtin: str | None = None
    title: str
    image: Image | None = None
    media: tuple[Media, ...] = ()
    selected_options: tuple[SelectedOption, ...] = ()
    unit_of_measure: str = "each"

    @property
    def all_media(self) -> tuple[Media, ...]:
        """Images, videos and 3D models in their order."""
        return self.media or wrap_images(() if self.image is None else (self.image,))


@dataclass(frozen=True, kw_only=True)
class Variant(VariantFields):
    """A sellable item: the same item in every channel that lists it. `attributes`: canonical values, by key."""

    id: str
    product_id: str
    version: int
    updated_at: datetime
    attributes: AttributeValues = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """A variant as one channel lists it.

    Attributes:
        external_id: ID of the variant in the channel.
        generation: Number of times that the channel has reused this ID for another item.
        price, compare_at_price: For one listing; None: the channel has no such price.
        price_includes_tax: Whether `price` includes tax; None: not known.
        units_per_listing: Number of stock units that one listing contains: 2 for a two-pack.
        tracked: Whether the channel counts the stock.
        inventory_item: ID of the item that the channel counts; variants with the same item share its stock.
        matched_by: None: the listing was not matched; its variant was created from it.
        observed_at: When the gateway last confirmed this state with the channel.
    """

    id: str
    channel_key: str
    external_id: str
    generation: int
    variant_id: str
    product_id: str
    title: str
    sku: str | None
    gtin: str | None
    status: ListingStatus
    url: str | None
    price: Money | None
    compare_at_price: Money | None
    price_includes_tax: bool | None
    units_per_listing: int
    tracked: bool
    inventory_item: str
    matched_by: MatchEvidence | None
    observed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Category:
    """A category of the product tree. Equal paths of titles are one category in all channels. `path`: its key, which is
    made of them.
    """

    id: str
    handle: str
    title: str
    parent_id: str | None
    path: str = ""


class CollectionKind(Enum):
    """How the products of a collection are chosen. SMART: all that match a filter of the configuration."""

    MANUAL = "MANUAL"
    SMART = "SMART"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Collection:
    """Products that are shown together. Collections of different channels are never matched.

    Attributes:
        id: Row ID; of a collection of the configuration, its key.
        handle: Human-readable identifier for URLs, unique within its channel.
        channel_key: None: a collection of the configuration.
        texts: By locale, its own first; an empty locale is the default of the channel.
    """

    id: str
    handle: str
    channel_key: str | None
    kind: CollectionKind
    texts: tuple[ProductText, ...]
    image: Image | None
    updated_at: datetime

    @property
    def title(self) -> str:
        """The title in its own language."""
        return self.texts[0].title


class RelatedKind(Enum):
    """How products are related. COMPLEMENTARY: they are bought together."""

    SIMILAR = "SIMILAR"
    COMPLEMENTARY = "COMPLEMENTARY"
