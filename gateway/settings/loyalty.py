"""The table `[loyalty]` of the configuration."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from enum import Enum
from typing import Annotated

from pydantic import AwareDatetime, Field, StringConstraints, model_validator

from gateway.model.customers.loyalty import EarnSource
from gateway.model.money import check_known_currency
from gateway.model.validation import InvalidValueError
from gateway.settings.table import Table
from gateway.settings.value_types import Duration, Key, TimeZone

Rate = Annotated[Decimal, Field(gt=0, le=100_000, max_digits=12)]


class TierPeriod(Enum):
    """The period in which points for a tier are counted."""

    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"

    @property
    def months(self) -> int:
        """Its number of months."""
        return {TierPeriod.MONTH: 1, TierPeriod.QUARTER: 3, TierPeriod.YEAR: 12}[self]


class TierTable(Table):
    """`[[loyalty.tiers]]`: a tier, from the lowest to the highest."""

    key: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,39}$")]
    points: Annotated[int, Field(ge=0, le=1_000_000_000)]  # to earn in a period
    multiplier: Annotated[Decimal, Field(gt=0, le=100, max_digits=6)] = Decimal(1)  # of points earned in it


class LoyaltyTable(Table):
    """`[loyalty]`: the loyalty program."""

    since: AwareDatetime  # purchases before do not earn
    earn: EarnSource = EarnSource.ORDERS  # orders of channels, or posts of tills (loyaltyPost)
    issuer: Key | None = None  # channel that issues the cards: it says whose a number is
    opening: Key | None = None  # channel whose points of a card are taken over, when the card is first seen
    rates: Annotated[dict[str, Rate], Field(max_length=50)]  # points per unit of a currency: {GBP = "1"}
    worth: Annotated[dict[str, Rate], Field(max_length=50)] = {}  # of a point, in units of a currency: {GBP = "0.01"}
    pending: Annotated[Duration, Field(le=timedelta(days=365))] = timedelta(0)  # until earned points can be spent
    expires_after: Annotated[Duration, Field(le=timedelta(days=36_500))] | None = None  # default: never
    time_zone: TimeZone = "UTC"  # points expire, and periods end, at the end of a day there
    tier_period: TierPeriod = TierPeriod.YEAR
    tiers: Annotated[tuple[TierTable, ...], Field(max_length=20)] = ()

    @model_validator(mode="after")
    def _check_currencies(self) -> LoyaltyTable:
        for name, table in (("rates", self.rates), ("worth", self.worth)):
            for currency in table:
                try:
                    check_known_currency("currency", currency)
                except InvalidValueError as error:
                    raise ValueError(f"{name}.{currency}: {error.reason}") from error
        return self

    @model_validator(mode="after")
    def _check_times(self) -> LoyaltyTable:
        if self.expires_after is not None and self.expires_after <= self.pending:
            raise ValueError("expires_after: points would expire before they can be spent; expected more than pending")
        return self

    @model_validator(mode="after")
    def _check_tiers(self) -> LoyaltyTable:
        points = [tier.points for tier in self.tiers]
        if points != sorted(set(points)) or len({tier.key for tier in self.tiers}) < len(points):
            raise ValueError("tiers: expected different keys, each tier with more points than the one before")
        return self
