"""The commands: what can be asked for. Each imports what it needs when it runs, so that `--help` is quick."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from gateway.cli.document_commands import documents
from gateway.cli.errors import CommandError
from gateway.cli.running import CONFIG, ConfigPath, fail_with, run, settings_of
from gateway.cli.tables import show, table

if TYPE_CHECKING:
    from gateway.settings import Settings

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
rejects = typer.Typer(no_args_is_help=True, help="Records that channels sent and the gateway could not take.")
app.add_typer(rejects, name="rejects")
outbox = typer.Typer(no_args_is_help=True, help="What channels are to be told.")
app.add_typer(outbox, name="outbox")
push = typer.Typer(no_args_is_help=True, help="What channels that follow others' counts are to offer.")
app.add_typer(push, name="push")
app.add_typer(documents, name="documents")


@app.callback()
def options(
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show the log, with a plugin's tracebacks.")] = False,
) -> None:
    """Every sales channel of a retailer behind one GraphQL schema."""
    if verbose:
        log_to_stderr()
    logging.getLogger("gateway").addHandler(logging.NullHandler())  # or warnings go to stderr even so


@app.command()
def serve(
    config: ConfigPath = CONFIG,
    host: Annotated[str | None, typer.Option(help="Where to listen, instead of what the configuration says.")] = None,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="The port, likewise.")] = None,
) -> None:
    """Serve GraphQL over HTTP, and keep every channel in sync.

    `POST /graphql` answers queries, `/health/live` and `/health/ready` tell how the gateway is. Ctrl-C ends it; so
    does any other way of killing it, without harm.
    """
    from gateway.cli.serving import serving

    log_to_stderr()
    settings = settings_of(config)
    run(serving(settings, host or settings.server.host, port or settings.server.port))


@app.command()
def sync(
    channel: Annotated[str | None, typer.Argument(help="The channel's key; without it, all of them.")] = None,
    config: ConfigPath = CONFIG,
    sweep: Annotated[bool, typer.Option(help="Read everything, not only what has changed.")] = False,
    accept_absent: Annotated[
        bool,
        typer.Option(help="Believe a channel that has lost many records at once: what it no longer names is gone."),
    ] = False,
) -> None:
    """Read what the channels have, now, and show how far it is.

    Exit code 1: a channel could not be read completely; what is known of it stays.
    """
    from gateway.cli.syncing import synced

    if not run(synced(settings_of(config), channel, sweep=sweep, accept_absent=accept_absent)):
        raise typer.Exit(1)


@app.command()
def migrate(config: ConfigPath = CONFIG) -> None:
    """Bring the database up to date. `serve` and `sync` do so by themselves when they start."""
    from gateway.storage.database import Database
    from gateway.storage.migrate import migrate as migrated

    async def migrating(settings: Settings) -> None:
        database = Database(settings.database)
        try:
            await migrated(database)
        finally:
            await database.close()

    run(migrating(settings_of(config)))
    typer.echo("the database is up to date")


@app.command("check-config")
def check_config(config: ConfigPath = CONFIG) -> None:
    """Say what is wrong with the configuration, one line a problem. Opens the channels, and talks to none of them.

    Exit code 1: something is wrong.
    """
    from gateway.cli.checking import problems_of
    from gateway.settings import SettingsError, load

    try:
        settings = load(config)
    except SettingsError as error:
        fail_with(error.problems)
    if problems := run(problems_of(settings)):
        fail_with(problems)
    counts = {"channel": len(settings.channels), "location": len(settings.locations), "token": len(settings.tokens)}
    told = ", ".join(f"{count} {name}{'' if count == 1 else 's'}" for name, count in counts.items())
    typer.echo(f"{config}: OK: {told}")


@app.command()
def plugins() -> None:
    """List the channel plugins that are installed, and why others cannot be used.

    Exit code 1: one cannot.
    """
    from gateway.channels.plugins import discover

    found = discover()
    rows = table("Plugin", "Version", "Kind", "SDK", "Sandbox")
    for name, kind in found.types.items():
        rows.add_row(name, kind.version, kind.kind.value, kind.sdk, "yes" if kind.sandbox else "no")
    show(rows)
    if found.failures:
        fail_with(map(str, found.failures))


@rejects.command("list")
def list_rejects(
    config: ConfigPath = CONFIG,
    channel: Annotated[str | None, typer.Option(help="Of this channel only.")] = None,
    resource: Annotated[str | None, typer.Option(help="Of this resource only: products, stock, …")] = None,
) -> None:
    """List the records that were rejected, and why. The newest first, at most 10,000."""
    from gateway.cli.rejected import rejected

    found = [
        row
        for row in run(rejected(settings_of(config)))
        if channel in (None, row.channel) and (resource is None or resource.upper() == row.resource)
    ]
    rows = table("ID", "Channel", "Resource", "Record", "Since", "Reason")
    for row in found:
        when = f"{row.rejected_at:%Y-%m-%d %H:%M}"
        cells = (row.id, row.channel, row.resource, row.external_id, when, row.reason)
        rows.add_row(*map(escape, cells))
    show(rows if found else "nothing is rejected")


@rejects.command("replay")
def replay_rejects(
    ids: Annotated[list[str] | None, typer.Argument(metavar="ID", help="As `rejects list` shows them.")] = None,
    config: ConfigPath = CONFIG,
    all_: Annotated[bool, typer.Option("--all", help="Every one of them.")] = False,
) -> None:
    """Read rejected records again: after the channel was put right, or a plugin was updated.

    Exit code 1: some are still rejected.
    """
    from gateway.cli.rejected import replayed

    if bool(ids) == all_:
        raise CommandError("name the rejects to replay, or give --all")
    left = run(replayed(settings_of(config), None if all_ else ids))
    typer.echo(f"{len(left)} still rejected" if left else "all of them are good now")
    if left:
        raise typer.Exit(1)


@outbox.command("list")
def list_outbox(
    config: ConfigPath = CONFIG,
    state: Annotated[list[str] | None, typer.Option(help="In this state only: queued, sending, done, dead.")] = None,
    most: Annotated[int, typer.Option(min=1, help="How many at the most.")] = 1_000,
) -> None:
    """List what channels are to be told, the latest first: what it is about, and never what it says."""
    from gateway.cli.operating import entries
    from gateway.storage.outbox import OutboxState

    wanted = [one.upper() for one in state or ()]
    if unknown := sorted(set(wanted) - {one.value for one in OutboxState}):
        raise CommandError(f"{unknown[0].lower()} is no state; expected queued, sending, done or dead")
    found = run(entries(settings_of(config), wanted or None, most))
    rows = table("ID", "Channel", "Operation", "About", "State", "Tries", "Fault")
    for row in found:
        fault = "" if row.fault is None else f"{row.fault.code.value} {row.fault.message or ''}"
        cells = (row.id, row.channel_key, row.operation, row.subject, row.state.value, str(row.attempts), fault)
        rows.add_row(*map(escape, cells))
    show(rows if found else "nothing is there")


@outbox.command("replay")
def replay_outbox(
    ids: Annotated[list[str], typer.Argument(metavar="ID", help="As `outbox list` shows them.")],
    config: ConfigPath = CONFIG,
) -> None:
    """Have dead wishes be tried again, once their channel was put right. A running gateway does so.

    What may have been done already is looked up first. Exit code 1: some cannot be tried again.
    """
    from gateway.cli.operating import replayed

    if problems := run(replayed(settings_of(config), ids)):
        fail_with(problems)
    typer.echo(f"{len(ids)} to be tried again")


@push.command("plan")
def plan_push(
    channel: Annotated[str, typer.Argument(help="The channel's key.")],
    config: ConfigPath = CONFIG,
) -> None:
    """Show what a channel that follows others' counts would be told to offer now. Tells it nothing."""
    from gateway.cli.operating import planned

    arming, found = run(planned(settings_of(config), channel))
    rows = table("Listing", "Place", "It offers", "It is to offer")
    for one in found:
        cells = (one.offer.external_id, one.row.location, str(one.offer.published), str(one.wanted))
        rows.add_row(*map(escape, cells))
    show(rows if found else f"{channel} offers what it is to offer")
    if arming.fault is not None:
        typer.echo(f"stopped: {arming.fault}")
    typer.echo(f"{len(found)} to be told; {'armed' if arming.armed_at else 'not armed: nothing is sent'}")


@push.command("arm")
def arm_push(
    channel: Annotated[str, typer.Argument(help="The channel's key.")],
    config: ConfigPath = CONFIG,
) -> None:
    """Let a channel be told what to offer, from now on. Look at `push plan` first. A running gateway begins at once."""
    from gateway.cli.operating import armed

    run(armed(settings_of(config), channel))
    typer.echo(f"{channel} is armed")


@push.command("disarm")
def disarm_push(
    channel: Annotated[str, typer.Argument(help="The channel's key.")],
    config: ConfigPath = CONFIG,
) -> None:
    """Let a channel be told nothing any more. What it offers stays as it is."""
    from gateway.cli.operating import disarmed

    run(disarmed(settings_of(config), channel))
    typer.echo(f"{channel} is not armed any more")


@app.command()
def doctor(config: ConfigPath = CONFIG) -> None:
    """Compare what the gateway knows with itself, and with what every channel counts now.

    Differences are named, those that something still under way explains apart; and shortages, which are none of them.
    Exit code 1: there is a difference.
    """
    from gateway.cli.operating import examined

    found = run(examined(settings_of(config)))
    for title, lines in (
        ("different", found.differences),
        ("under way", found.under_way),
        ("for a person to see to", found.shortages),
        ("could not be asked", found.unasked),
    ):
        typer.echo(f"{title}: {len(lines)}")
        for line in lines:
            typer.echo(f"  {line}")
    if found.differences:
        raise typer.Exit(1)


@app.command()
def sandbox(
    name: Annotated[str, typer.Argument(help="The plugin whose sandbox to start, as `gateway plugins` lists it.")],
    directory: Annotated[Path, typer.Option(help="Where it keeps its files.")] = Path("sandbox"),
    port: Annotated[int | None, typer.Option(help="Where it listens, if it has a socket.")] = None,
    fault: Annotated[str, typer.Option(help="How it is broken from the start: down, hang, …")] = "ok",
) -> None:
    """Run a channel's twin with a small shop in it, and print the configuration that reaches it. Ctrl-C stops it."""
    from gateway.channels.plugins import discover
    from gateway.cli.twins import sandboxed, starter

    run(sandboxed(name, starter(name, discover()), directory, port, fault))


@app.command()
def schema() -> None:
    """Print the GraphQL schema."""
    from gateway.graphql.schema import printed

    typer.echo(printed(), nl=False)


def log_to_stderr() -> None:
    """The gateway's own log; of others what is a warning."""
    logging.basicConfig(stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("gateway").setLevel(logging.INFO)
