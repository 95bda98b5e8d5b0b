"""Reviews: the record of what customers have written about a product in a channel."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from gateway.model import record_validation, validation
from gateway.model.content import normalize_locale
from gateway.model.reviews import ReviewFields
from gateway.sdk.record_fields import check_optional, drop_invalid, put
from gateway.sdk.records import Record

MAX_RATING = 5


@dataclass(frozen=True, kw_only=True)
class ReviewRecord(Record, ReviewFields):
    """A published review. One that the channel does not publish is not reported, or `Gone`.

    Title, body, author, reply and locale are informative: see `Record`.

    Attributes:
        product: ID of the product in the channel (`ProductRecord.ref`).
        variant: ID of the variant in the channel; None: not known.
    """

    product: str
    variant: str | None = None

    def check(self) -> None:
        """Check and normalize the fields; see `Record.check`."""
        validation.check_text("product", self.product, record_validation.MAX_CODE)
        validation.check_optional_text("variant", self.variant, record_validation.MAX_CODE)
        validation.check_whole("rating", self.rating, least=1, most=MAX_RATING)
        validation.check_flag("verifiedPurchase", self.verified_purchase)
        put(self, "written_at", validation.check_instant("writtenAt", self.written_at))
        for name, longest in (
            ("title", record_validation.MAX_TITLE),
            ("body", record_validation.MAX_LONG_TEXT),
            ("author", record_validation.MAX_CODE),
            ("reply", record_validation.MAX_LONG_TEXT),
        ):
            drop_invalid(self, name, name, partial(validation.check_optional_text, name, longest=longest))
        drop_invalid(self, "locale", "locale", partial(check_optional, normalize_locale, "locale"))
