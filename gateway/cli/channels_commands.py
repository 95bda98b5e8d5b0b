"""`gateway channels`: data of channels that are not configured any more."""

from __future__ import annotations

from typing import Annotated

import typer

from gateway.cli.errors import CommandError
from gateway.cli.runner import CONFIG, ConfigPath, load_settings, run

channels = typer.Typer(no_args_is_help=True, help="Channels that were removed from the configuration, or renamed.")


@channels.command("forget")
def forget_channel(
    channel: Annotated[str, typer.Argument(help="The key of a channel that is not configured any more.")],
    config: ConfigPath = CONFIG,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete what a removed channel has stored: its listings, prices, stock, and what waits to be sent to it.

    Its orders and customers stay as history. Products that no other channel lists disappear from the catalog, and IDs
    of its listings resolve to nothing. It prints what will be deleted, and asks. It runs beside a serving gateway, in
    small steps; if it is interrupted, run it again. There is no way back but a backup.
    """
    from gateway.cli.channels import count_forgotten, forget

    settings = load_settings(config)
    counts = run(count_forgotten(settings, channel))
    for line in counts.describe(channel):
        typer.echo(line)
    if not (yes or typer.confirm(f"Delete the data of {channel}?")):
        raise CommandError("nothing was deleted")
    run(forget(settings, channel))
    typer.echo(f"{channel} is forgotten")


@channels.command("rename")
def rename_channel(
    old: Annotated[str, typer.Argument(help="The former key, which is not configured any more.")],
    new: Annotated[str, typer.Argument(help="The new key, as it is configured now.")],
    config: ConfigPath = CONFIG,
) -> None:
    """Carry all data of a channel over to a new key: listings, stock, orders, customers, links, tokens, cursors.

    Stop all gateway processes, rename the channel in the configuration, run this command, and start them again. It is
    refused while a gateway process runs, or if the new key has data already.
    """
    from gateway.cli.channels import rename

    run(rename(load_settings(config), old, new))
    typer.echo(f"{old} is {new} now")
