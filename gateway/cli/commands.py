"""The commands. Each imports what it needs when it runs, so that `--help` is fast."""

from __future__ import annotations

import logging
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from gateway.cli.audit_commands import print_audit
from gateway.cli.backup_commands import back_up
from gateway.cli.channels_commands import channels
from gateway.cli.documents_commands import documents
from gateway.cli.errors import CommandError
from gateway.cli.locations_commands import locations
from gateway.cli.output import create_table, show
from gateway.cli.prices_commands import prices
from gateway.cli.privacy.commands import erased, print_invoice
from gateway.cli.rejects_commands import rejects
from gateway.cli.runner import CONFIG, ConfigPath, fail_with, load_settings, run
from gateway.cli.secret_commands import pickup, secret
from gateway.cli.token_commands import token
from gateway.cli.webhooks.commands import webhooks
from gateway.runtime.log_format import configure_log

if TYPE_CHECKING:
    from gateway.settings.schema import Settings

COMPARED = ("levels", "listings", "prices", "orders", "products")
UNREACHABLE_CODE = 3

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
app.add_typer(rejects, name="rejects")
outbox = typer.Typer(no_args_is_help=True, help="Commands to channels.")
app.add_typer(outbox, name="outbox")
push = typer.Typer(no_args_is_help=True, help="Quantities for channels whose stock other channels count.")
app.add_typer(push, name="push")
app.add_typer(documents, name="documents")
app.add_typer(token, name="token")
app.add_typer(channels, name="channels")
app.add_typer(locations, name="locations")
app.add_typer(prices, name="prices")
app.command("audit")(print_audit)
app.command("backup")(back_up)
app.add_typer(secret, name="secret")
app.add_typer(pickup, name="pickup")
app.add_typer(webhooks, name="webhooks")
app.add_typer(erased, name="erased")
app.command("retained")(print_invoice)


def print_version(is_requested: bool) -> None:
    """Print the version of the gateway, and exit."""
    if is_requested:
        typer.echo(f"gateway {metadata.version('commerce-gateway')}")
        raise typer.Exit


@app.callback()
def configure(
    context: typer.Context,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Print the log, with tracebacks of plugins.")
    ] = False,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", is_eager=True, callback=print_version)
    ] = False,
) -> None:
    """One GraphQL schema for all sales channels of a retailer."""
    context.obj = verbose
    if verbose:
        configure_log(level="debug")
    logging.getLogger("gateway").addHandler(
        logging.NullHandler()
    )  # otherwise Python prints warnings to stderr by default


@app.command()
def serve(
    context: typer.Context,
    config: ConfigPath = CONFIG,
    host: Annotated[str | None, typer.Option(help="The address to listen on, instead of the configured one.")] = None,
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="The port to listen on, instead of the configured one.")
    ] = None,
) -> None:
    """Serve GraphQL over HTTP and keep all channels in sync.

    `POST /graphql` handles queries; `/health/live` and `/health/ready` report the state of the process. SIGHUP loads
    the tokens of the configuration again. Stop it with Ctrl-C. Killing it in any other way does no harm either.
    """
    from gateway.server.lifecycle import run_server
    from gateway.settings.secrets import collect_secrets

    if not context.obj:
        configure_log()
    settings = load_settings(config)
    level = "debug" if context.obj else settings.server.log_level
    configure_log(settings.server.log, level, collect_secrets(settings))
    reload = partial(load_settings, config)
    run(run_server(settings, host or settings.server.host, port or settings.server.port, reload))


@app.command()
def sync(
    channel: Annotated[str | None, typer.Argument(help="The channel's key. Default: all channels.")] = None,
    config: ConfigPath = CONFIG,
    sweep: Annotated[bool, typer.Option(help="Read all records, not only changed ones.")] = False,
    accept_absent: Annotated[
        bool,
        typer.Option(
            help="Accept that a channel lost many records at once: records that it no longer lists are deleted."
        ),
    ] = False,
    strict: Annotated[bool, typer.Option(help="Exit with code 1 if any record is rejected.")] = False,
) -> None:
    """Read the channels now, show the progress, and print how many records were read and how many are not applied.

    Warnings are counts that wait, and records that are stored without some of their values. Exit code 1: a feed could
    not be read completely, or every record of it was rejected. Its known records remain.
    """
    from gateway.cli.sync import run_sync

    result = run(run_sync(load_settings(config), channel, sweep=sweep, accept_absent=accept_absent))
    for line in result.summaries:
        typer.echo(line)
    if result.problems or (strict and result.rejected):
        raise typer.Exit(1)


@app.command()
def migrate(config: ConfigPath = CONFIG) -> None:
    """Migrate the database to the current schema. `serve` and `sync` do so when they start."""
    from gateway.runtime.database_opening import create_database
    from gateway.storage.migrate import migrate

    async def migrate_database(settings: Settings) -> None:
        database = create_database(settings)
        try:
            await migrate(database)
        finally:
            await database.close()

    run(migrate_database(load_settings(config)))
    typer.echo("the database is up to date")


@app.command("check-config")
def check_config(config: ConfigPath = CONFIG) -> None:
    """Check the configuration and print one line per problem. Opens the channels without sending requests to them.

    Notices do not prevent the start: what becomes hidden because its channel or location is not configured any more,
    and locations whose stock another channel is to count once `gateway locations accept` allows it.

    Exit code 1: there is a problem.
    """
    from gateway.cli.config_check import find_notices, find_problems, find_topology_changes
    from gateway.settings.loading import load
    from gateway.settings.problems import SettingsError

    try:
        settings = load(config)
    except SettingsError as error:
        fail_with(error.problems)
    if problems := run(find_problems(settings)):
        fail_with(problems)
    for notice in (*find_notices(settings), *run(find_topology_changes(settings))):
        typer.echo(f"notice: {notice}")
    counts = {"channel": len(settings.channels), "location": len(settings.locations), "token": len(settings.tokens)}
    summary = ", ".join(f"{count} {name}{'' if count == 1 else 's'}" for name, count in counts.items())
    typer.echo(f"{config}: OK: {summary}")


@app.command("plugins")
def list_plugins() -> None:
    """List the installed plugins, and why others cannot be used.

    Exit code 1: a plugin cannot be used.
    """
    from gateway.channels.plugin_registry import discover

    plugins = discover()
    rows = create_table("Plugin", "Version", "Kind", "SDK", "Sandbox")
    for name, kind in plugins.types.items():
        rows.add_row(name, kind.version, kind.kind.value, kind.sdk, "yes" if kind.sandbox else "no")
    show(rows)
    if plugins.failures:
        fail_with(map(str, plugins.failures))


@outbox.command("list")
def list_outbox(
    config: ConfigPath = CONFIG,
    state: Annotated[
        list[str] | None, typer.Option(help="List commands in this state only: queued, sending, done, dead.")
    ] = None,
    most: Annotated[int, typer.Option(min=1, help="The maximum number of commands.")] = 1_000,
) -> None:
    """List commands to channels, latest first: their subject, but not their content."""
    from gateway.cli.operations import fetch_entries
    from gateway.storage.outbox import OutboxState

    states = [name.upper() for name in state or ()]
    if unknown_states := sorted(set(states) - {name.value for name in OutboxState}):
        raise CommandError(f"{unknown_states[0].lower()} is not a state; expected queued, sending, done or dead")
    entries = run(fetch_entries(load_settings(config), states or None, most))
    rows = create_table("ID", "Channel", "Operation", "About", "State", "Tries", "Fault")
    for row in entries:
        fault = "" if row.fault is None else f"{row.fault.code.value} {row.fault.message or ''}"
        cells = (row.id, row.channel_key, row.operation, row.subject, row.state.value, str(row.attempts), fault)
        rows.add_row(*map(escape, cells))
    show(rows if entries else "no commands")


@outbox.command("replay")
def replay_outbox(
    ids: Annotated[list[str], typer.Argument(metavar="ID", help="Ids, as `outbox list` prints them.")],
    config: ConfigPath = CONFIG,
) -> None:
    """Retry dead commands, after their channel was corrected. A running gateway sends them.

    A command whose outcome is unknown is looked up first. Exit code 1: some commands cannot be retried.
    """
    from gateway.cli.operations import replay_commands

    if problems := run(replay_commands(load_settings(config), ids)):
        fail_with(problems)
    typer.echo(f"{len(ids)} queued for retry")


@outbox.command("recheck")
def recheck_outbox(config: ConfigPath = CONFIG) -> None:
    """Look up every open command before it is sent. Run it after a restore, before the gateway starts.

    What an older state of the database calls unsent may have been sent since.
    """
    from gateway.cli.operations import recheck_commands

    typer.echo(f"{run(recheck_commands(load_settings(config)))} commands are looked up before they are sent")


@push.command("plan")
def plan_push(
    channel: Annotated[str, typer.Argument(help="The channel's key.")],
    config: ConfigPath = CONFIG,
) -> None:
    """Show the quantities that would be pushed to a channel now. Sends nothing."""
    from gateway.cli.operations import compute_plan

    arming, plan = run(compute_plan(load_settings(config), channel))
    rows = create_table("Listing", "Place", "Current", "Planned")
    for planned in plan:
        cells = (planned.offer.external_id, planned.row.location, str(planned.offer.published), str(planned.target))
        rows.add_row(*map(escape, cells))
    show(rows if plan else f"{channel} is up to date")
    if arming.fault is not None:
        typer.echo(f"stopped: {arming.fault}")
    typer.echo(f"{len(plan)} to push; {'armed' if arming.armed_at else 'not armed: nothing is sent'}")


@push.command("arm")
def arm_push(
    channel: Annotated[str, typer.Argument(help="The channel's key.")],
    config: ConfigPath = CONFIG,
) -> None:
    """Arm the push of quantities to a channel. Check `push plan` first. A running gateway starts at once."""
    from gateway.cli.operations import arm_channel

    run(arm_channel(load_settings(config), channel))
    typer.echo(f"{channel} is armed")


@push.command("disarm")
def disarm_push(
    channel: Annotated[str, typer.Argument(help="The channel's key.")],
    config: ConfigPath = CONFIG,
) -> None:
    """Disarm the push of quantities to a channel. Its current quantities remain."""
    from gateway.cli.operations import disarm_channel

    run(disarm_channel(load_settings(config), channel))
    typer.echo(f"{channel} is disarmed")


@app.command("doctor")
def diagnose(config: ConfigPath = CONFIG) -> None:
    """Check the gateway's data for consistency, and compare it with the current stock of every channel.

    Prints how much it compared, differences, differences that a command in progress explains, shortages, overdue
    payments, orders to check, feeds that have yet to be read again after an upgrade, and what waits for an operator:
    removed channels, locations that another channel is to count, and webhooks that are paused. The last line says how
    much memory the caches of each process may take; what they take is in its log every hour. Exit code 0: all is the
    same. 1: there is a difference. 3: there is none, but a channel could not be asked.
    """
    from gateway.cli.operations import diagnose_gateway

    diagnosis = run(diagnose_gateway(load_settings(config)))
    findings = diagnosis.findings
    for channel, numbers in findings.compared.items():
        typer.echo(f"{channel}: compared {', '.join(f'{numbers.get(kind, 0):,} {kind}' for kind in COMPARED)}")
    for title, lines in (
        ("different", findings.differences),
        ("in progress", findings.in_flight),
        ("shortages to resolve", findings.shortages),
        ("payments overdue", findings.overdue),
        ("orders to check", findings.attention),
        ("to be read again after an upgrade", findings.rereads),
        ("waiting for an operator", findings.waiting),
        ("not checked", findings.unreachable),
    ):
        typer.echo(f"{title}: {len(lines)}")
        for line in lines:
            typer.echo(f"  {line}")
    typer.echo(f"memory of caches, at most: {diagnosis.cache_limits}")
    if findings.differences or findings.unreachable:
        raise typer.Exit(1 if findings.differences else UNREACHABLE_CODE)


@app.command("sandbox")
def run_sandbox(
    name: Annotated[str, typer.Argument(help="The plugin whose sandbox to start, as `gateway plugins` lists it.")],
    directory: Annotated[Path, typer.Option(help="The directory for its files.")] = Path("sandbox"),
    port: Annotated[int | None, typer.Option(help="The port to listen on, if the sandbox has a socket.")] = None,
    fault: Annotated[str, typer.Option(help="A fault that the sandbox has from the start: down, hang, …")] = "ok",
) -> None:
    """Run a plugin's sandbox with a small shop, and print the configuration for it. Stop it with Ctrl-C."""
    from gateway.channels.plugin_registry import discover
    from gateway.cli.sandbox import find_starter, serve_sandbox

    run(serve_sandbox(name, find_starter(name, discover()), directory, port, fault))


@app.command("schema")
def print_schema() -> None:
    """Print the GraphQL schema."""
    from gateway.graphql.schema import print_sdl

    typer.echo(print_sdl(), nl=False)
