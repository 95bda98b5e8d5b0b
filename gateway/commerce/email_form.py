"""The form of email addresses. Whether an address exists is not checked."""

from __future__ import annotations

import re

from email_validator import EmailNotValidError, ValidatedEmail, validate_email

_CARRIER_DOTS = re.compile(r"(?<=[^.@])\.+(?=[.@][^@]*@|@)")
"""Dots in a row or before the @, against RFC 5321: some mobile carriers issued such addresses for years."""


class InvalidEmailError(ValueError):
    """A text does not have the form of an email address. Its message says why."""


def check_email(text: str) -> ValidatedEmail:
    """Check the form of an email address.

    Raises:
        InvalidEmailError: It does not have the form.
    """
    try:
        return validate_email(
            _CARRIER_DOTS.sub("", text),
            check_deliverability=False,
            globally_deliverable=False,  # domains of internal systems have no dot
            test_environment=True,  # the domain `test`
            strict=True,
            allow_quoted_local=True,
            allow_domain_literal=True,
        )
    except EmailNotValidError as error:
        raise InvalidEmailError(str(error)) from error
