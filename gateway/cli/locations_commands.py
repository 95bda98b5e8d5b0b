"""`gateway locations`: who counts the stock of each location."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape

from gateway.cli.output import create_table, show
from gateway.cli.runner import CONFIG, ConfigPath, load_settings, run

locations = typer.Typer(no_args_is_help=True, help="Which channel counts the stock of each location.")


@locations.command("list")
def list_locations(config: ConfigPath = CONFIG) -> None:
    """List the locations, the channel that counts each, and the one that waits until it is accepted."""
    from gateway.cli.locations import fetch_authorities

    rows = create_table("Location", "Counted by", "Waits to be accepted")
    for cells in run(fetch_authorities(load_settings(config))):
        rows.add_row(*map(escape, cells))
    show(rows)


@locations.command("accept")
def accept_authority(
    location: Annotated[str, typer.Argument(help="The location's key.")],
    config: ConfigPath = CONFIG,
) -> None:
    """Let the configured authority count the stock of a location. A gateway that runs does so when it is started again.

    Accept it when the new channel has counted the location, and `gateway sync` has read its counts. It prints how many
    units are reserved in the former counts: they are not subtracted from the new ones. Until it is accepted the former
    authority's counts are used; if that is not configured any more, the stock is unknown, and nothing of it is sold.
    """
    from gateway.cli.locations import accept

    for line in run(accept(load_settings(config), location)).describe():
        typer.echo(line)


@locations.command("forget")
def forget_location(
    location: Annotated[str, typer.Argument(help="The key of a location that is not configured any more.")],
    config: ConfigPath = CONFIG,
) -> None:
    """Forget who counted a location that was removed from the configuration. Orders that name it stay as history."""
    from gateway.cli.locations import forget

    run(forget(load_settings(config), location))
    typer.echo(f"{location} is forgotten")
