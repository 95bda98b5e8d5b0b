"""`gateway rejects`: records of channels that the gateway rejected."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape

from gateway.cli.errors import CommandError
from gateway.cli.output import create_table, show
from gateway.cli.runner import CONFIG, ConfigPath, load_settings, run

rejects = typer.Typer(no_args_is_help=True, help="Records of channels that the gateway rejected.")


@rejects.command("list")
def list_rejects(
    config: ConfigPath = CONFIG,
    channel: Annotated[str | None, typer.Option(help="List records of this channel only.")] = None,
    resource: Annotated[str | None, typer.Option(help="List records of this resource only: products, stock, …")] = None,
) -> None:
    """List rejected records and warnings with the reasons, newest first, at most 10,000."""
    from gateway.cli.rejects import fetch_rejects

    selected = [
        row
        for row in run(fetch_rejects(load_settings(config)))
        if channel in (None, row.channel) and (resource is None or resource.upper() == row.resource)
    ]
    rows = create_table("ID", "Channel", "Resource", "Record", "Since", "Severity", "Reason")
    for row in selected:
        when = f"{row.rejected_at:%Y-%m-%d %H:%M}"
        cells = (row.id, row.channel, row.resource, row.external_id, when, row.severity, row.reason)
        rows.add_row(*map(escape, cells))
    show(rows if selected else "no rejected records")


@rejects.command("replay")
def replay_rejects(
    ids: Annotated[list[str] | None, typer.Argument(metavar="ID", help="Ids, as `rejects list` prints them.")] = None,
    config: ConfigPath = CONFIG,
    all_: Annotated[bool, typer.Option("--all", help="Replay all rejected records.")] = False,
) -> None:
    """Read rejected records again, after the channel was corrected or a plugin was updated.

    Exit code 1: some are still rejected.
    """
    from gateway.cli.rejects import reread_rejects

    if bool(ids) == all_:
        raise CommandError("expected ids of rejects, or --all")
    remaining = run(reread_rejects(load_settings(config), None if all_ else ids))
    typer.echo(f"{len(remaining)} still rejected" if remaining else "all records are accepted now")
    if remaining:
        raise typer.Exit(1)


@rejects.command("show")
def show_reject(
    id_: Annotated[str, typer.Argument(metavar="ID", help="ID, as `rejects list` prints it.")],
    config: ConfigPath = CONFIG,
) -> None:
    """Show a rejected record: why it was rejected, and what the channel sent.

    If the plugin failed, the text of its exception and the lines that raised it. All of this can contain personal data,
    and is deleted after `[retention] rejects`.
    """
    from gateway.cli.rejects import fetch_reject

    row = run(fetch_reject(load_settings(config), id_))
    lines = {
        "channel": row.channel,
        "feed": row.feed,
        "record": row.external_id,
        "since": f"{row.rejected_at:%Y-%m-%d %H:%M} UTC",
        "reason": row.reason,
        "field": row.field,
        "exception": row.detail,
        "data": row.payload,
    }
    for name, value in lines.items():
        if value is not None:
            typer.echo(f"{name}: {value}")
