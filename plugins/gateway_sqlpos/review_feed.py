"""Feed of reviews from a table that the configuration names."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

from gateway.sdk import InvalidValueError, Raw, Ref, ReviewRecord
from gateway_sqlpos.config import SqlPosConfig
from gateway_sqlpos.order_mapping import parse_placed_at
from gateway_sqlpos.row_values import IdColumn, Row, format_id, get_number, get_single_row, get_text, is_false, is_true
from gateway_sqlpos.table_feed import TableFeed
from gateway_sqlpos.table_mapping import Layout, Reviews
from gateway_sqlpos.till import Till


class ReviewFeed(TableFeed[ReviewRecord]):
    """Reviews of products. Those that are not published are left out."""

    of = ReviewRecord
    name = "reviews"
    every = timedelta(minutes=15)
    columns = ("id", "product", "rating", "title", "body", "author", "date", "reply", "verified", "published")

    def __init__(self, config: SqlPosConfig, till: Till) -> None:
        super().__init__(config, till)
        self._ids = IdColumn(config.layout.integer_ids or config.layout.reviews.integer_ids)

    def get_names(self, layout: Layout) -> Reviews:
        return layout.reviews

    def has_row(self, row: Row) -> bool:
        return not is_false(row.pop("published"))

    def read(self, raw: Raw) -> ReviewRecord:
        row = get_single_row(raw)
        return ReviewRecord(
            ref=Ref(raw.id),
            product=format_id(row["product"]),
            rating=_get_stars(row),
            title=get_text(row, "title"),
            body=get_text(row, "body"),
            author=get_text(row, "author"),
            reply=get_text(row, "reply"),
            verified_purchase=is_true(row["verified"]),
            written_at=parse_placed_at(row["date"], ZoneInfo(self.config.time_zone)),
        )


def _get_stars(row: Row) -> int:
    """Return a number of stars. Half ones are not rounded: a review says one or the other."""
    stars = get_number(row, "rating")
    if stars % 1:
        raise InvalidValueError("rating", f"expected a whole number, found {stars}")
    return int(stars)
