"""Checks of `[tokens]`: secrets, lengths, locations and the default channel."""

from __future__ import annotations

import logging

from gateway.model.token_secrets import MIN_SECRET_LENGTH, is_hashed
from gateway.settings.problems import Problems
from gateway.settings.schema import Settings, TokenTable

_log = logging.getLogger(__name__)


def check_tokens(settings: Settings, problems: Problems) -> None:
    """Check the tokens: secrets that are missing, short, unhashed or used twice, and references."""
    for name, table in settings.tokens.items():
        _check_secrets(name, table, problems)
        _check_references(name, table, settings, problems)
        if settings.server.mode == "production":
            _check_production_secrets(name, table, problems)
    hashes = [text for table in settings.tokens.values() for text in table.hashes]
    if len(set(hashes)) != len(hashes):
        problems.add(("tokens",), "two tokens have the same secret")


def _check_secrets(name: str, table: TokenTable, problems: Problems) -> None:
    """Check that no secret is empty: every request without a token would match it."""
    # A variable that is not set is a problem already.
    is_reported = any(line.startswith(f"tokens.{name}.token: ") for line in problems.others)
    if not is_reported and len(table.secrets) < len(table.token):
        problems.add(("tokens", name, "token"), "is empty")


def _check_references(name: str, table: TokenTable, settings: Settings, problems: Problems) -> None:
    for key in table.locations or ():
        if key not in settings.locations:
            names = ", ".join(settings.locations) or "none"
            problems.add(("tokens", name, "locations"), f"there is no location {key}; expected one of {names}")
    if table.channel is not None and table.channels is not None and table.channel not in table.channels:
        problems.add(("tokens", name, "channel"), f"{table.channel} is not among the token's channels")


def _check_production_secrets(name: str, table: TokenTable, problems: Problems) -> None:
    for secret in table.secrets:
        if is_hashed(secret):
            continue
        if len(secret) < MIN_SECRET_LENGTH:
            message = f"is shorter than {MIN_SECRET_LENGTH} characters; create one with: gateway token new {name}"
            problems.add(("tokens", name, "token"), message)
        else:
            _log.warning(
                "tokens.%s.token is stored unhashed, which the next minor version refuses in production; replace it "
                "by the line that this prints: gateway token hash %s",
                name,
                name,
            )
