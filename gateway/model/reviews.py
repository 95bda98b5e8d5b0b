"""Reviews that customers have written in channels."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class ReviewFields:
    """Fields that a channel's review and the gateway's review share. Texts are plain text.

    Attributes:
        rating: 1 to 5 stars.
        author: Name under which the channel publishes the review; None: it publishes none.
        verified_purchase: Whether the channel knows that the author has bought the product.
        locale: BCP 47 language tag of the texts; None: not known.
        reply: The shop's reply.
        written_at: When it was written, or published.
    """

    rating: int
    title: str | None = None
    body: str | None = None
    author: str | None = None
    verified_purchase: bool = False
    locale: str | None = None
    reply: str | None = None
    written_at: datetime


@dataclass(frozen=True, kw_only=True)
class Review(ReviewFields):
    """A review of a product.

    Attributes:
        product: The product, by channel and ID in the channel.
        variant: The variant, in the same way; None: not known.
    """

    id: str
    channel_key: str
    product: tuple[str, str]
    variant: tuple[str, str] | None
