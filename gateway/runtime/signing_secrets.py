"""The secrets that sign tokens and pickup codes: from the configuration, and in development from the database."""

from __future__ import annotations

import logging
from datetime import datetime

from gateway.settings.problems import SettingsError
from gateway.settings.schema import Settings
from gateway.storage import instance_secret, upgrade_times
from gateway.storage.database import Database

MIN_SECRET_LENGTH = 32

MISSING_NOTICE = (
    "selling.secret: is required in production, so that who can read the database cannot sign tokens. Print a new one "
    'with `gateway secret new`, put it into the environment, and set secret = "${SELLING_SECRET}" in [selling]. What '
    "the secret in the database has signed stays valid"
)
SHORT_NOTICE = f"selling.secret: has less than {MIN_SECRET_LENGTH} characters and could be guessed; replace it"
STORED_NOTICE = (
    "the signing secret in the database is still accepted; when all that it has signed is used or expired, remove it "
    "with `gateway secret forget`"
)

_log = logging.getLogger(__name__)


def find_problems(settings: Settings) -> list[str]:
    """Find why the configured secret does not suffice, one line each."""
    is_missing = settings.server.mode == "production" and not settings.selling.configured_secret
    return [MISSING_NOTICE] if is_missing else []


def find_notices(settings: Settings) -> list[str]:
    """Find what should be changed about the configured secrets, one line each."""
    selling = settings.selling
    secrets = [selling.configured_secret, *selling.configured_previous_secrets]
    is_short = any(0 < len(secret) < MIN_SECRET_LENGTH for secret in secrets)
    return [SHORT_NOTICE] if is_short and settings.server.mode == "production" else []


async def load_secrets(settings: Settings, database: Database) -> tuple[bytes, ...]:
    """Load the secrets: that which signs, then those that are still accepted.

    Raises:
        SettingsError: the configuration has none, and the one in the database must not sign.
    """
    if problems := find_problems(settings):
        raise SettingsError(problems)
    configured = settings.selling.configured_secret
    stored = await (database.read(instance_secret.find_secret) if configured else _get_stored_secret(database))
    _warn(settings, stored)
    secrets = (configured, *settings.selling.configured_previous_secrets, stored)
    return tuple(dict.fromkeys(secret.encode() for secret in secrets if secret))


async def find_legacy_cursor_deadline(settings: Settings, database: Database) -> datetime | None:
    """Find until when cursors of earlier versions are accepted, which are not sealed; None: there are none."""
    sealed_at = await database.read(upgrade_times.find_upgrade_time, upgrade_times.CURSORS_SEALED)
    return None if sealed_at is None else sealed_at + settings.retention.log


async def _get_stored_secret(database: Database) -> str:
    return await database.write(instance_secret.get_secret)


def _warn(settings: Settings, stored: str | None) -> None:
    notices = find_notices(settings)
    if stored and settings.server.mode == "production":
        notices.append(STORED_NOTICE)
    for notice in notices:
        _log.warning("%s", notice)
