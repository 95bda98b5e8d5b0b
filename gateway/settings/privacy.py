"""The table `[privacy]` of the configuration."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import Field, SecretStr, StringConstraints, field_validator

from gateway.settings.table import Table
from gateway.settings.value_types import Duration

MIN_SECRET_LENGTH = 32
Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
Wait = Annotated[Duration, Field(ge=timedelta(0), le=timedelta(days=30))]


class PrivacyTable(Table):
    """`[privacy]`: exports and erases of the data of customers (rules C11 to C13)."""

    secret: SecretStr | None = None  # of digests and files; default: that of [selling]
    previous_secrets: tuple[SecretStr, ...] = ()  # secrets that it has replaced
    cooling_off: Wait = timedelta(days=3)  # until an erase begins; it can be canceled until then
    file_lifetime: Wait = timedelta(hours=72)  # of an export
    invoices: dict[Country, Duration] = {}  # how long the law keeps name and address of an invoice, by country
    other_invoices: Duration = timedelta(days=3_653)  # in other countries

    @field_validator("secret", "previous_secrets")
    @classmethod
    def _check_length(cls, value: SecretStr | tuple[SecretStr, ...] | None) -> SecretStr | tuple[SecretStr, ...] | None:
        secrets = value if isinstance(value, tuple) else (value,)
        if any(one is not None and len(one.get_secret_value().strip()) < MIN_SECRET_LENGTH for one in secrets):
            raise ValueError(f"expected at least {MIN_SECRET_LENGTH} characters; `gateway secret new` prints one")
        return value

    @property
    def all_secrets(self) -> tuple[bytes, ...]:
        """All secrets, that which writes first. None: those of `[selling]` are used."""
        secrets = () if self.secret is None else (self.secret, *self.previous_secrets)
        return tuple(one.get_secret_value().strip().encode() for one in secrets)
