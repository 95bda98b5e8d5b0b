"""The account holder: a person of the issuer who buys in the shops and in the web store, with one verified address."""

from __future__ import annotations

from dataclasses import replace

from examples.oidc.issuer import PEOPLE
from gateway.sdk.testing.sandbox import WorldCustomer

NUMBERS = frozenset({"15061", "12471"})
"""The person's numbers as a customer of the shops, and of the web store."""


def identify_account_holder(customer: WorldCustomer) -> WorldCustomer:
    """Give a customer with one of these numbers the person's name and verified email address."""
    if customer.number not in NUMBERS:
        return customer
    claims = PEOPLE["person-1"]
    given, family = claims["given_name"], claims["family_name"]
    names = {"name": f"{given} {family}", "given_name": given, "family_name": family}
    return replace(customer, **names, email=claims["email"], email_verified=True)
