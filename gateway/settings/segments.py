"""The tables `[segments.KEY]` of the configuration: named filters of customers."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from gateway.model.customers.consents import ConsentPurpose
from gateway.model.money import Money, check_known_currency
from gateway.settings.table import Table
from gateway.settings.value_types import Duration, Key

MAX_SEGMENTS = 50
"""Maximum number of segments: the list of the schema is as long."""

Age = Annotated[Duration, Field(gt=timedelta(0))]
Texts = Annotated[tuple[Annotated[str, StringConstraints(min_length=1, max_length=255)], ...], Field(min_length=1)]


class LifetimeValueTable(Table):
    """`filter.lifetime_value`: a range of the total of a customer's orders, in one currency."""

    min: Annotated[Decimal, Field(ge=0)] | None = None
    max: Annotated[Decimal, Field(ge=0)] | None = None
    currency_code: str

    @model_validator(mode="after")
    def _check_amounts(self) -> LifetimeValueTable:
        check_known_currency("currency_code", self.currency_code)
        for limit in (self.min, self.max):
            if limit is not None:
                Money.of(limit, self.currency_code)
        return self


class CountTable(Table):
    """`filter.order_count` and `filter.loyalty_balance`: a range of a number."""

    min: Annotated[int, Field(ge=0)] | None = None
    max: Annotated[int, Field(ge=0)] | None = None


class SegmentFilterTable(Table):
    """`[segments.KEY.filter]`: as `CustomerFilter`. Times are ages: `180d` is 180 days ago."""

    channel_keys: Annotated[tuple[Key, ...], Field(min_length=1)] | None = None
    tags: Texts | None = None
    channel_mix: Literal["STORE_ONLY", "ONLINE_ONLY", "BOTH"] | None = None
    lifetime_value: LifetimeValueTable | None = None
    order_count: CountTable | None = None
    first_order_since: Age | None = None
    last_order_since: Age | None = None
    last_order_before: Age | None = None
    bought_at_location_keys: Annotated[tuple[Key, ...], Field(min_length=1)] | None = None
    bought_skus: Texts | None = None
    has_consent: ConsentPurpose | None = None
    has_login: bool | None = None
    loyalty_tiers: Annotated[tuple[Key, ...], Field(min_length=1)] | None = None
    loyalty_balance: CountTable | None = None
    has_open_review: bool | None = None


class SegmentTable(Table):
    """`[segments.KEY]`: a named filter of customers."""

    title: Annotated[str, StringConstraints(min_length=1, max_length=255)]
    filter: SegmentFilterTable
