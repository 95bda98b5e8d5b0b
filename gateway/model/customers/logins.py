"""What a verified token says about the shopper who has it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime


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
