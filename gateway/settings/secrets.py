"""Secrets of the configuration, which must be in no log."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, SecretStr

from gateway.settings.schema import Settings

MIN_LENGTH = 6
"""Characters. The text of a shorter secret occurs in ordinary words."""

_SECRET_KEY = re.compile(r"secret|password|token|key|credential", re.IGNORECASE)


def collect_secrets(settings: Settings) -> frozenset[str]:
    """Collect the secrets: values of secret types, values from the environment, and passwords in URLs.

    Which settings of a channel are secret only its plugin knows, so their keys and the environment decide.
    """
    configs = (table.config for table in settings.channels.values())
    texts = [*_iterate_values(settings), *settings.environment_values, *_iterate_configs(configs)]
    passwords = (_read_password(text) for text in (settings.database, *texts))
    return frozenset(text for text in (*texts, *passwords) if len(text) >= MIN_LENGTH)


def _iterate_values(value: Any) -> Iterator[str]:
    """Iterate over the values of secret types below a table."""
    match value:
        case SecretStr():
            yield value.get_secret_value()
        case BaseModel():
            yield from _iterate_values(list(dict(value).values()))
        case Mapping():
            yield from _iterate_values(list(value.values()))
        case list() | tuple():
            for item in value:
                yield from _iterate_values(item)


def _iterate_configs(value: Any, *, is_secret: bool = False) -> Iterator[str]:
    """Iterate over the texts below keys that name secrets."""
    match value:
        case str() if is_secret:
            yield value
        case Mapping():
            for key, item in value.items():
                yield from _iterate_configs(item, is_secret=is_secret or _SECRET_KEY.search(str(key)) is not None)
        case str():
            return
        case _ if hasattr(value, "__iter__"):
            for item in value:
                yield from _iterate_configs(item, is_secret=is_secret)


def _read_password(text: str) -> str:
    """Return the password in a URL, or an empty text."""
    try:
        return unquote(urlsplit(text).password or "")
    except ValueError:
        return ""
