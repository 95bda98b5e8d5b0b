"""The command that reads the audit trail."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from gateway.cli.output import create_table, show
from gateway.cli.runner import CONFIG, ConfigPath, load_settings, run

if TYPE_CHECKING:
    from gateway.cli.audit import Entries
    from gateway.storage.audit import RefusalKey


def print_audit(
    config: ConfigPath = CONFIG,
    actor: Annotated[str | None, typer.Option(help="List attempts of the token with this name only.")] = None,
    action: Annotated[list[str] | None, typer.Option(help="List this mutation only, such as orderCancel.")] = None,
    refused: Annotated[bool, typer.Option(help="List refused attempts only.")] = False,
    anonymous: Annotated[
        bool, typer.Option(help="Count the refusals of clients without a token instead, by minute.")
    ] = False,
    hours: Annotated[float, typer.Option(min=0.01, help="How far back to look, in hours.")] = 24.0,
    most: Annotated[int, typer.Option(min=1, help="The maximum number of rows.")] = 1_000,
) -> None:
    """List what tokens attempted to change, and what happened to orders, latest first: from the audit trail."""
    from gateway.cli.audit import fetch_entries, fetch_refusals
    from gateway.runtime.gateway import get_utc_now
    from gateway.storage.audit import AuditQuery

    back = timedelta(hours=hours)
    if anonymous:
        _show_refusals(run(fetch_refusals(load_settings(config), back, most)))
        return
    query = AuditQuery(
        actor=actor, actions=tuple(action) if action else None, since=get_utc_now() - back, refused=refused or None
    )
    _show_entries(run(fetch_entries(load_settings(config), query, most)))


def _show_entries(entries: Entries) -> None:
    rows = create_table("Time", "Actor", "Action", "Subject", "Location", "Result", "Changes")
    for entry, changes in entries:
        subject = " ".join(filter(None, (entry.subject_type, entry.subject_id)))
        changed = ", ".join(f"{change.field}: {change.before or '-'} → {change.after or '-'}" for change in changes)
        actor = entry.actor.name or entry.actor.kind.value.lower()
        when = f"{entry.occurred_at:%Y-%m-%d %H:%M:%S}"
        cells = (when, actor, entry.action, subject, entry.location_key or "", entry.refused or "applied", changed)
        rows.add_row(*map(escape, cells))
    show(rows if entries else "no entries")


def _show_refusals(refusals: Sequence[tuple[RefusalKey, int]]) -> None:
    rows = create_table("Minute", "Client", "Action", "Code", "Count")
    for key, number in refusals:
        rows.add_row(f"{key.minute:%Y-%m-%d %H:%M}", *map(escape, (key.client, key.action, key.code, str(number))))
    show(rows if refusals else "no refusals")
