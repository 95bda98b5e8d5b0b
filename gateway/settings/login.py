"""`[login.ISSUER]`: issuers whose tokens log in shoppers (rule C8)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from gateway.settings.problems import Problems
from gateway.settings.table import Table
from gateway.settings.value_types import Duration, Key, WebUrl

Algorithm = Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519", "EdDSA"]
"""A signature algorithm. All are asymmetric: with the others, a key that verifies tokens can sign them, too."""

Claim = Annotated[str, StringConstraints(min_length=1, max_length=255, pattern=r"^\S+$")]
"""A value that a claim of a token is compared with, exactly."""


class LoginTable(Table):
    """`[login.ISSUER]`: an issuer, and what its shoppers see. Its tokens have no scopes."""

    issuer: Claim  # the claim iss of its tokens, character by character
    audiences: Annotated[tuple[Claim, ...], Field(min_length=1)]  # a token is for one of them: your client ids
    jwks_url: WebUrl  # of its keys
    algorithms: Annotated[tuple[Algorithm, ...], Field(min_length=1)] = ("RS256",)
    leeway: Annotated[Duration, Field(ge=timedelta(0), le=timedelta(minutes=5))] = timedelta(seconds=60)
    asserts_email: bool = False  # whether its email_verified is proof of an address
    channel: Key | None = None  # default channel of its shoppers
    channels: tuple[Key, ...] | None = None  # channels that its shoppers see; default: as clients without a token
    private_addresses: bool = False  # allows jwks_url in a private network or on this machine, there also with http

    @model_validator(mode="after")
    def _check_url(self) -> LoginTable:
        if not self.private_addresses and not self.jwks_url.startswith("https://"):
            raise ValueError("jwks_url: expected https, or private_addresses = true for a host in your network")
        return self


def check_logins(tables: Mapping[str, LoginTable], problems: Problems) -> None:
    """Check that no issuer is configured twice, and the default channels."""
    count = Counter(table.issuer for table in tables.values())
    for name, table in tables.items():
        if count[table.issuer] > 1:
            problems.add(("login", name, "issuer"), "is the issuer of another table, too; a subject has one account")
        if table.channel is not None and table.channels is not None and table.channel not in table.channels:
            problems.add(("login", name, "channel"), f"{table.channel} is not among the channels of its shoppers")
