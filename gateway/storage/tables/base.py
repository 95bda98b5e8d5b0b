"""Column types and helpers of the tables. Ids come from `model.ids`; instants are microseconds since 1970, UTC."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import sqlalchemy as sa
from sqlalchemy.types import TypeDecorator

metadata = sa.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    }
)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)

Text = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
"""Sorts by code point on both databases (rule T1)."""

Count = sa.BigInteger()
Serial = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def convert_to_microseconds(value: datetime | None) -> int | None:
    """Convert an instant to its stored form: microseconds since 1970."""
    return None if value is None else (value - EPOCH) // MICROSECOND


class Instant(TypeDecorator[datetime]):
    """An aware datetime stored as microseconds since 1970: exact, sortable and the same on both databases."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> int | None:
        return convert_to_microseconds(value)

    def process_result_value(self, value: int | None, dialect: Any) -> datetime | None:
        return None if value is None else EPOCH + value * MICROSECOND


column: Callable[..., sa.Column[Any]] = partial(sa.Column, nullable=False)
"""A column that is not nullable by default."""

optional_column: Callable[..., sa.Column[Any]] = partial(sa.Column, nullable=True)
"""A nullable column."""
