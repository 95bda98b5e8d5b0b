"""Products, their variants, and the listings under which channels sell them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from gateway.model.money import Money


class ProductStatus(Enum):
    """Whether a product is on sale."""

    ACTIVE = "ACTIVE"
    DRAFT = "DRAFT"
    ARCHIVED = "ARCHIVED"


class ListingStatus(Enum):
    """Whether a channel offers a listing."""

    ACTIVE = "ACTIVE"
    INACTIVE = "INACTIVE"
    ARCHIVED = "ARCHIVED"


class MatchEvidence(Enum):
    """What connects a listing with the others of its variant."""

    GTIN = "GTIN"
    SKU = "SKU"
    MANUAL = "MANUAL"
    PLUGIN = "PLUGIN"


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """A picture, by its address."""

    url: str
    alt_text: str | None = None
    width: int | None = None
    height: int | None = None


@dataclass(frozen=True, slots=True)
class SelectedOption:
    """One choice of a variant: ``Color``, ``Red``."""

    name: str
    value: str


@dataclass(frozen=True, kw_only=True)
class ProductFields:
    """What a channel's product and ours have in common.

    Attributes:
        brand: the manufacturer's or own brand.
        tags: words by which the retailer groups products.
    """

    title: str
    description: str = ""
    brand: str | None = None
    tags: tuple[str, ...] = ()
    status: ProductStatus = ProductStatus.ACTIVE
    images: tuple[Image, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionValue:
    """One value of a choice that a product offers: ``Red`` of ``Color``."""

    product_id: str
    option: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductOption:
    """A choice that a product offers, and its values in the order of the variants."""

    name: str
    values: tuple[OptionValue, ...]


@dataclass(frozen=True, kw_only=True)
class Product(ProductFields):
    """One product, whatever number of channels sells it.

    Attributes:
        handle: unique, readable, for addresses.
        options: the choices of its variants, from the channel that groups it.
    """

    id: str
    handle: str
    version: int
    category_id: str | None
    options: tuple[ProductOption, ...]
    created_at: datetime
    updated_at: datetime

    @property
    def featured_image(self) -> Image | None:
        """The first image."""
        return self.images[0] if self.images else None


@dataclass(frozen=True, kw_only=True)
class VariantFields:
    """What a channel's variant and ours have in common.

    Attributes:
        sku: the retailer's own code. May be missing, and may repeat.
        gtin: 14 digits, check digit verified (`values.gtin`).
        unit_of_measure: what one unit of every quantity is: ``each``, ``g``.
    """

    sku: str | None = None
    gtin: str | None = None
    title: str
    image: Image | None = None
    selected_options: tuple[SelectedOption, ...] = ()
    unit_of_measure: str = "each"


@dataclass(frozen=True, kw_only=True)
class Variant(VariantFields):
    """One sellable thing: the same item in every channel that lists it."""

    id: str
    product_id: str
    version: int
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """A variant as one channel lists it.

    Attributes:
        external_id: the variant's id in the channel.
        generation: counts how often the channel has given this id to another thing.
        units_per_listing: a two-pack sells two units of stock.
        tracked: whether the channel counts its stock.
        inventory_item: what the channel counts stock of; variants that share one share its stock.
        price_includes_tax: whether `price` is gross.
        matched_by: None where nothing matched and the listing founded its variant.
        observed_at: when the listing was last known to be so.
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
    """A node of the tree in which products are filed; the same path of titles is the same category in every channel."""

    id: str
    handle: str
    title: str
    parent_id: str | None
