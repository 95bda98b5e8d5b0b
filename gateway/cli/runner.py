"""Shared by all commands: the configuration option, the event loop, and exit codes."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TypeVar

import typer

if TYPE_CHECKING:
    from gateway.settings.schema import Settings

T = TypeVar("T")

ConfigPath = Annotated[
    Path, typer.Option("--config", "-c", envvar="GATEWAY_CONFIG", help="The configuration file.", show_default=True)
]
CONFIG = Path("gateway.toml")


def load_settings(config: Path) -> Settings:
    from gateway.settings.loading import load

    return load(config)


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run work on uvloop, where it is available."""
    try:
        from uvloop import new_event_loop
    except ImportError:
        return asyncio.run(work)
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        return runner.run(work)


def fail_with(lines: Iterable[str]) -> NoReturn:
    """Print a line for each problem, and exit with code 1."""
    for line in lines:
        typer.echo(line)
    raise typer.Exit(1)
