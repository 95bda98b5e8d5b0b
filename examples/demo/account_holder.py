"""The account holders: people of the issuer who buy in the shops and in the web store, with one verified address."""

from __future__ import annotations

from dataclasses import replace

from examples.oidc.issuer import PEOPLE
from gateway.sdk.testing.sandbox import WorldCustomer

SUBJECTS = {"15061": "person-1", "12471": "person-1", "17511": "person-3", "12567": "person-3"}
"""The people, by their numbers as customers of the shops, and of the web store."""


def identify_account_holder(customer: WorldCustomer) -> WorldCustomer:
    """Give a customer with one of these numbers the person's name and verified email address."""
    if (subject := SUBJECTS.get(customer.number)) is None:
        return customer
    claims = PEOPLE[subject]
    given, family = claims["given_name"], claims["family_name"]
    names = {"name": f"{given} {family}", "given_name": given, "family_name": family}
    return replace(customer, **names, email=claims["email"], email_verified=True)
