"""Loading of the configuration: a `gateway.toml`, with secrets as `${NAME}` from the environment.

Each problem is one line that names the key and what was expected. A problem of one channel does not affect the
others: the channel is FAILED, unless it is required.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import (
    ValidationError,
)

from gateway.settings.collections import find_problems
from gateway.settings.login import check_logins
from gateway.settings.problems import Problems, SettingsError
from gateway.settings.schema import ChannelTable, Settings
from gateway.settings.token_checks import check_tokens

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


def load(path: Path, environment: Mapping[str, str] = os.environ) -> Settings:
    """Load the configuration from a file.

    Raises:
        SettingsError: The file cannot be read, is not TOML, or is invalid.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise SettingsError([f"{path}: cannot be read: there is no such file; --config names another"]) from error
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError([f"{path}: cannot be read ({error})"]) from error
    return load_text(text, environment)


def load_text(text: str, environment: Mapping[str, str] = os.environ) -> Settings:
    """Load the configuration from a text.

    Raises:
        SettingsError: The text is not TOML, or is invalid.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError([f"not TOML: {error}"]) from error
    return parse(document, environment)


def parse(document: Mapping[str, Any], environment: Mapping[str, str] = os.environ) -> Settings:
    """Load the configuration from a parsed document.

    Raises:
        SettingsError: The document is invalid.
    """
    problems = Problems()
    filled = _fill_variables(document, environment, (), problems)
    settings = _validate(filled, problems)
    _check_names(settings, problems)
    if fatal := problems.list_fatal(filled):
        raise SettingsError(fatal)
    settings._environment_values = tuple(environment[name] for name in _list_variables(document) if name in environment)
    settings._failures.update({key: tuple(lines) for key, lines in problems.by_channel.items()})
    return settings


def _validate(document: Mapping[str, Any], problems: Problems) -> Settings:
    """Validate the document. A channel with an invalid table is replaced by a stub."""
    try:
        return Settings.model_validate(document)
    except ValidationError as error:
        for problem in error.errors(include_url=False, include_input=False, include_context=False):
            problems.add(problem["loc"], _describe_expected(problem["type"], problem["msg"]))
    if problems.others:
        raise SettingsError([*problems.others, *(line for lines in problems.by_channel.values() for line in lines)])
    tables = {
        key: _build_stub(table) if key in problems.by_channel else table for key, table in document["channels"].items()
    }
    return Settings.model_validate({**document, "channels": tables})


def _build_stub(table: Any) -> dict[str, Any]:
    """Build the stub: the name of the plugin, and by what the channel's customers are recognized. Another mistake in
    the table must not part them.
    """
    given = table if isinstance(table, dict) else {}
    name, required = given.get("plugin"), given.get("required") is True
    recognition = {key: given[key] for key in ("region", "references") if _is_valid(key, given)}
    return {"plugin": name if isinstance(name, str) else "?", "required": required, **recognition}


def _is_valid(key: str, table: Mapping[str, Any]) -> bool:
    """Whether a table has a key, with a value that is valid by itself."""
    if key not in table:
        return False
    try:
        ChannelTable.model_validate({"plugin": "?", key: table[key]})
    except ValidationError:
        return False
    return True


def _describe_expected(kind: str, message: str) -> str:
    if kind == "extra_forbidden":
        return "unknown key"
    if kind == "missing":
        return "is missing"
    if kind.startswith(("dict_", "model_")):
        return "expected a table"
    return message.removeprefix("Value error, ")


def _check_names(settings: Settings, problems: Problems) -> None:
    """Check that every reference to a channel names one of `[channels]`."""
    uses: list[tuple[tuple[str, ...], str | None]] = [
        *((("catalogue", "priority"), key) for key in settings.catalogue.priority),
        *(
            (("catalogue", "priority_by_field", field), key)
            for field, keys in settings.catalogue.priority_by_field.list_configured().items()
            for key in keys
        ),
        (("stock", "default_channel"), settings.stock.default_channel),
        *((("tokens", name, "channel"), token.channel) for name, token in settings.tokens.items()),
        *(
            (("tokens", name, "channels"), key)
            for name, token in settings.tokens.items()
            for key in token.channels or ()
        ),
        *((("login", name, "channel"), login.channel) for name, login in settings.login.items()),
        *((("login", name, "channels"), key) for name, login in settings.login.items() for key in login.channels or ()),
        *(
            (("attributes", name, "sources"), key)
            for name, table in settings.attributes.items()
            for key in table.sources
        ),
        *_list_channels_of_collections(settings),
        *_list_channels_of_segments(settings),
        (("loyalty", "issuer"), None if settings.loyalty is None else settings.loyalty.issuer),
        (("loyalty", "opening"), None if settings.loyalty is None else settings.loyalty.opening),
        *((("access", "anonymous", "channels"), key) for key in settings.access.anonymous.channels or ()),
        *_list_channels_of_locations(settings),
    ]
    for path, key in uses:
        if key is not None and key not in settings.channels:
            problems.add(path, f"there is no channel {key}; expected one of {', '.join(settings.channels) or 'none'}")
    for name, location in settings.locations.items():
        if location.authority not in location.channels:
            problems.add(("locations", name, "authority"), f"{location.authority} is not among its channels")
    for name, option in settings.options.items():
        if option.attribute is not None and option.attribute not in settings.attributes:
            problems.add(("options", name, "attribute"), f"there is no attribute {option.attribute}")
    _check_external_ids(settings, problems)
    _check_customer_references(settings, problems)
    _check_collections(settings, problems)
    _check_segments(settings, problems)
    check_tokens(settings, problems)
    check_logins(settings.login, problems)


def _check_segments(settings: Settings, problems: Problems) -> None:
    for name, table in settings.segments.items():
        for key in table.filter.bought_at_location_keys or ():
            if key not in settings.locations:
                path = ("segments", name, "filter", "bought_at_location_keys")
                problems.add(path, f"there is no location {key!r}")
        tiers = () if settings.loyalty is None else [tier.key for tier in settings.loyalty.tiers]
        for key in table.filter.loyalty_tiers or ():
            if key not in tiers:
                problems.add(("segments", name, "filter", "loyalty_tiers"), f"[loyalty] has no tier {key!r}")


def _check_collections(settings: Settings, problems: Problems) -> None:
    for path, message in find_problems(settings.collections, settings.attributes, settings.locations):
        problems.add(path, message)


def _list_channels_of_segments(settings: Settings) -> Iterator[tuple[tuple[str, ...], str | None]]:
    """List the references of segments to channels, each with its path."""
    for name, table in settings.segments.items():
        for key in table.filter.channel_keys or ():
            yield ("segments", name, "filter", "channel_keys"), key


def _list_channels_of_collections(settings: Settings) -> Iterator[tuple[tuple[str, ...], str | None]]:
    """List the references of collections to channels, each with its path."""
    for name, table in settings.collections.items():
        yield ("collections", name, "channel"), table.channel
        yield from ((("collections", name, "filter", "channel_keys"), key) for key in table.filter.channel_keys or ())


def _list_channels_of_locations(settings: Settings) -> Iterator[tuple[tuple[str, ...], str]]:
    """List the references of locations to channels, each with its path."""
    for name, location in settings.locations.items():
        named = {"channels": location.channels, "sold_by": location.sold_by, "post": location.post}
        yield from ((("locations", name, field), key) for field, keys in named.items() for key in keys)


def _check_external_ids(settings: Settings, problems: Problems) -> None:
    """Check that every external location is mapped to one location: otherwise its stock would be counted twice."""
    owners: dict[tuple[str, str], str] = {}
    for name, location in settings.locations.items():
        for external in location.channels.items():
            owner = owners.setdefault(external, name)
            if owner != name:
                problems.add(
                    ("locations", name, "channels", external[0]), f"{external[1]} is already the location {owner}"
                )


def _check_customer_references(settings: Settings, problems: Problems) -> None:
    """Check that the fields of customers refer to other channels, or to systems that are none."""
    for name in settings.customers.external_systems:
        if name in settings.channels:
            problems.add(("customers", "external_systems"), f"{name} is a channel")
    names = (*settings.channels, *settings.customers.external_systems)
    for key, table in settings.channels.items():
        for name in table.references:
            expected = ", ".join(other for other in names if other != key) or "none"
            if name not in names or name == key:
                message = f"expected another channel, or one of customers.external_systems: {expected}"
                problems.add(("channels", key, "references", name), message)


def _list_variables(value: Any) -> Iterator[str]:
    """List the names of the variables in a value."""
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _list_variables(item)
    elif isinstance(value, str):
        yield from _VARIABLE.findall(value)


def _fill_variables(value: Any, environment: Mapping[str, str], path: tuple[str | int, ...], problems: Problems) -> Any:
    """Replace every `${NAME}` in a value by the environment variable."""
    if isinstance(value, dict):
        return {key: _fill_variables(item, environment, (*path, key), problems) for key, item in value.items()}
    if isinstance(value, list):
        return [_fill_variables(item, environment, (*path, index), problems) for index, item in enumerate(value)]
    if not isinstance(value, str):
        return value
    for name in _VARIABLE.findall(value):
        if name not in environment:
            problems.add(path, f"the environment variable {name} is not set")
    return _VARIABLE.sub(lambda match: environment.get(match[1], ""), value)
