"""Sandboxes of plugins, run as a command."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import typer

from gateway.channels.plugin_registry import Plugins
from gateway.cli.errors import CommandError
from gateway.sdk.testing.sandbox import Sandbox, StartSandbox, build_small_world


def find_starter(name: str, plugins: Plugins) -> StartSandbox:
    """Find the function that starts a plugin's sandbox."""
    if name not in plugins.types:
        raise CommandError(f"there is no plugin {name}; expected one of {', '.join(sorted(plugins.types)) or 'none'}")
    reference = plugins.types[name].sandbox
    if reference is None:
        raise CommandError(f"the plugin {name} has no sandbox")
    module, _, function = reference.partition(":")
    start: StartSandbox = getattr(_import_sandbox(name, module), function)
    return start


def _import_sandbox(name: str, module: str) -> ModuleType:
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module.partition(".")[0]:
            raise  # the sandbox is installed; something that it needs is missing
        message = (
            f"the sandbox of {name} is not installed; for bundled plugins: pip install 'commerce-gateway[sandbox]'"
        )
        raise CommandError(message) from error


async def serve_sandbox(name: str, start: StartSandbox, directory: Path, port: int | None, fault: str) -> None:
    await asyncio.to_thread(directory.mkdir, parents=True, exist_ok=True)
    sandbox = await start(build_small_world(), directory, port)
    try:
        await sandbox.fault(fault)
        typer.echo(_format_config(name, sandbox))
        await asyncio.Event().wait()
    finally:
        await sandbox.close()


def _format_config(name: str, sandbox: Sandbox) -> str:
    """Format the configuration of a channel that uses the sandbox."""
    lines = [f"{key} = {_format_toml(value)}" for key, value in sandbox.config.items() if value is not None]
    head = (
        f"[channels.{name}]",
        f'plugin = "{name}"',
        "private_addresses = true  # the sandbox is on this machine",
        "",
    )
    return "\n".join((*head, f"[channels.{name}.config]", *lines, ""))


def _format_toml(value: Any) -> str:
    """Format a value as TOML. Strings, numbers and booleans are the same as in JSON, tables are not."""
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_format_toml(key)} = {_format_toml(item)}" for key, item in value.items()) + " }"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_format_toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False)
