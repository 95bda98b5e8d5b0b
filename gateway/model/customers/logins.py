"""What a verified token says about the shopper who has it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum


class ShopperTokenKind(Enum):
    """What kind of token a shopper exchanges for one of the gateway."""

    ID_TOKEN = "ID_TOKEN"  # noqa: S105 a name
    CHANNEL_CUSTOMER = "CHANNEL_CUSTOMER"


SHOPPER_PREFIX = "gws_"
"""First characters of a shopper's token that the gateway has signed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedLogin:
    """The claims of a verified token. Its representation has no personal data.

    Attributes:
        issuer: key of the issuer in the configuration.
        subject: the shopper's id at the issuer. It is compared exactly.
        email_verified: whether the issuer is configured to assert email addresses, and says that it has verified this.
        auth_time: when the shopper logged in; None: the token does not say it. A refreshed token has an older one.
        issued_at: when the token was issued.
        expires_at: when it expires. It is accepted a little longer: clocks differ.
    """

    issuer: str
    subject: str = field(repr=False)
    email: str | None = field(default=None, repr=False)
    email_verified: bool = False
    given_name: str | None = field(default=None, repr=False)
    family_name: str | None = field(default=None, repr=False)
    locale: str | None = field(default=None, repr=False)
    auth_time: datetime | None = None
    issued_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ShopperToken:
    """The content of a shopper's token that the gateway has signed. It names no person.

    Attributes:
        identity_id: the identity that it is bound to.
        home: the customer id that was minted with this identity.
        issuer: key of the issuer whose token it was issued for; None: it was one of a channel.
        channel: key of the channel whose token it was issued for; None: it was one of an issuer.
        issued_at: when the token that it was issued for was issued, or verified by the channel.
        auth_time: when the shopper logged in; None: not known.
    """

    identity_id: str
    home: str
    issuer: str | None
    channel: str | None
    issued_at: datetime
    expires_at: datetime
    auth_time: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelLogin:
    """A customer whose token the customer's channel has verified.

    Attributes:
        channel: key of the channel.
        external_id: id of the customer there.
        issued_at: when it was verified. The channel does not say when it was issued.
        expires_at: when the token expires; None: not known.
    """

    channel: str
    external_id: str
    issued_at: datetime
    expires_at: datetime | None = None
