"""The public API for channel plugins. Test helpers are in `gateway.sdk.testing`."""

from typing import TYPE_CHECKING

from gateway.model.attributes.definitions import Swatch
from gateway.model.catalog import ListingStatus, ProductStatus, Rating, SelectedOption
from gateway.model.channels import ChannelKind
from gateway.model.content import ProductText
from gateway.model.customers.consents import ConsentPurpose
from gateway.model.customers.profiles import ContactPoint
from gateway.model.locations import Address
from gateway.model.measures import Measure, parse_measure
from gateway.model.media import Image, ImageCrop, ImageFormat, ImageSize, Media, MediaKind, MediaSource
from gateway.model.money import Money, Rounding
from gateway.model.offers import CurrencyPrice
from gateway.model.orders import (
    OrderCharge,
    OrderChargeKind,
    OrderContact,
    OrderFulfillmentStatus,
    OrderReturnStatus,
    OrderStatus,
    PaymentStatus,
    TaxLine,
)
from gateway.model.stock import MovementReason
from gateway.model.validation import InvalidValueError, parse_gtin, parse_pieces
from gateway.sdk._deprecated import alias_names
from gateway.sdk.channel import (
    SDK_VERSION,
    Channel,
    ChannelType,
    Context,
    Place,
    Registry,
    Traits,
    VerifiedCustomer,
    hookimpl,
)
from gateway.sdk.collections import CollectionRecord
from gateway.sdk.config import BaseUrl, Config, Currency, Secret, TimeZone
from gateway.sdk.consents import ConsentRecord
from gateway.sdk.errors import (
    AuthError,
    BudgetSpentError,
    ChannelError,
    ContractError,
    CursorExpiredError,
    ForgedError,
    OutcomeUnknownError,
    RateLimitedError,
    RejectedError,
    StaleError,
    UnavailableError,
)
from gateway.sdk.feeds import Feed, LiveFeed, Mark, Page, Raw, Token
from gateway.sdk.http import Answer, Authorize, Budget, Http, Request
from gateway.sdk.images import ImageResizer
from gateway.sdk.loyalty import LoyaltyCard
from gateway.sdk.number_codes import format_number_code, parse_number_gtin
from gateway.sdk.record_fields import RecordWarning, read_informative
from gateway.sdk.records import (
    CustomerRecord,
    Gone,
    LocationQuantity,
    OrderLineRecord,
    OrderRecord,
    ProductRecord,
    Record,
    Ref,
    RejectedLine,
    StockRecord,
    VariantRecord,
    Version,
    read_lines,
)
from gateway.sdk.reviews import ReviewRecord
from gateway.sdk.webhooks import Delivery, Hint, PrivacyRequest, PrivacyRequestKind, Webhooks
from gateway.sdk.writes import (
    Accepted,
    AdjustStock,
    CancelOrder,
    Command,
    Done,
    EraseCustomer,
    Outcome,
    PlaceOrder,
    RefundOrder,
    Refused,
    SetConsent,
    SetLoyalty,
    SetPrice,
    SetStock,
    ShipOrder,
    Write,
)

__all__ = [
    "SDK_VERSION",
    "Accepted",
    "Address",
    "AdjustStock",
    "Answer",
    "AuthError",
    "Authorize",
    "BaseUrl",
    "Budget",
    "BudgetSpentError",
    "CancelOrder",
    "Channel",
    "ChannelError",
    "ChannelKind",
    "ChannelType",
    "CollectionRecord",
    "Command",
    "Config",
    "ConsentPurpose",
    "ConsentRecord",
    "ContactPoint",
    "Context",
    "ContractError",
    "Currency",
    "CurrencyPrice",
    "CursorExpiredError",
    "CustomerRecord",
    "Delivery",
    "Done",
    "EraseCustomer",
    "Feed",
    "ForgedError",
    "Gone",
    "Hint",
    "Http",
    "Image",
    "ImageCrop",
    "ImageFormat",
    "ImageResizer",
    "ImageSize",
    "InvalidValueError",
    "ListingStatus",
    "LiveFeed",
    "LocationQuantity",
    "LoyaltyCard",
    "Mark",
    "Measure",
    "Media",
    "MediaKind",
    "MediaSource",
    "Money",
    "MovementReason",
    "OrderCharge",
    "OrderChargeKind",
    "OrderContact",
    "OrderFulfillmentStatus",
    "OrderLineRecord",
    "OrderRecord",
    "OrderReturnStatus",
    "OrderStatus",
    "Outcome",
    "OutcomeUnknownError",
    "Page",
    "PaymentStatus",
    "Place",
    "PlaceOrder",
    "PrivacyRequest",
    "PrivacyRequestKind",
    "ProductRecord",
    "ProductStatus",
    "ProductText",
    "RateLimitedError",
    "Rating",
    "Raw",
    "Record",
    "RecordWarning",
    "Ref",
    "RefundOrder",
    "Refused",
    "Registry",
    "RejectedError",
    "RejectedLine",
    "Request",
    "ReviewRecord",
    "Rounding",
    "Secret",
    "SelectedOption",
    "SetConsent",
    "SetLoyalty",
    "SetPrice",
    "SetStock",
    "ShipOrder",
    "StaleError",
    "StockRecord",
    "Swatch",
    "TaxLine",
    "TimeZone",
    "Token",
    "Traits",
    "UnavailableError",
    "VariantRecord",
    "VerifiedCustomer",
    "Version",
    "Webhooks",
    "Write",
    "format_number_code",
    "hookimpl",
    "parse_gtin",
    "parse_measure",
    "parse_number_gtin",
    "parse_pieces",
    "read_informative",
    "read_lines",
]

if not TYPE_CHECKING:
    __getattr__ = alias_names(__name__, {"gtin_or_none": "parse_gtin", "pieces": "parse_pieces"})
