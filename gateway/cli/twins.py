"""Sandboxes: a channel's twin, run by itself."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import typer

from gateway.channels.plugins import Plugins
from gateway.cli.errors import CommandError
from gateway.sdk.testing.sandbox import Sandbox, StartSandbox, small_world


def starter(name: str, found: Plugins) -> StartSandbox:
    """The function that starts a plugin's sandbox."""
    if name not in found.types:
        raise CommandError(f"there is no plugin {name}; expected one of {', '.join(sorted(found.types)) or 'none'}")
    place = found.types[name].sandbox
    if place is None:
        raise CommandError(f"the plugin {name} has no sandbox")
    module, _, function = place.partition(":")
    start: StartSandbox = getattr(import_module(module), function)
    return start


async def sandboxed(name: str, start: StartSandbox, directory: Path, port: int | None, fault: str) -> None:
    await asyncio.to_thread(directory.mkdir, parents=True, exist_ok=True)
    twin = await start(small_world(), directory, port)
    try:
        await twin.fault(fault)
        typer.echo(_table(name, twin))
        await asyncio.Event().wait()
    finally:
        await twin.close()


def _table(name: str, twin: Sandbox) -> str:
    """What stands in a gateway.toml to reach it."""
    lines = [f"{key} = {_toml(value)}" for key, value in twin.config.items() if value is not None]
    head = (f"[channels.{name}]", f'plugin = "{name}"', "private_addresses = true  # the twin is on this machine", "")
    return "\n".join((*head, f"[channels.{name}.config]", *lines, ""))


def _toml(value: Any) -> str:
    """JSON writes texts, numbers and booleans as TOML does; not tables."""
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_toml(key)} = {_toml(item)}" for key, item in value.items()) + " }"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False)
