"""`gateway webhooks`: notices to the endpoints of outgoing webhooks."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape

from gateway.cli.errors import CommandError
from gateway.cli.output import create_table, show
from gateway.cli.runner import CONFIG, ConfigPath, load_settings, run

webhooks = typer.Typer(no_args_is_help=True, help="Outgoing webhooks.")


@webhooks.command("list")
def list_notices(
    config: ConfigPath = CONFIG,
    state: Annotated[str | None, typer.Option(help="List notices in this state only: queued, done, dead.")] = None,
) -> None:
    """List notices, newest first, at most 1,000: to which endpoint, of which kind, and why the last try failed."""
    from gateway.cli.webhooks.operations import fetch_notices
    from gateway.model.notices.kinds import NoticeState

    if state is not None and state.upper() not in NoticeState.__members__:
        raise CommandError("expected the state queued, done or dead")
    selected = run(fetch_notices(load_settings(config), None if state is None else NoticeState[state.upper()]))
    rows = create_table("ID", "Webhook", "Kind", "Since", "State", "Tries", "Last failure")
    for notice in selected:
        when = f"{notice.created_at:%Y-%m-%d %H:%M}"
        tries, fault = str(notice.attempts), notice.fault or ""
        cells = (notice.id, notice.endpoint, notice.kind.value, when, notice.state.value, tries, fault)
        rows.add_row(*map(escape, cells))
    show(rows if selected else "no notices")


@webhooks.command("replay")
def replay_notices(
    ids: Annotated[list[str] | None, typer.Argument(metavar="ID", help="Ids, as `webhooks list` prints them.")] = None,
    config: ConfigPath = CONFIG,
    all_: Annotated[bool, typer.Option("--all", help="Replay all dead notices.")] = False,
) -> None:
    """Send dead notices again, under the ids of before. A running gateway starts at once."""
    from gateway.cli.webhooks.operations import replay_notices

    if bool(ids) == all_:
        raise CommandError("expected ids of notices, or --all")
    replayed = run(replay_notices(load_settings(config), None if all_ else ids))
    typer.echo(f"{len(replayed)} to be sent")


@webhooks.command("resume")
def resume_endpoint(
    name: Annotated[str, typer.Argument(help="The name of the webhook in the configuration.")],
    config: ConfigPath = CONFIG,
) -> None:
    """Send to a paused endpoint again, at once what waits. A running gateway starts at once."""
    from gateway.cli.webhooks.operations import resume_endpoint

    is_resumed = run(resume_endpoint(load_settings(config), name))
    typer.echo(f"{name} is resumed" if is_resumed else f"{name} is not paused")
